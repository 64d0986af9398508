import { basename } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { markUnseen } from '../../printable.ts'
import type { Parts } from '../parts.ts'
import { foldCase, isEmailAddress } from '../people/email-address.ts'
import { findUsers, type UserName } from '../people/find-users.ts'
import { judgeImport } from '../people/import-people.ts'
import { PeopleChanges, type RowName } from '../people/people-changes.ts'
import { mostBytes, type WrongLine, writePeopleCsv } from '../people/people-csv.ts'
import { PeopleRefusal } from '../people/people-refusal.ts'
import { describeRow, type PeopleRow } from '../people/people-rows.ts'
import { whyNotUsable } from '../people/site-users.ts'
import { type Finding, syncPeople } from '../people/sync-people.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { printOut, readFileNamed, writeFileNamed } from './operator-files.ts'
import { Progress } from './progress.ts'
import { formatTable } from './table.ts'
import { siteNamed, sitesNamed } from './which-site.ts'

interface SiteOptions extends ConfigOptions {
  readonly site?: string
}

interface Work {
  readonly parts: Parts
  readonly operator: string
  readonly changes: PeopleChanges
  readonly progress: Progress
}

/** `sg-broker people …`: who is who, as an operator sees and sets it. */
export function addPeople(program: Command): void {
  const people = program.command('people').description('who is who: Autodesk accounts and their HumanUsers')
  const add = (name: string, description: string): Command =>
    withConfigOptions(people.command(name))
      .description(description)
      .addOption(new Option('--site <url>', 'which site; default: all, where there must be one: the only one'))

  add('list', 'print the rows: linked accounts, and addresses that are expected')
    .addOption(new Option('--json', 'print one JSON object a line').default(false).conflicts('csv'))
    .addOption(new Option('--csv', 'print what "people export" writes').default(false))
    .action((options: ListOptions) => working(options, (work) => list(work, options)))
  add('set', 'say whose a HumanUser is: an Autodesk account’s, or who comes with an address')
    .addOption(new Option('--email <address>', 'the verified address of the account').conflicts('subject'))
    .addOption(new Option('--subject <id>', 'the account’s "sub", as the audit shows it'))
    .addOption(new Option('--login <login>', 'the login of the HumanUser').conflicts('userId'))
    .addOption(new Option('--user-id <number>', 'the id of the HumanUser').argParser(userId))
    .action((options: SetOptions, command: Command) => {
      if (options.email === undefined && options.subject === undefined)
        command.error('error: give --email or --subject')
      if (options.login === undefined && options.userId === undefined) command.error('error: give --login or --user-id')
      return working(options, (work) => set(work, options))
    })
  add('remove', 'remove a row: the account’s next sign-in is matched anew')
    .addOption(new Option('--email <address>', 'of the account, or expected').conflicts(['subject', 'login']))
    .addOption(new Option('--subject <id>', 'the account’s "sub"').conflicts('login'))
    .addOption(new Option('--login <login>', 'of the HumanUser, as "people list" shows it'))
    .action((options: RemoveOptions, command: Command) => {
      const name = rowName(options) ?? command.error('error: give --email, --subject or --login')
      return working(options, (work) => remove(work, options, name))
    })
  add('export', 'write the rows as CSV')
    .option('--file <file>', 'where to; "-": standard output', '-')
    .action((options: SiteOptions & { file: string }) => working(options, (work) => exportRows(work, options)))
  withConfigOptions(people.command('import'))
    .description('add the rows of a CSV file, all of them or none')
    .argument('<file>', 'columns: site, subject or email, user_id or login; see docs/broker-people.md')
    .option('--dry-run', 'only say what would be done', false)
    .action((file: string, options: ConfigOptions & { dryRun: boolean }) =>
      working(options, (work) => importRows(work, file, options.dryRun)),
    )
  add('sync', 'ask the site for all users in the table: take over changed logins, report what has become of people')
    .option('--remove-gone', 'remove the rows of users that were deleted on the site', false)
    .action((options: SiteOptions & { removeGone: boolean }) => working(options, (work) => sync(work, options)))
}

function working(options: ConfigOptions, work: (work: Work) => Promise<void>): Promise<void> {
  return atWork(options, async (parts, operator) => {
    const { database, auditLog, ports } = parts
    const progress = new Progress()
    try {
      const changes = new PeopleChanges({ database, auditLog, clock: ports.clock })
      await work({ parts, operator, changes, progress })
    } finally {
      progress.end()
    }
  })
}

interface ListOptions extends SiteOptions {
  readonly json: boolean
  readonly csv: boolean
}

async function list({ parts, changes }: Work, { site, json, csv }: ListOptions): Promise<void> {
  const rows = await changes.list(sitesNamed(parts, site).map(({ url }) => url))
  if (csv) return printOut(writePeopleCsv(rows))
  if (json) return printOut(rows.map((row) => `${JSON.stringify(jsonOf(row))}\n`).join(''))
  const header = ['site', 'login', 'user id', 'account', 'e-mail', 'matched by', 'set by', 'since']
  const table = rows.map((row) => [
    row.site,
    row.login,
    String(row.userId),
    row.account?.subject ?? '(expected)',
    row.email ?? '',
    row.matchedBy,
    row.setBy,
    new Date(row.createdAt).toISOString().slice(0, 10),
  ])
  await printOut(`${formatTable(header, table)}${countOf(rows)}\n`)
}

/** The names of an export's columns. */
function jsonOf({ site, account, email, userId, login, matchedBy, setBy, createdAt }: PeopleRow): object {
  return {
    site,
    issuer: account?.issuer ?? null,
    subject: account?.subject ?? null,
    email: email ?? null,
    user_id: userId,
    login,
    matched_by: matchedBy,
    set_by: setBy,
    created_at: new Date(createdAt).toISOString(),
  }
}

function countOf(rows: readonly PeopleRow[]): string {
  const linked = rows.filter(({ account }) => account).length
  return `${linked} linked, ${rows.length - linked} expected`
}

interface SetOptions extends SiteOptions {
  readonly email?: string
  readonly subject?: string
  readonly login?: string
  readonly userId?: number
}

async function set({ parts, operator, changes }: Work, options: SetOptions): Promise<void> {
  const { email, subject } = options
  if (email !== undefined && !isEmailAddress(email)) {
    throw new PeopleRefusal('invalid_request', `"${email}" is no e-mail address`, 'Give the whole address.')
  }
  const site = siteNamed(parts, options.site)
  const [user] = await findUsers(site, [userName(options)])
  if (!user || 'reason' in user) {
    const next = 'Give the login as the site shows it, case counts; or the id of the HumanUser.'
    throw new PeopleRefusal('account_not_mapped', `${site.url}: ${user?.reason}`, next)
  }
  const made = { matchedBy: 'operator', setBy: operator, createdAt: parts.ports.clock.now() } as const
  const common = { site: site.url, userId: user.id, login: user.login, ...made }
  const row: PeopleRow =
    subject === undefined
      ? { ...common, account: undefined, email: foldCase(email ?? '') }
      : { ...common, account: { issuer: parts.config.identity.issuer, subject }, email: undefined }
  const [verdict] = await changes.add([row], operator, 'set')
  await printOut(`${markUnseen(describeRow(row))}${verdict?.kind === 'unchanged' ? ': that is so already' : ''}\n`)
  const obstacle = whyNotUsable(user, site.policy)
  if (obstacle) process.stderr.write(`note: nobody can sign in as this user so far: ${markUnseen(obstacle.message)}\n`)
  const before = (await changes.list([site.url])).find(
    (one) => one.account && one.userId !== user.id && one.email !== undefined && foldCase(one.email) === row.email,
  )
  if (!row.account && before) {
    process.stderr.write(`note: this is for another account with the address; ${markUnseen(describeRow(before))}\n`)
  }
}

function userName({ login, userId }: SetOptions): UserName {
  return userId === undefined ? { login: login ?? '' } : { userId }
}

function userId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It is to be the number of a HumanUser.')
  return Number(text)
}

interface RemoveOptions extends SiteOptions {
  readonly email?: string
  readonly subject?: string
  readonly login?: string
}

function rowName({ email, subject, login }: RemoveOptions): RowName | undefined {
  if (email !== undefined) return { email }
  if (subject !== undefined) return { subject }
  return login === undefined ? undefined : { login }
}

async function remove({ parts, operator, changes }: Work, options: RemoveOptions, name: RowName): Promise<void> {
  const row = await changes.remove(siteNamed(parts, options.site).url, name, operator)
  await printOut(`removed: ${markUnseen(describeRow(row))}\n`)
  if (row.account) {
    process.stderr.write('note: sessions that the site itself has made for the account last until they expire there\n')
  }
}

async function exportRows({ parts, changes }: Work, { site, file }: SiteOptions & { file: string }): Promise<void> {
  const rows = await changes.list(sitesNamed(parts, site).map(({ url }) => url))
  await writeFileNamed(file, writePeopleCsv(rows))
  if (file !== '-') process.stderr.write(`${file}: ${countOf(rows)}\n`)
}

async function importRows({ parts, operator, changes, progress }: Work, file: string, dryRun: boolean): Promise<void> {
  const { sites, database, config, ports } = parts
  const judged = await judgeImport(await readFileNamed(file, mostBytes), {
    sites,
    database,
    operator,
    issuer: config.identity.issuer,
    now: ports.clock.now(),
    onProgress: (said) => progress.say(said),
  })
  progress.end()
  const { rows, wrong } = judged
  if (wrong.length > 0) {
    await printOut(formatTable(['line', 'column', 'what is wrong'], wrong.map(cellsOf)))
    const said = `"${file}": ${wrong.length === 1 ? 'one line is' : `${wrong.length} things are`} wrong, nothing was imported`
    throw new PeopleRefusal('invalid_request', said, 'Mend what the table above names and import the file again.')
  }
  const added = rows.length - judged.unchanged
  if (!dryRun) await changes.add(rows, operator, `import "${basename(file)}"`)
  await printOut(`${dryRun ? 'would add' : 'added'} ${added}, ${judged.unchanged} were there already\n`)
}

function cellsOf({ line, column, reason }: WrongLine): string[] {
  return [String(line), column ?? '', reason]
}

async function sync({ parts, operator, changes, progress }: Work, options: SiteOptions & { removeGone: boolean }) {
  const { site: name, removeGone } = options
  for (const site of sitesNamed(parts, name)) {
    const onProgress = (said: string): void => progress.say(said)
    const report = await syncPeople(site, changes, { by: operator, removeGone, onProgress })
    progress.end()
    const done = new Map(
      report.made.map((change) => [change.row, 'gone' in change ? 'row removed' : 'login taken over']),
    )
    const table = report.findings.map((finding) => [...whoIs(finding), finding.says, doneFor(finding, done)])
    const totals = `${site.url}: ${report.rows} rows, ${report.findings.length} findings, ${report.made.length} changes`
    await printOut(
      table.length > 0
        ? `${totals}\n${formatTable(['login', 'user id', 'account or address', 'what is found', 'done'], table)}`
        : `${totals}\n`,
    )
  }
}

function whoIs({ row }: Finding): string[] {
  return [row.login, String(row.userId), row.account?.subject ?? row.email ?? '']
}

function doneFor({ row, code }: Finding, done: ReadonlyMap<PeopleRow, string>): string {
  return code === 'login_changed' || code === 'deleted' ? (done.get(row) ?? '') : ''
}
