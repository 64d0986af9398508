import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import type { Fetch } from '../../ports.ts'
import { Secret } from '../../secrets/secret.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { whoAmI } from '../../shotgrid/rest.ts'
import type { MappedPerson } from '../people/people.ts'
import type { ScriptedSite } from '../scripted-site.ts'

const sessionSchema = z.object({ session_id: z.string().min(1) })

/** A session the site made, and whose it says it is. Not to be released before `judgeOwner` agreed. */
export interface MadeSession {
  readonly token: Secret
  readonly owner: Awaited<ReturnType<typeof whoAmI>>
}

/**
 * Makes a session with the script and `sudo_as_login`, and asks the site whose session it made. Nobody has shown that ShotGrid
 * always makes the person's: one that belongs to the script would carry API-Admin rights. Throws `session_owner_mismatch` when
 * the site does not say whose it is, `temporarily_unavailable` when it refuses to act for the person, `site_unreachable`.
 */
export async function makeSession(
  fetch: Fetch,
  site: ScriptedSite,
  person: MappedPerson,
  sessionUuid: string,
  signal: AbortSignal,
): Promise<MadeSession> {
  const token = await sudoSession(site, person, sessionUuid, signal)
  try {
    return { token, owner: await whoAmI(fetch, site.url, token, signal) }
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    throw new AgentError('session_owner_mismatch', `"${site.url}" does not say whose session it made`, { cause })
  }
}

/** `script`: the site made the script's own session; `other`: it made somebody else's. */
export function judgeOwner({ owner }: MadeSession, person: MappedPerson): 'person' | 'script' | 'other' {
  const { user, sudoAsLogin } = owner
  if (user.type === 'ApiUser') return 'script'
  return user.type === 'HumanUser' && user.id === person.userId && sudoAsLogin === undefined ? 'person' : 'other'
}

/** The error for a session that is not the person's. */
export function notThePersons(site: ScriptedSite, { owner }: MadeSession, person: MappedPerson): AgentError {
  const said = `"${site.url}" made a session of ${owner.user.type} ${owner.user.id} when asked for HumanUser ${person.userId}`
  return new AgentError('session_owner_mismatch', said)
}

async function sudoSession(
  site: ScriptedSite,
  person: MappedPerson,
  sessionUuid: string,
  signal: AbortSignal,
): Promise<Secret> {
  const acting = { sudoAsLogin: person.login, sessionUuid }
  let results: unknown
  try {
    results = await site.callRpc({ method: 'get_session_token', signal }, acting)
  } catch (cause) {
    throw sudoRefused(site, person, cause)
  }
  const parsed = sessionSchema.safeParse(results)
  if (!parsed.success)
    throw new AgentError('site_unreachable', `"${site.url}" answered get_session_token in an unknown form`)
  return new Secret(parsed.data.session_id)
}

/** The person's row was found fit a moment ago: what is refused is the script's right, or it is the site's trouble. */
export function sudoRefused(site: ScriptedSite, person: Pick<MappedPerson, 'login'>, cause: unknown): unknown {
  if (!(cause instanceof SiteFault)) return cause
  const said = `"${site.url}" does not act for "${person.login}": ${cause.message}`
  return new AgentError('temporarily_unavailable', said, { cause })
}
