import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { SiteFault } from './faults.ts'
import { readEntities } from './json-rpc.ts'
import { searchEntities } from './rest-search.ts'

/** A HumanUser as a caller with their own token sees it. */
export interface SeenUser {
  readonly id: number
  readonly login: string
  readonly name: string
  readonly email: string | undefined
  readonly isActive: boolean
}

const fields = ['login', 'name', 'email', 'sg_status_list']

/**
 * Whether a site takes an Autodesk access token as a REST bearer, by its own word: `accepted`, `refused`, or `untold` when it
 * said neither (unreachable, or something in between answered). Changes nothing there. Throws only the reason of `signal`.
 *
 * Nobody has announced that any site does; a refusal may also be about the person. facts: identity §2, shotgrid §12.8
 */
export async function probeAutodeskToken(
  fetch: Fetch,
  site: string,
  accessToken: Secret,
  signal: AbortSignal,
): Promise<'accepted' | 'refused' | 'untold'> {
  try {
    const search = { type: 'human_users', filters: [], fields: ['login'], limit: 1, signal }
    await searchEntities(fetch, site, accessToken, search)
    return 'accepted'
  } catch (error) {
    signal.throwIfAborted()
    return isAboutToken(error) ? 'refused' : 'untold'
  }
}

/** Whether a site's refusal is about who calls, not about what was asked. */
export function isAboutToken(error: unknown): boolean {
  return error instanceof SiteFault && error.kind === 'authentication'
}

/**
 * The HumanUsers with this address, disabled ones too, as the bearer may see them (REST). Sites compare without regard to case.
 * Throws SiteFault when the site refuses, `site_unreachable`.
 */
export async function findUsersByEmail(
  fetch: Fetch,
  site: string,
  accessToken: Secret,
  email: string,
  signal: AbortSignal,
): Promise<SeenUser[]> {
  const filters = [['email', 'is', email]] as const
  const search = { type: 'human_users', filters, fields, limit: 10, signal }
  const rows = await searchEntities(fetch, site, accessToken, search)
  return rows.flatMap((row) => seenUser(row) ?? [])
}

/** The same user over JSON-RPC, with the access token in the place of the session token. Throws like `findUsersByEmail`. */
export async function readUserAsSession(
  fetch: Fetch,
  site: string,
  accessToken: Secret,
  userId: number,
  signal: AbortSignal,
): Promise<SeenUser | undefined> {
  const query = { type: 'HumanUser', filters: [['id', 'is', userId]] as const, fields, limit: 1, signal }
  const [row] = await readEntities(fetch, site, { kind: 'session', sessionToken: accessToken }, query)
  return row && seenUser(row)
}

function seenUser({ id, login, name, email, sg_status_list }: Record<string, unknown>): SeenUser | undefined {
  if (typeof id !== 'number' || typeof login !== 'string' || login === '') return undefined
  return {
    id,
    login,
    name: typeof name === 'string' && name !== '' ? name : login,
    email: typeof email === 'string' ? email : undefined,
    isActive: sg_status_list === 'act',
  }
}
