import { type Command, Option } from 'commander'
import { writeCsv } from '../people/people-csv.ts'
import { reportSite } from '../people/preflight.ts'
import { hasProblems, type PersonReport, type PreflightReport, type SiteReport } from '../people/preflight-report.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { writeFileNamed } from './operator-files.ts'
import { Progress } from './progress.ts'
import { formatTable } from './table.ts'
import { sitesNamed } from './which-site.ts'

interface PreflightOptions extends ConfigOptions {
  readonly site?: string
  readonly csv: boolean
  readonly json: boolean
  readonly file: string
  readonly failOnProblems: boolean
}

/** No number of the error table, and not 2, which is wrong usage. */
const problemsExit = 3

/** `sg-broker preflight`: who will be able to sign in, and who not. */
export function addPreflight(program: Command): void {
  withConfigOptions(program.command('preflight'))
    .description('say for everybody on the site whether they will be able to sign in, and why not')
    .option('--site <url>', 'which site; default: all')
    .addOption(new Option('--table', 'print a table, the default').default(false).conflicts(['csv', 'json']))
    .addOption(new Option('--csv', 'print CSV, a line a person').default(false).conflicts('json'))
    .addOption(new Option('--json', 'print JSON; see docs/broker-people.md for its fields').default(false))
    .option('--file <file>', 'where to; "-": standard output', '-')
    .option(
      '--fail-on-problems',
      `exit with ${problemsExit} when somebody active is not ready or a script is no good`,
      false,
    )
    .action(preflight)
}

async function preflight(options: PreflightOptions): Promise<void> {
  const report = await atWork(options, async (parts): Promise<PreflightReport> => {
    const { ports, database, shapes } = parts
    const progress = new Progress()
    const onProgress = (said: string): void => progress.say(said)
    const sites: SiteReport[] = []
    try {
      for (const site of sitesNamed(parts, options.site)) {
        sites.push(await reportSite(site, { fetch: ports.fetch, database, shapes, onProgress }))
      }
    } finally {
      progress.end()
    }
    return { format: 'sg-broker preflight 1', made_at: new Date(ports.clock.now()).toISOString(), sites }
  })
  await writeFileNamed(options.file, textOf(report, options))
  if (options.failOnProblems && hasProblems(report)) process.exitCode = problemsExit
}

function textOf(report: PreflightReport, { csv, json }: PreflightOptions): string {
  if (json) return `${JSON.stringify(report, undefined, 2)}\n`
  return csv ? csvOf(report) : report.sites.map(tableOf).join('\n')
}

const columns = ['site', 'user_id', 'login', 'name', 'email', 'status', 'permission_group', 'ready'] as const

function csvOf({ sites }: PreflightReport): string {
  const rows = sites.flatMap(({ site, users }) =>
    users.map((user) => [
      ...columns.map((column) => String((column === 'site' ? site : user[column]) ?? '')),
      user.problems.map(({ code }) => code).join(' '),
      user.problems.map(({ says }) => says).join('; '),
      user.problems.map(({ next }) => next).join(' '),
      user.notes.map(({ code }) => code).join(' '),
      user.notes.map(({ says }) => says).join('; '),
    ]),
  )
  return writeCsv([...columns, 'problems', 'problems_say', 'next_steps', 'notes', 'notes_say'], rows)
}

/** The site, the totals, the people who are not ready, the people who are. */
function tableOf(report: SiteReport): string {
  const { site, totals, users } = report
  const left = (status: PersonReport['status']): PersonReport[] =>
    users.filter((user) => !user.ready && user.status === status)
  const sections = [
    `${site}\n`,
    ...siteLines(report),
    `\n${totals.users} users: ${totals.ready} ready, ${totals.not_ready} active and not ready, ${totals.disabled} disabled, ${totals.retired} retired\n`,
    ...Object.entries({ ...totals.problems, ...notesApart(report) }).map(([code, count]) => `  ${code}: ${count}\n`),
    ...section('Not ready', left('active')),
    ...section('Disabled', left('disabled')),
    ...section('Retired', left('retired')),
    ...section(
      'Ready',
      users.filter(({ ready }) => ready),
    ),
  ]
  return sections.join('')
}

/** Under a name of their own where a problem has the same. */
function notesApart({ totals }: SiteReport): Record<string, number> {
  return Object.fromEntries(Object.entries(totals.notes).map(([code, count]) => [`${code} (stops nobody)`, count]))
}

function siteLines({ scripts, issue }: SiteReport): string[] {
  const chosen = issue.chosen === null ? 'has not chosen yet' : `has chosen "${issue.chosen}": ${issue.reason}`
  return [
    ...scripts.map(({ name, taken, may_sudo, says }) => {
      const sudo = may_sudo === null ? '' : `, ${may_sudo ? 'may act for people' : 'may not act for people'}`
      return `  script "${name}": ${taken ? 'taken' : 'not taken'}${sudo}${says === null ? '' : ` (${says})`}\n`
    }),
    `  issue "${issue.configured}"${issue.configured === 'auto' ? `: ${chosen}` : ''}\n`,
  ]
}

function section(title: string, users: readonly PersonReport[]): string[] {
  if (users.length === 0) return []
  const rows = users.flatMap((user) => {
    const reasons = [
      ...user.problems.flatMap(({ code, says, next }) => [`${code}: ${says}`, `→ ${next}`]),
      ...user.notes.map(({ code, says }) => `${code}: ${says}`),
    ]
    const [first = '', ...more] = reasons
    return [[user.login, String(user.user_id), user.email ?? '', first], ...more.map((reason) => ['', '', '', reason])]
  })
  return [`\n${title}\n`, formatTable(['login', 'user id', 'e-mail', 'why'], rows)]
}
