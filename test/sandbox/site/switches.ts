import { z } from 'zod'

/** What the site can be told to be, and what nobody has measured yet: every open question is a switch. */
export const switchesSchema = z.strictObject({
  /** `user_authentication_method`. facts: TK 1.6 */
  mode: z.enum(['default', 'saml2', 'oxygen']),
  /** App Session Launcher on or off. facts: TK 3.3 */
  launcher: z.boolean(),
  /**
   * Whose session `get_session_token` makes under script + sudo. Unmeasured; `script` is the dangerous reading
   * (API Admin rights handed to an artist), `ignored` drops the sudo and its refusals. facts: 6.2
   */
  sudoSessionOwner: z.enum(['script', 'human', 'wrong', 'ignored']),
  /**
   * Whom a REST bearer of script + `scope=sudo_as_login:…` acts for: the person, the script (the scope dropped without a
   * word, as the body field is), or somebody else. Measured: `honoured`. facts: SGT 027
   */
  restSudo: z.enum(['honoured', 'ignored', 'wrong']),
  /** Whether JSON-RPC calls and upload forms take notice of `sudo_as_login` at all; `ignored` answers as the script. */
  rpcSudo: z.enum(['honoured', 'ignored']),
  /** "User Session Expiry": seconds of inactivity a session survives. facts: SGT 052 */
  sessionWindowS: z.number().positive(),
  /** `forceExpiresAt`: seconds after which a session ends however it is used; null on the measured site. facts: SGT 052 */
  sessionCapS: z.number().positive().nullable(),
  /** The code a failed login + password gets on an Identity site. facts: 5 (unmeasured which) */
  oxygenPasswordFault: z.literal([102, 110]),
  /** Whether a site that has not moved checks a Personal Access Token where one is set; people say it does. facts: 5 (FORUM t/12599) */
  checksBoundTokens: z.boolean(),
  /** Seconds that a token which was used once is believed without a look. An hour or more, people say; nobody measured it. */
  tokenBelievedS: z.number().nonnegative(),
  /** Fields of HumanUser that people may not read, and whether reading them leaves them out or is refused. Unmeasured which. */
  hiddenUserFields: z.array(z.string()),
  hiddenFieldAnswer: z.enum(['left-out', 'refused']),
  /** Whether `/internal_api/session` exists: it is an undocumented surface. */
  sessionEndpoint: z.boolean(),
  /**
   * Whether the site takes an Autodesk access token: as a REST bearer, and in the place of a session token of a JSON-RPC call.
   * Needs an issuer that the site was started with; without one no token is good. No site is known to. facts: 12.8
   */
  bearerFromAutodesk: z.boolean(),
})

export type SiteSwitches = z.output<typeof switchesSchema>

export const defaultSwitches: SiteSwitches = {
  mode: 'oxygen',
  launcher: true,
  sudoSessionOwner: 'script',
  restSudo: 'honoured',
  rpcSudo: 'honoured',
  sessionWindowS: 86_400,
  sessionCapS: null,
  oxygenPasswordFault: 102,
  checksBoundTokens: true,
  tokenBelievedS: 0,
  hiddenUserFields: [],
  hiddenFieldAnswer: 'left-out',
  sessionEndpoint: true,
  bearerFromAutodesk: false,
}
