import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Fetch } from '../ports.ts'
import { Secret } from '../secret.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { callRpc } from '../shotgrid/json-rpc.ts'
import { whoAmI } from '../shotgrid/rest.ts'
import type { BrokerSite } from './config.ts'
import type { MappedPerson } from './people.ts'

const siteLimitMs = 30_000
const sessionSchema = z.object({ session_id: z.string().min(1) })

/**
 * Makes a session of this person with the script key and `sudo_as_login`, and asks the site whose session it made. Nobody
 * has shown that ShotGrid always makes the person's: one that belongs to the script would carry API-Admin rights. Throws
 * `session_owner_mismatch` then, `temporarily_unavailable` when the site refuses to act for the person, `site_unreachable`.
 */
export async function issueSession(
  fetch: Fetch,
  site: BrokerSite,
  person: MappedPerson,
  waiting: AbortSignal,
): Promise<Secret> {
  const signal = AbortSignal.any([waiting, AbortSignal.timeout(siteLimitMs)])
  const sessionToken = await sudoSession(fetch, site, person, signal)
  let owner: Awaited<ReturnType<typeof whoAmI>>
  try {
    owner = await whoAmI(fetch, site.url, sessionToken, signal)
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    throw new AgentError('session_owner_mismatch', `"${site.url}" does not say whose session it made`, { cause })
  }
  const { user, sudoAsLogin } = owner
  if (user.type !== 'HumanUser' || user.id !== person.userId || sudoAsLogin !== undefined) {
    throw new AgentError(
      'session_owner_mismatch',
      `"${site.url}" made a session of ${user.type} ${user.id} when asked for HumanUser ${person.userId}`,
    )
  }
  return sessionToken
}

async function sudoSession(fetch: Fetch, site: BrokerSite, person: MappedPerson, signal: AbortSignal): Promise<Secret> {
  const caller = { kind: 'script', name: site.scriptName, key: site.scriptKey, sudoAsLogin: person.login } as const
  let results: unknown
  try {
    results = await callRpc(fetch, site.url, caller, { method: 'get_session_token', signal })
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    // The person's row was found fit a moment ago: what is refused is the script's right, or it is the site's trouble.
    throw new AgentError(
      'temporarily_unavailable',
      `"${site.url}" does not act for "${person.login}": ${cause.message}`,
      {
        cause,
      },
    )
  }
  const parsed = sessionSchema.safeParse(results)
  if (!parsed.success)
    throw new AgentError('site_unreachable', `"${site.url}" answered get_session_token in an unknown form`)
  return new Secret(parsed.data.session_id)
}
