import type { AuditEntry } from '../../../src/agent.ts'
import { isErrorCode } from '../../../src/errors.ts'
import { clockTime, type Situation } from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Strings } from '../../strings/en.ts'
import type { RecentCalls, StatusView, ToolRow } from '../contract.ts'
import { act } from './action.ts'
import { programName, programPaths } from './shown-program.ts'

/** The audit has them all; these are for a look. */
const mostCalls = 60

/** Who had the session today, and who asked for it in vain. */
export function toolsPart(situation: Situation, language: Language): StatusView['tools'] {
  const { status, programs } = language.strings
  const { tools, refused } = situation
  const used = tools.map((tool) => ({ tool, row: usedRow(tool, situation, language) }))
  const turnedAway = refused.map((tool) => ({ tool, row: refusedRow(tool, situation, language) }))
  const rows = [...used, ...turnedAway].toSorted((one, other) => other.tool.lastAt - one.tool.lastAt)
  return {
    heading: status.toolsHeading,
    none: status.noTools,
    rows: rows.map(({ row }) => row),
    actions: [act(programs.open, 'plain', 'openPrograms')],
  }
}

function usedRow(tool: Situation['tools'][number], situation: Situation, language: Language): ToolRow {
  const { lastAt, count } = tool
  const used = language.strings.tool.used(clockTime(lastAt, situation.now, language.tag), count)
  return { ...who(tool, situation, language, used), refused: false }
}

function refusedRow(tool: Situation['refused'][number], situation: Situation, language: Language): ToolRow {
  const { lastAt, count, code } = tool
  const { errors, tool: words } = language.strings
  const used = words.used(clockTime(lastAt, situation.now, language.tag), count)
  return { ...who(tool, situation, language, used, words.refused(errors[code].sentence)), refused: true }
}

/** The program by the system's word, and what it calls itself where that is something else. */
function who(
  tool: Situation['refused'][number] | Situation['tools'][number],
  situation: Situation,
  { strings }: Language,
  ...details: readonly string[]
): Omit<ToolRow, 'refused'> {
  const claimed = tool.name || strings.tool.unnamed
  const site = situation.sites.length > 1 ? situation.sites.find(({ url }) => url === tool.site)?.name : undefined
  const parts = [strings.tool.claims(claimed), ...(site === undefined ? [] : [site]), ...details]
  const whole = programPaths(tool)
  return { name: programName(tool, strings), ...(whole === '' ? {} : { whole }), detail: parts.join(' · ') }
}

/** The newest lines of the audit, in words. */
export function callsPart({ calls, now }: Situation, { tag, strings }: Language): RecentCalls {
  const { calls: texts } = strings
  return {
    heading: texts.heading,
    none: texts.none,
    hint: texts.hint,
    rows: calls.slice(0, mostCalls).map((entry) => {
      const whole = programPaths(entry.about ?? entry)
      return {
        when: clockTime(entry.at, now, tag),
        who: whoOf(entry, strings),
        whole: [whole, strings.tool.claims(entry.claimed.name), `${strings.consent.process} ${entry.pid}`]
          .filter((line) => line !== '')
          .join('\n'),
        what: whatOf(entry, strings),
        outcome: outcomeOf(entry, strings),
        refused: isRefused(entry),
      }
    }),
  }
}

/** What sg-session notes of itself is about a program that was decided about, or about itself. */
function whoOf(entry: AuditEntry, strings: Strings): string {
  if (entry.about) return programName(entry.about, strings)
  return isOwn(entry) ? 'sg-session' : programName(entry, strings)
}

const own = new Set(['signedIn', 'signedOut', 'toolAllowed', 'toolRevoked', 'audit'])

function isOwn({ method }: AuditEntry): boolean {
  return own.has(method)
}

function isRefused(entry: AuditEntry): boolean {
  const { outcome } = entry
  return outcome === 'lost' || (!isOwn(entry) && outcome !== 'ok')
}

function whatOf({ method, count }: AuditEntry, { calls }: Strings): string {
  const methods: Readonly<Record<string, string>> = calls.methods
  const what = Object.hasOwn(methods, method) ? (methods[method] ?? method) : method
  return count > 1 ? calls.times(what, count) : what
}

function outcomeOf({ outcome, allowedBy }: AuditEntry, { calls, errors }: Strings): string {
  if (isErrorCode(outcome)) return errors[outcome].sentence
  if (outcome !== 'ok') return calls.outcomes[outcome]
  return allowedBy === undefined ? calls.outcomes.ok : calls.allowedBy[allowedBy]
}
