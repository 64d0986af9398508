/**
 * A request the site refuses, in the words a real site uses. JSON-RPC shows it as a fault, REST as `errors[]`.
 * facts: PY 1.5, SGT 027, 028, 094
 */
export class Refusal extends Error {
  readonly code: number
  /** HTTP status on REST; JSON-RPC always answers 200. */
  readonly status: number
  /** The number JSON-RPC puts before a data error: `API delete() CRUD ERROR #3: …`. */
  readonly crudError: string | undefined
  /** REST's `source`: what exactly was wrong. */
  readonly source: unknown

  constructor(
    code: number,
    message: string,
    details: { status?: number; crudError?: string | undefined; source?: unknown } = {},
  ) {
    super(message)
    this.code = code
    this.status = details.status ?? 400
    this.crudError = details.crudError
    this.source = details.source ?? null
  }
}

/** The codes `shotgun_api3` turns into exception classes, and the ones it does not. facts: PY 1.5, SGT 2.5, 043 */
export const faultCode = {
  serverError: 100,
  authentication: 102,
  badRequest: 103,
  refusedData: 104,
  twoFactor: 106,
  ssoOnly: 108,
  identityOnly: 110,
} as const

const authentication = (message: string) => new Refusal(faultCode.authentication, message)

// facts: PY 1.5 (public Go fixture), SGT 027
export const cannotAuthenticateScript = (name: string) => authentication(`Can't authenticate script '${name}'`)

// facts: PY 1.5; REST puts a full stop behind it (SGT 027)
export const cannotAuthenticateUser = (login: string) => authentication(`Can't authenticate user '${login}'`)

// facts: SGT 027 for REST; the JSON-RPC wording was never seen, so the same one is used
export const cannotAuthenticateSession = (token: string) =>
  authentication(`Can't authenticate session token ending with '${token.slice(-4)}'`)

// facts: SGT 027
export const missingAuthentication = () => authentication('Missing or invalid authentication arguments')

export const unauthorized = () => new Refusal(faultCode.authentication, 'Unauthorized', { status: 401 })

// facts: PY 1.5 (code and class); the wording is ours
export const twoFactorRequired = (login: string) =>
  new Refusal(faultCode.twoFactor, `Two-factor authentication token missing for user '${login}'`)

// facts: PY 1.5 (code and class); the wording is ours
export const passwordsNotAllowedWithSso = () =>
  new Refusal(faultCode.ssoOnly, 'User name and password are not accepted: this site signs people in with SSO')

// facts: PY 1.5 (code and class); the wording is ours
export const passwordsNotAllowedWithIdentity = (login: string) =>
  new Refusal(faultCode.identityOnly, `Can't authenticate user '${login}': legacy credentials are not accepted`)

// facts: PY tests/test_api.py: a plain Fault, not an AuthenticationFault
export const noSudoPermission = (caller: string) =>
  new Refusal(faultCode.refusedData, `The user does not have permission to 'sudo': '${caller}'`)

// facts: SGT 027, all three
export const sudoUnknown = (login: string) => authentication(`Cannot 'sudo' - unknown or retired user: '${login}'`)
export const sudoInactive = (login: string) => authentication(`Cannot 'sudo' - inactive user account: '${login}'`)
export const sudoTurnedOff = (login: string) =>
  authentication(`Cannot 'sudo' - user account has 'can_impersonate_this_user' turned off: '${login}'`)
