import { z } from 'zod'
import type { Database } from '../database/tables.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { foldCase, isEmailAddress } from './email-address.ts'
import { findUsers, type UserName } from './find-users.ts'
import { judgeRows } from './judge-rows.ts'
import { type CsvLine, type PeopleColumn, readPeopleCsv, type WrongLine } from './people-csv.ts'
import { describeRow, type PeopleRow, readPeopleRows, removalOf } from './people-rows.ts'

export interface ImportSettings {
  readonly sites: readonly ScriptedSite[]
  readonly database: Database
  /** Whose accounts a row is about when it does not say. */
  readonly issuer: string
  readonly operator: string
  readonly now: number
  onProgress(said: string): void
}

/** What a file says, ready to be added; or everything that is wrong with it. */
export interface JudgedImport {
  readonly rows: readonly PeopleRow[]
  readonly unchanged: number
  readonly wrong: readonly WrongLine[]
}

/**
 * Judges a file of people: every line by itself, then by what the site says of its user, then against the other lines and the
 * table. Writes nothing. Throws `site_unreachable`, or `temporarily_unavailable` when a site does not take the script.
 */
export async function judgeImport(bytes: Uint8Array, settings: ImportSettings): Promise<JudgedImport> {
  const { lines, wrong } = readPeopleCsv(bytes)
  const parsed = lines.map((line) => parseLine(line, settings))
  const found = await withUsers(
    parsed.flatMap((one) => one.wish ?? []),
    settings,
  )
  const wanted = found.flatMap((one) => one.row ?? [])
  const standing = await readPeopleRows(
    settings.database,
    settings.sites.map(({ url }) => url),
  )
  const verdicts = judgeRows(
    standing,
    wanted.map(({ row }) => row),
  )
  const inTheWay = wanted.flatMap(({ line }, index): WrongLine[] => {
    const verdict = verdicts[index]
    if (verdict?.kind === 'repeated') {
      const reason = `says something of the same account, address or user as line ${wanted[verdict.of]?.line}`
      return [{ line, column: undefined, reason }]
    }
    if (verdict?.kind !== 'conflict') return []
    const reason = `in the way: ${describeRow(verdict.with)}; to remove it: ${removalOf(verdict.with)}`
    return [{ line, column: undefined, reason }]
  })
  return {
    rows: wanted.map(({ row }) => row),
    unchanged: verdicts.filter(({ kind }) => kind === 'unchanged').length,
    wrong: [
      ...wrong,
      ...parsed.flatMap((one) => one.wrong),
      ...found.flatMap((one) => one.wrong ?? []),
      ...inTheWay,
    ].sort((a, b) => a.line - b.line),
  }
}

/** A line that is right in itself. */
interface Wish {
  readonly line: number
  readonly site: ScriptedSite
  readonly user: UserName
  readonly account: PeopleRow['account']
  readonly email: string | undefined
  readonly matchedBy: PeopleRow['matchedBy']
  readonly setBy: string
  readonly createdAt: number
}

const mostCharacters = 1_000
const userIdSchema = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'is to be the number of a HumanUser')
  .transform(Number)
const matchedBySchema = z.enum(['email', 'operator', 'import'], 'is to be "email", "operator" or "import"')
const timeSchema = z.iso
  .datetime({ offset: true, error: 'is to be a time like 2026-11-22T09:00:00.000Z' })
  .transform((text) => Date.parse(text))

function parseLine({ line, cells }: CsvLine, settings: ImportSettings): { wish?: Wish; wrong: WrongLine[] } {
  const wrong: WrongLine[] = []
  const say = (column: PeopleColumn | undefined, reason: string): undefined => {
    wrong.push({ line, column, reason })
  }
  const read = <T>(column: PeopleColumn, schema: z.ZodType<T, string>): T | undefined => {
    const cell = cells[column]
    if (cell === undefined) return undefined
    const parsed = schema.safeParse(cell)
    return parsed.success ? parsed.data : say(column, `"${cell}" ${parsed.error.issues[0]?.message}`)
  }
  for (const [column, cell] of Object.entries(cells) as [PeopleColumn, string][]) {
    if (cell.length > mostCharacters) say(column, `has more than ${mostCharacters} characters`)
  }
  const { subject, email, login, issuer = settings.issuer } = cells
  const site = settings.sites.find(({ url }) => url === cells.site)
  if (cells.site === undefined) say('site', 'is missing')
  else if (!site) say('site', `"${cells.site}" is not a site of this broker`)
  if (issuer !== settings.issuer) say('issuer', `"${issuer}" is not the issuer whose accounts this broker takes`)
  if (email !== undefined && !isEmailAddress(email)) say('email', `"${email}" is no e-mail address`)
  if (subject === undefined && email === undefined) say(undefined, '"subject" or "email" is missing')
  if (cells.user_id === undefined && login === undefined) say(undefined, '"user_id" or "login" is missing')
  const userId = read('user_id', userIdSchema)
  const matchedBy = read('matched_by', matchedBySchema) ?? 'import'
  const createdAt = read('created_at', timeSchema) ?? settings.now
  const user = userId === undefined ? { login: login ?? '' } : { userId, ...(login === undefined ? {} : { login }) }
  if (wrong.length > 0 || !site) return { wrong }
  const account = subject === undefined ? undefined : { issuer, subject }
  const setBy = cells.set_by ?? settings.operator
  return { wish: { line, site, user, account, email, matchedBy, setBy, createdAt }, wrong }
}

interface Resolved {
  readonly row?: { readonly line: number; readonly row: PeopleRow }
  readonly wrong?: WrongLine
}

async function withUsers(wishes: readonly Wish[], { sites, onProgress }: ImportSettings): Promise<Resolved[]> {
  const resolved: Resolved[] = []
  for (const site of sites) {
    const here = wishes.filter((wish) => wish.site === site)
    const names = here.map(({ user }) => user)
    const users = await findUsers(site, names, (count) => onProgress(`${site.url}: ${count} users found`))
    for (const [index, wish] of here.entries()) {
      const user = users[index]
      if (!user) continue
      if ('reason' in user) resolved.push({ wrong: { line: wish.line, column: user.about, reason: user.reason } })
      else resolved.push({ row: { line: wish.line, row: rowOf(wish, user) } })
    }
  }
  return resolved
}

function rowOf(wish: Wish, user: { readonly id: number; readonly login: string }): PeopleRow {
  const { site, account, email, matchedBy, setBy, createdAt } = wish
  const common = { site: site.url, userId: user.id, login: user.login, matchedBy, setBy, createdAt }
  if (account) return { ...common, account, email }
  return { ...common, account: undefined, email: foldCase(email ?? '') }
}
