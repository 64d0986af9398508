import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { type RpcCaller, readEntities } from '../shotgrid/json-rpc.ts'

/** A session by which somebody reads their own HumanUser. */
export interface PersonalSession {
  /** Where the session is good: the site, or a gateway. */
  readonly apiUrl: string
  readonly sessionToken: Secret
  readonly userId: number
}

/** A HumanUser as its own person may see it. `undefined`: they may not read this; `null`: it is empty. */
export interface SiteUser {
  readonly id: number
  readonly login: string
  readonly email: string | null | undefined
  /** `act`, `dis`, or what a studio has added. facts: shotgrid §6.1 */
  readonly status: string | null | undefined
  /** ms since the epoch; a moment that is over locks nobody. */
  readonly lockedUntil: number | null | undefined
  readonly canBeImpersonated: boolean | null | undefined
  readonly permissionGroup: string | null | undefined
  /** Logins of the other active users that have the address too, as far as the person sees them. */
  readonly namesakes: readonly string[] | undefined
}

const text = z.string().nullish()
const rowSchema = z.object({
  login: text,
  email: text,
  sg_status_list: text,
  locked_until: text,
  can_impersonate_this_user: z.boolean().nullish(),
  'permission_rule_set.PermissionRuleSet.code': text,
})
const fields = Object.keys(rowSchema.shape)
const mostNamesakes = 50

/**
 * The person's own HumanUser. `undefined` when the site does not show it: the session is over, or the row is hidden. Throws
 * `site_unreachable`.
 */
export async function readOwnUser(
  fetch: Fetch,
  session: PersonalSession,
  signal: AbortSignal,
): Promise<SiteUser | undefined> {
  const row = rowSchema.safeParse(await readOwnRow(fetch, session, signal)).data
  if (!row?.login) return undefined
  return {
    id: session.userId,
    login: row.login,
    email: row.email,
    status: row.sg_status_list,
    lockedUntil: momentOf(row.locked_until),
    canBeImpersonated: row.can_impersonate_this_user,
    permissionGroup: row['permission_rule_set.PermissionRuleSet.code'],
    namesakes: row.email ? await readNamesakes(fetch, session, row.email, signal) : undefined,
  }
}

type Row = Record<string, unknown>

async function readOwnRow(fetch: Fetch, session: PersonalSession, signal: AbortSignal): Promise<Row | undefined> {
  const read = (wanted: readonly string[]): Promise<Row | undefined> =>
    readUsers(fetch, session, { filters: [['id', 'is', session.userId]], fields: wanted, limit: 1 }, signal).then(
      ([row]) => row,
    )
  try {
    return await read(fields)
  } catch (error) {
    if (!(error instanceof SiteFault)) throw error
    if (error.kind === 'authentication') return undefined
  }
  // One field that may not be read must not hide the others.
  const parts = await Promise.all(
    fields.map((field) =>
      read([field]).catch((error: unknown) => {
        if (error instanceof SiteFault) return undefined
        throw error
      }),
    ),
  )
  return Object.assign({}, ...parts) as Row
}

async function readNamesakes(
  fetch: Fetch,
  session: PersonalSession,
  email: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const filters = [
    ['email', 'is', email],
    ['sg_status_list', 'is', 'act'],
  ] as const
  try {
    const rows = await readUsers(fetch, session, { filters, fields: ['login', 'email'], limit: mostNamesakes }, signal)
    return rows.flatMap(({ id, login, email: theirs }) => {
      const isOther = id !== session.userId && typeof theirs === 'string' && foldCase(theirs) === foldCase(email)
      return isOther && typeof login === 'string' ? [login] : []
    })
  } catch (error) {
    if (error instanceof SiteFault) return undefined
    throw error
  }
}

function readUsers(
  fetch: Fetch,
  { apiUrl, sessionToken }: PersonalSession,
  query: Pick<Parameters<typeof readEntities>[3], 'filters' | 'fields' | 'limit'>,
  signal: AbortSignal,
): Promise<Row[]> {
  const caller: RpcCaller = { kind: 'session', sessionToken }
  return readEntities(fetch, apiUrl, caller, { type: 'HumanUser', ...query, signal })
}

function momentOf(said: string | null | undefined): number | null | undefined {
  if (!said) return said === undefined ? undefined : null
  const moment = Date.parse(said)
  return Number.isNaN(moment) ? undefined : moment
}

/** People type addresses as they like. */
export function foldCase(address: string): string {
  return address.toLowerCase()
}
