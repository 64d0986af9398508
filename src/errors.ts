/**
 * The one table of everything that can go wrong: how a code travels (JSON-RPC error number, exit status of the command
 * line, HTTP status of the broker), what happened in one sentence, and what to do about it.
 */
export const errorTable = {
  // Signing in
  login_required: {
    rpc: -32001,
    exit: 10,
    http: 401,
    sentence: 'Nobody is signed in to this site.',
    advice: 'Sign in from the tray, or run "sg-session sign-in".',
  },
  interaction_required: {
    rpc: -32002,
    exit: 11,
    http: 401,
    sentence: 'Going on needs the artist.',
    advice: 'Ask again with interactive=true, or sign in from the tray.',
  },
  sign_in_cancelled: {
    rpc: -32003,
    exit: 12,
    http: 400,
    sentence: 'The sign-in was cancelled.',
    advice: 'Sign in again when you are ready.',
  },
  sign_in_timeout: {
    rpc: -32004,
    exit: 13,
    http: 408,
    sentence: 'The sign-in was not finished in time.',
    advice:
      'Sign in again. If the browser showed an Autodesk error page, ask IT whether the callback addresses are registered.',
  },
  access_denied: {
    rpc: -32005,
    exit: 14,
    http: 403,
    sentence: 'Access was denied in the browser.',
    advice: 'Sign in again and accept, or choose another account.',
  },
  identity_rejected: {
    rpc: -32006,
    exit: 15,
    http: 400,
    sentence: 'Autodesk Identity refused the sign-in.',
    advice: 'Sign in again. If it happens twice, send IT the diagnosis.',
  },
  redirect_ports_busy: {
    rpc: -32007,
    exit: 16,
    http: 409,
    sentence: 'Every address at which the browser could return is taken by another program.',
    advice: 'Close the program that holds the ports, or ask IT to register more of them.',
  },
  web_sign_in_unavailable: {
    rpc: -32008,
    exit: 17,
    http: 409,
    sentence: 'There is no way to sign in to this site through the browser.',
    advice: 'Ask IT to name a broker for this site, or to switch on the App Session Launcher of the site.',
  },
  passphrase_rejected: {
    rpc: -32009,
    exit: 18,
    http: 401,
    sentence: 'The site did not accept this login and passphrase, or the two-factor code.',
    advice:
      'Check all of them; the passphrase is not the Autodesk password. The site says the same when the user is disabled or locked: ask an administrator if it goes on.',
  },
  personal_access_token_required: {
    rpc: -32010,
    exit: 19,
    http: 401,
    sentence: 'This site takes a login and passphrase only with a Personal Access Token behind them.',
    advice:
      'Set a passphrase and bind a token in the site’s Account Settings, under Legacy Login and Personal Access Token; create the token at https://profile.autodesk.com.',
  },
  two_factor_required: {
    rpc: -32011,
    exit: 20,
    http: 401,
    sentence: 'The site asks for a two-factor code.',
    advice: 'Enter the code your authenticator shows now.',
  },
  legacy_sign_in_unavailable: {
    rpc: -32012,
    exit: 21,
    http: 409,
    sentence: 'This site takes no login and passphrase.',
    advice: 'Sign in through the browser; ask IT which way this site offers.',
  },
  autodesk_token_unavailable: {
    rpc: -32013,
    exit: 22,
    http: 403,
    sentence: 'There is no Autodesk token to hand out.',
    advice: 'Ask IT whether the policy allows it, and whether this site is signed in to through Autodesk Identity.',
  },

  // Consent and the socket
  consent_denied: {
    rpc: -32020,
    exit: 30,
    http: 403,
    sentence: 'This program was not allowed to use the session.',
    advice: 'Allow it from the tray, or ask IT to add it to the policy.',
  },
  consent_timeout: {
    rpc: -32021,
    exit: 31,
    http: 408,
    sentence: 'Nobody answered whether this program may use the session.',
    advice: 'Ask again and answer the question on the screen.',
  },
  not_your_agent: {
    rpc: -32022,
    exit: 32,
    http: 403,
    sentence: 'What answers there is not your sg-session.',
    advice: 'Start sg-session again. If it happens twice, tell IT: another program may be posing as it.',
  },
  agent_not_running: {
    rpc: -32023,
    exit: 33,
    http: 503,
    sentence: 'sg-session is not running.',
    advice: 'Start sg-session.',
  },
  agent_already_running: {
    rpc: -32024,
    exit: 34,
    http: 409,
    sentence: 'sg-session is already running for this user.',
    advice: 'Use the one that runs, or stop it first.',
  },
  agent_timeout: {
    rpc: -32025,
    exit: 35,
    http: 504,
    sentence: 'sg-session did not answer in time.',
    advice: 'Ask again; if it stays silent, restart sg-session.',
  },
  unsupported_version: {
    rpc: -32026,
    exit: 36,
    http: 400,
    sentence: 'The client and sg-session do not speak the same protocol version.',
    advice: 'Update whichever of the two is older.',
  },
  invalid_request: {
    rpc: -32600,
    exit: 37,
    http: 400,
    sentence: 'The request is not of the form the protocol describes.',
    advice: 'See docs/PROTOCOL.md for its fields.',
  },
  unknown_method: {
    rpc: -32601,
    exit: 38,
    http: 404,
    sentence: 'There is no such method.',
    advice: 'See docs/PROTOCOL.md for those there are.',
  },

  // Sites, identity, broker
  site_unknown: {
    rpc: -32040,
    exit: 50,
    http: 400,
    sentence: 'This site is not configured here.',
    advice: 'Check the address, or ask IT to add the site.',
  },
  site_unreachable: {
    rpc: -32041,
    exit: 51,
    http: 502,
    sentence: 'The ShotGrid site does not answer as it should.',
    advice: 'Check the network; sg-session keeps the session and tries again when it is asked.',
  },
  identity_unreachable: {
    rpc: -32042,
    exit: 52,
    http: 502,
    sentence: 'Autodesk Identity does not answer as it should.',
    advice: 'Check the network and the proxy, then try again.',
  },
  broker_unreachable: {
    rpc: -32043,
    exit: 53,
    http: 502,
    sentence: "The studio's identity broker does not answer as it should.",
    advice: 'Check the network or VPN, then try again; tell IT if it lasts.',
  },
  subject_token_rejected: {
    rpc: -32044,
    exit: 54,
    http: 400,
    sentence: 'The broker did not accept the Autodesk sign-in.',
    advice: 'Sign in again. If it happens twice, send IT the diagnosis.',
  },
  proof_rejected: {
    rpc: -32045,
    exit: 55,
    http: 400,
    sentence: 'The broker did not accept the proof that this sign-in belongs to this program.',
    advice: 'Sign in again; check the clock of this machine.',
  },
  account_not_mapped: {
    rpc: -32046,
    exit: 56,
    http: 400,
    sentence: 'This Autodesk account belongs to no ShotGrid user.',
    advice: 'Check which account you signed in with, or ask an administrator to link it.',
  },
  account_disabled: {
    rpc: -32047,
    exit: 57,
    http: 400,
    sentence: 'The ShotGrid user of this account may not be used.',
    advice: 'Ask an administrator to activate the user or to allow impersonation for it.',
  },
  account_ambiguous: {
    rpc: -32048,
    exit: 58,
    http: 400,
    sentence: 'Several ShotGrid users share the e-mail address of this account.',
    advice: 'Ask an administrator to say which of them is yours.',
  },
  privileged_account: {
    rpc: -32049,
    exit: 59,
    http: 400,
    sentence: 'Administrators are not signed in through the broker.',
    advice: 'Sign in on the web site, or ask the broker’s operator to name you in its policy.',
  },
  session_owner_mismatch: {
    rpc: -32050,
    exit: 60,
    http: 502,
    sentence: 'The site made a session that is not this person’s; it was thrown away.',
    advice: 'Tell the broker’s operator: this site does not make a user’s session from a script key.',
  },
  broker_stopped: {
    rpc: -32052,
    exit: 62,
    http: 503,
    sentence: 'The studio’s identity broker was stopped.',
    advice: 'Ask IT: somebody, or an alarm, has stopped it on purpose.',
  },
  session_ended: {
    rpc: -32051,
    exit: 61,
    http: 401,
    sentence: 'The session has ended.',
    advice: 'Sign in again.',
  },

  // Everything else
  secret_store_unavailable: {
    rpc: -32060,
    exit: 70,
    http: 503,
    sentence: 'The keychain of this system cannot be used.',
    advice: 'sg-session goes on and keeps everything in memory only.',
  },
  config_invalid: {
    rpc: -32061,
    exit: 71,
    http: 500,
    sentence: 'The configuration cannot be used.',
    advice: 'Mend the value the message names.',
  },
  rate_limited: {
    rpc: -32062,
    exit: 72,
    http: 429,
    sentence: 'There were too many requests.',
    advice: 'Wait a moment and try again.',
  },
  temporarily_unavailable: {
    rpc: -32063,
    exit: 73,
    http: 503,
    sentence: 'This does not work right now.',
    advice: 'Try again in a moment.',
  },
  audit_broken: {
    rpc: -32064,
    exit: 74,
    http: 500,
    sentence: 'The audit is not what the broker wrote.',
    advice: 'Keep the database as it is, and compare it with its backups, exports and logs.',
  },
  internal_error: {
    rpc: -32603,
    exit: 1,
    http: 500,
    sentence: 'sg-session made a mistake.',
    advice: 'Try again; send IT the log if it happens twice.',
  },
} as const satisfies Record<
  string,
  {
    readonly rpc: number
    readonly exit: number
    readonly http: number
    readonly sentence: string
    readonly advice: string
  }
>

export type ErrorCode = keyof typeof errorTable

export const errorCodes = Object.keys(errorTable) as ErrorCode[]

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorTable, text)
}

/**
 * The only error our own code throws on purpose. `code` is what programs act on; `message` names the culprit for people
 * and logs and never holds a secret; `cause` is the foreign error it was made from.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: ErrorCode

  /** What to do about it, in a sentence or a few for a person. */
  readonly advice: string

  /** How long the other side asked to be left alone (RFC 9110 §10.2.3); undefined when it did not. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message?: string,
    options?: {
      readonly cause?: unknown
      /** Where more is known than the table knows. */
      readonly advice?: string
      readonly retryAfterMs?: number | undefined
    },
  ) {
    super(message ?? errorTable[code].sentence, options)
    this.code = code
    this.advice = options?.advice ?? errorTable[code].advice
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** Any thrown thing as an AgentError; what is not ours is an `internal_error` with the thing as its cause. */
export function asAgentError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown
  return new AgentError('internal_error', errorTable.internal_error.sentence, { cause: thrown })
}
