import { matchesGlob } from 'node:path'
import type { ToolRule } from '../config.ts'
import type { CallingTool } from '../socket/connection.ts'
import { includesScope, type Scope } from '../socket/scopes.ts'

/** Whether IT lets the program through. A program nobody can name fits no rule. */
export function isRuledIn(rules: readonly ToolRule[], tool: CallingTool, scope: Scope, site: string): boolean {
  return rules.some((rule) => fits(rule, tool, site) && includesScope(rule.scope ?? 'rest', scope))
}

/** Whether IT refuses the program. */
export function isRuledOut(rules: readonly ToolRule[], tool: CallingTool, scope: Scope, site: string): boolean {
  return rules.some((rule) => fits(rule, tool, site) && includesScope(scope, rule.scope ?? 'status'))
}

function fits(rule: ToolRule, { identified }: CallingTool, site: string): boolean {
  if (identified.kind === 'unknown') return false
  const { peer } = identified
  return (
    (rule.executable === undefined || matchesGlob(peer.executable, rule.executable)) &&
    (rule.sites === undefined || rule.sites.includes(site))
  )
}
