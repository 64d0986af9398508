import type { ToolRule } from '../config/config.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { Peer } from '../socket/peer.ts'
import { includesScope, type Scope } from '../socket/scopes.ts'
import { fitsPattern } from './path-pattern.ts'

/** What rules ask about files. Never reject. */
export interface FileFacts {
  /** Whether nobody but root can have written it, or put another in its place. */
  isRootOwned(file: string): Promise<boolean>
  /** Lower case hexadecimal; undefined for a file that cannot be read. */
  sha256Of(file: string): Promise<string | undefined>
}

/** Whether IT lets the program through. A program nobody can name fits no rule. */
export async function isRuledIn(
  rules: readonly ToolRule[],
  tool: CallingTool,
  wanted: { readonly scope: Scope; readonly site: string | undefined },
  facts: FileFacts,
): Promise<boolean> {
  const within = rules.filter((rule) => includesScope(rule.scope ?? 'rest', wanted.scope))
  return fitsOne(within, tool, wanted.site, facts)
}

/** Whether IT refuses the program. One that nobody can name is refused by what it says its name is, and by its site. */
export async function isRuledOut(
  rules: readonly ToolRule[],
  tool: CallingTool,
  wanted: { readonly scope: Scope; readonly site: string | undefined },
  facts: FileFacts,
): Promise<boolean> {
  const within = rules.filter((rule) => includesScope(wanted.scope, rule.scope ?? 'status'))
  return fitsOne(within, tool, wanted.site, facts)
}

async function fitsOne(
  rules: readonly ToolRule[],
  tool: CallingTool,
  site: string | undefined,
  facts: FileFacts,
): Promise<boolean> {
  for (const rule of rules) {
    // What is asked of the disk comes last, and only for the rules that depend on it.
    if (fitsWords(rule, tool, site) && (await fitsFiles(rule, tool, facts))) return true
  }
  return false
}

function fitsWords(rule: ToolRule, { identified, claim }: CallingTool, site: string | undefined): boolean {
  if (rule.sites !== undefined && (site === undefined || !rule.sites.includes(site))) return false
  if (rule.client !== undefined && !fitsPattern(claim.name, rule.client)) return false
  if (identified.kind === 'unknown') return !asksWhich(rule)
  const { executable, script, parents } = identified.peer
  return (
    (rule.executable === undefined || fitsPattern(executable, rule.executable)) &&
    (rule.script === undefined || (script !== undefined && fitsPattern(script, rule.script))) &&
    (rule.parent === undefined || parents.some((parent) => fitsPattern(parent.executable, rule.parent ?? '')))
  )
}

async function fitsFiles(rule: ToolRule, { identified }: CallingTool, facts: FileFacts): Promise<boolean> {
  if (identified.kind === 'unknown') return true
  const { executable } = identified.peer
  if (rule.owner === 'root') {
    for (const file of filesMeant(rule, identified.peer)) if (!(await facts.isRootOwned(file))) return false
  }
  return rule.sha256 === undefined || (await facts.sha256Of(executable)) === rule.sha256.toLowerCase()
}

/** The program file; of a rule that names a script, that too: else `owner` would say nothing about what runs. */
function filesMeant(rule: ToolRule, { executable, script }: Peer): string[] {
  return rule.script !== undefined && script !== undefined ? [executable, script] : [executable]
}

/** Whether a rule depends on knowing the program. */
function asksWhich({ executable, script, parent, owner, sha256 }: ToolRule): boolean {
  return [executable, script, parent, owner, sha256].some((asked) => asked !== undefined)
}
