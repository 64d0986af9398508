import { drawFindings } from '../src/doctor/draw-report.ts'
import type { Finding } from '../src/doctor/finding.ts'
import type { Situation } from './situation.ts'

export interface DiagnosisFacts {
  readonly version: string
  readonly runtime: string
  readonly system: string
  readonly configuration: readonly string[]
}

/** Of a message that people read in a window of any width. */
const paper = { width: 120, colours: false }

/**
 * What IT wants to know, as text for a message: versions, configuration, states, and what the doctor found. No secret is
 * among it.
 */
export function diagnosis(facts: DiagnosisFacts, situation: Situation, findings: readonly Finding[]): string {
  const at = (ms: number | undefined): string => (ms === undefined ? '-' : new Date(ms).toISOString())
  const sites = situation.sites.flatMap(({ url, status, waitsForBrowser, browserFailed }) => [
    `site ${url}`,
    `  state ${status.state}, reason ${status.reason ?? '-'}, problem ${status.problem ?? '-'}`,
    `  user ${status.login ?? '-'} (${status.userId ?? '-'}), account ${status.account ?? '-'}`,
    `  session until ${at(status.expiresAt)}, sign-in until ${at(status.signInEndsAt)}`,
    `  at the browser ${waitsForBrowser}, browser failed ${browserFailed}`,
  ])
  return [
    `sg-session ${facts.version}, ${facts.runtime}, ${facts.system}`,
    `at ${at(situation.now)}, online ${situation.online}, locked ${situation.screenLocked}, tray ${situation.trayShown}`,
    `problems ${situation.problems.map(({ code, detail }) => (detail ? `${code}: ${detail}` : code)).join(', ') || '-'}`,
    ...facts.configuration,
    ...sites,
    ...situation.tools.map(
      ({ name, version, lastAt, count }) => `tool ${name} ${version}, ${count} times, last ${at(lastAt)}`,
    ),
    '',
    drawFindings(findings, paper),
    '',
  ].join('\n')
}
