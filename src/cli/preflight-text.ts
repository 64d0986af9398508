import type { PreflightReport } from '../preflight/preflight-report.ts'
import { markUnseen } from '../printable.ts'
import type { TokenTestReport } from './token-test.ts'

const states = { ok: 'ok', missing: 'MISSING', unknown: 'unknown', not_needed: 'not needed' } as const
const evidence = { known: 'known', tried: 'tried', cannot_be_seen: 'cannot be seen' } as const
const subjects = {
  site: 'site',
  browser_sign_in: 'browser sign-in',
  mapping: 'broker: who you are',
  impersonation: 'broker: may act for you',
  seat: 'seat',
  lock: 'not locked',
  legacy_sign_in: 'login and passphrase',
  passphrase: 'passphrase',
  personal_access_token: 'Personal Access Token',
  two_factor: 'two-factor code',
} as const satisfies Record<PreflightReport['findings'][number]['subject'], string>

const stateWidth = widthOf(Object.values(states))
const subjectWidth = widthOf(Object.values(subjects))
const indent = stateWidth + subjectWidth + 4
/** Narrower than this a column of text cannot be read. */
const leastTextWidth = 40

/** The report for people: who was looked at, a row a subject, what is worth knowing. `width`: of the terminal. */
export function describePreflight(report: PreflightReport, width = process.stdout.columns || 120): string {
  const { site, user, findings, notes } = report
  const who = user
    ? `${user.login} (HumanUser ${user.userId}${user.email ? `, ${user.email}` : ''}${user.permissionGroup ? `, ${user.permissionGroup}` : ''})`
    : 'your ShotGrid user could not be looked at'
  const textWidth = Math.max(leastTextWidth, width - indent)
  const rows = findings.flatMap((finding) => {
    const head = `${states[finding.state].padEnd(stateWidth)}  ${subjects[finding.subject].padEnd(subjectWidth)}  `
    const said = wrap(`${finding.says} (${evidence[finding.evidence]})`, textWidth)
    const next = finding.next === null ? [] : wrap(`→ ${finding.next}`, textWidth)
    return [...said, ...next].map((line, index) => `${index === 0 ? head : ' '.repeat(indent)}${line}`)
  })
  const remarks = notes.flatMap(({ says }) =>
    wrap(says, Math.max(leastTextWidth, width - 2)).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`),
  )
  return [markUnseen(site), markUnseen(who), '', ...rows, '', 'Worth knowing', ...remarks].join('\n')
}

/** The guided test's outcome for people. */
export function describeTokenTest(
  { result, says, next }: TokenTestReport,
  width = process.stdout.columns || 120,
): string {
  const title = { pass: 'PASS', fail: 'FAIL', undecided: 'UNDECIDED' }[result]
  return [...wrap(`${title}: ${says}`, width), ...wrap(`→ ${next}`, width)].join('\n')
}

/** Lines no longer than `width`, broken at blanks; line breaks of the text stay. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of markUnseen(paragraph).split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line]
  })
}

function widthOf(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length))
}
