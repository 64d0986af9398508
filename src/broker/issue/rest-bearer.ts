import { AgentError } from '../../errors.ts'
import type { RestGrant } from '../../shotgrid/rest.ts'
import type { MappedPerson } from '../people/people.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { sudoRefused } from './session.ts'

/**
 * A REST bearer in the person's name. The bearer's own claim must say so: a site that took no notice of the login has made the
 * script's bearer, with API-Admin rights. facts: shotgrid §2.2. Throws `session_owner_mismatch`, `temporarily_unavailable`,
 * `site_unreachable`.
 */
export async function makeRestBearer(
  site: ScriptedSite,
  person: Pick<MappedPerson, 'login'>,
  sessionUuid: string,
  signal: AbortSignal,
): Promise<RestGrant> {
  let grant: RestGrant
  try {
    grant = await site.grantBearer({ sudoAsLogin: person.login, sessionUuid }, signal)
  } catch (cause) {
    throw sudoRefused(site, person, cause)
  }
  // `user` stays the script's, by design of the site; only this claim limits the bearer to the person.
  if (grant.sudoAsLogin !== person.login) {
    const said = `"${site.url}" made a REST bearer that does not act for "${person.login}"`
    throw new AgentError('session_owner_mismatch', said)
  }
  return grant
}
