import type { AllowedTool, RefusedTool } from '../../../src/agent.ts'
import { clockTime, type Situation } from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Fact, ProgramRow, ProgramsView } from '../contract.ts'
import { act } from './action.ts'
import { programName, shownPath } from './shown-program.ts'

/** Which programs the artist has allowed, and how to take that back. */
export function programsView(situation: Situation, language: Language): ProgramsView {
  const { programs, refusedPrograms, consent } = situation
  const { programs: texts } = language.strings
  return {
    window: 'programs',
    language: language.tag,
    title: texts.title,
    headline: texts.headline,
    text: texts.mode[consent],
    none: consent === 'prompt' ? texts.none : texts.noneByStudio,
    rows: programs.map((program) => allowedRow(program, situation, language)),
    refused: {
      heading: texts.refusedHeading,
      text: texts.refusedText,
      rows: refusedPrograms.map((program) => refusedRow(program, situation, language)),
    },
    actions: [act(texts.close, 'plain', 'closeWindow')],
  }
}

function allowedRow(program: AllowedTool, situation: Situation, language: Language): ProgramRow {
  const { tag, strings } = language
  const { programs: texts } = strings
  const { id, allowedAt, lastUsedAt, pid } = program
  const { now } = situation
  const isToday = new Date(allowedAt).toDateString() === new Date(now).toDateString()
  const since = texts.since(isToday ? clockTime(allowedAt, now, tag) : dayOf(allowedAt, tag))
  return {
    id,
    name: programName(program, strings),
    facts: [
      ...whereAndWhat(program, situation, language),
      { label: texts.allowed, value: pid === undefined ? since : texts.untilItEnds(since, pid) },
      ...(lastUsedAt === undefined ? [] : [{ label: texts.lastUsed, value: dayOf(lastUsedAt, tag) }]),
    ],
    action: act(texts.revoke, 'danger', 'revokeTool', { id }),
  }
}

function refusedRow(program: RefusedTool, situation: Situation, language: Language): ProgramRow {
  const { executable, script = '', site, until } = program
  const { programs: texts } = language.strings
  return {
    id: JSON.stringify([executable, script, site]),
    name: programName(program, language.strings),
    facts: [
      ...whereAndWhat(program, situation, language),
      { label: texts.refused, value: texts.until(clockTime(until, situation.now, language.tag)) },
    ],
    action: act(texts.askAgain, 'plain', 'askAgain', { executable, script, site }),
  }
}

function whereAndWhat(
  { executable, script, site, scope }: AllowedTool | RefusedTool,
  { sites }: Situation,
  { strings }: Language,
): Fact[] {
  const { consent, programs: texts } = strings
  const siteName = sites.find(({ url }) => url === site)?.name ?? URL.parse(site)?.host ?? site
  return [
    { label: consent.program, ...shownPath(executable) },
    ...(script === undefined ? [] : [{ label: consent.script, ...shownPath(script) }]),
    { label: texts.site, value: scope === 'autodesk' ? texts.withAutodesk(siteName) : siteName },
  ]
}

function dayOf(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric' }).format(at)
}
