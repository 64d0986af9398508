import { AgentError } from '../../errors.ts'

/** What the site takes as credentials, or as whom to act for. Through the gateway only a session says who calls. */
const names: ReadonlySet<string> = new Set([
  'script_name',
  'script_key',
  'user_login',
  'user_password',
  'auth_token',
  'sudo_as_login',
])

/** Says who calls and is dropped: the gateway puts its own in place. */
const dropped: ReadonlySet<string> = new Set(['session_token', 'reject_if_expired', 'session_uuid', 'product'])

/** Somebody tries to call as somebody else than their session is. */
export class ForeignCredential extends AgentError {
  readonly field: string

  constructor(field: string) {
    super('invalid_request', `"${field}" is not taken here: a session token alone says who calls`)
    this.field = field
  }
}

/** The first of the names that is a credential the gateway does not take. */
export function foreignCredentialIn(given: Iterable<string>): string | undefined {
  for (const name of given) {
    if (names.has(name)) return name
  }
  return undefined
}

export function isCredential(name: string): boolean {
  return names.has(name) || dropped.has(name)
}
