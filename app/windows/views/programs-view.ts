import type { AllowedTool } from '../../../src/agent.ts'
import { clockTime, type Situation } from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Fact, ProgramRow, ProgramsView } from '../contract.ts'
import { act } from './action.ts'
import { programName, shownPath } from './shown-program.ts'

/** Which programs the artist has allowed, and how to take that back. */
export function programsView(situation: Situation, language: Language): ProgramsView {
  const { programs, consent } = situation
  const { programs: texts } = language.strings
  return {
    window: 'programs',
    language: language.tag,
    title: texts.title,
    headline: texts.headline,
    text: texts.mode[consent],
    none: consent === 'prompt' ? texts.none : texts.noneByStudio,
    rows: programs.map((program) => row(program, situation, language)),
    actions: [act(texts.close, 'plain', 'closeWindow')],
  }
}

function row(program: AllowedTool, { sites, now }: Situation, { tag, strings }: Language): ProgramRow {
  const { programs: texts, consent } = strings
  const { id, executable, script, site, scope, allowedAt, lastUsedAt, pid } = program
  const isToday = new Date(allowedAt).toDateString() === new Date(now).toDateString()
  const since = texts.since(isToday ? clockTime(allowedAt, now, tag) : dayOf(allowedAt, tag))
  const siteName = sites.find(({ url }) => url === site)?.name ?? URL.parse(site)?.host ?? site
  const facts: Fact[] = [
    { label: consent.program, ...shownPath(executable) },
    ...(script === undefined ? [] : [{ label: consent.script, ...shownPath(script) }]),
    { label: texts.site, value: scope === 'autodesk' ? texts.withAutodesk(siteName) : siteName },
    { label: texts.allowed, value: pid === undefined ? since : texts.untilItEnds(since, pid) },
    ...(lastUsedAt === undefined ? [] : [{ label: texts.lastUsed, value: dayOf(lastUsedAt, tag) }]),
  ]
  return {
    id,
    name: programName(program, strings),
    facts,
    action: act(texts.revoke, 'danger', 'revokeTool', { id }),
  }
}

function dayOf(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric' }).format(at)
}
