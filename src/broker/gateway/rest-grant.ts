import { AgentError } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { foreignCredentialIn } from './foreign-credentials.ts'

/** What the gateway takes at `…/auth/access_token`. facts: shotgrid §2.2 */
export interface SessionGrant {
  readonly sessionToken: Secret
}

const known = ['grant_type', 'session_token', 'session_uuid', 'product']
/** They would make the bearer somebody else's. */
const foreign = ['scope', 'client_id', 'client_secret', 'username', 'password', 'refresh_token']

/** The credential among the parameters that is not taken here. */
export function foreignGrantParameter(given: URLSearchParams): string | undefined {
  return foreignCredentialIn(given.keys()) ?? [...given.keys()].find((name) => foreign.includes(name))
}

/** Judges the form strictly: a session and nothing else, each parameter once. Throws `invalid_request`. */
export function judgeSessionGrant(given: URLSearchParams): SessionGrant {
  if (given.get('grant_type') !== 'session_token') throw new AgentError('invalid_request', 'Unsupported grant_type')
  const names = [...given.keys()]
  const wrong = names.find((name, index) => !known.includes(name) || names.indexOf(name) !== index)
  if (wrong !== undefined) {
    throw new AgentError('invalid_request', `"${wrong.slice(0, 60)}" is doubled, or no parameter of this grant`)
  }
  const token = given.get('session_token')
  if (!token || token.length > 500) {
    throw new AgentError('invalid_request', 'Missing or invalid authentication arguments')
  }
  return { sessionToken: new Secret(token) }
}
