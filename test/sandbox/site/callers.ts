import { z } from 'zod'
import type { Principal } from './accounts.ts'
import { authenticatePassword } from './passwords.ts'
import { cannotAuthenticateScript, cannotAuthenticateSession, missingAuthentication } from './refusals.ts'
import type { Session } from './sessions.ts'
import type { SiteState } from './site-state.ts'
import { judgeSudo } from './sudo.ts'

/** Who is calling, as a value: who proved it, and whose permissions apply. */
export interface Caller {
  /** Whose credentials came with the call. */
  readonly actual: Principal
  /** `actual`, or the person a script impersonates. */
  readonly acting: Principal
  /** The browser session that should hear of the change. facts: PY `set_session_uuid` */
  readonly sessionUuid: string | null
  /** Set when a session token was the credential. */
  readonly session: Session | undefined
  /** `sudo_as_login` as it was sent. */
  readonly sudoLogin: string | undefined
}

/**
 * Element 0 of `params`. Whatever else clients put in it (`product`, `reject_if_expired`) changes nothing: an ended
 * session is refused with and without the flag. facts: PY 1.3
 */
const authSchema = z.looseObject({
  script_name: z.string().optional(),
  script_key: z.string().optional(),
  user_login: z.string().optional(),
  user_password: z.string().optional(),
  auth_token: z.string().optional(),
  session_token: z.string().optional(),
  reject_if_expired: z.boolean().optional(),
  sudo_as_login: z.string().nullish(),
  session_uuid: z.string().nullish(),
})

type Auth = z.output<typeof authSchema>

/** Who an Autodesk access token speaks for, on a site that takes them; undefined on any other, and for any other text. */
export async function personOfAutodesk(state: SiteState, token: unknown): Promise<Principal | undefined> {
  if (!state.switches.bearerFromAutodesk || typeof token !== 'string') return undefined
  const user = await state.autodeskTokens?.ownerOf(token, state.accounts)
  return user && { kind: 'person', user }
}

/**
 * Reads the auth dict of a JSON-RPC call. `ignoreSudo` leaves `sudo_as_login` unjudged and unapplied;
 * `tokenOwner` is who the session token is good for, where it is an Autodesk access token.
 * Throws the refusal, and pushes the session's window back when one was used.
 */
export function identifyCaller(
  state: SiteState,
  rawAuth: unknown,
  { ignoreSudo = false, tokenOwner }: { ignoreSudo?: boolean; tokenOwner?: Principal | undefined } = {},
): Caller {
  const parsed = authSchema.safeParse(rawAuth)
  if (!parsed.success) throw missingAuthentication()
  const auth = parsed.data
  const { actual, session } = authenticate(state, auth, tokenOwner)
  const sudoLogin = auth.sudo_as_login || undefined
  const isIgnored = ignoreSudo || state.switches.rpcSudo === 'ignored'
  const acting = sudoLogin === undefined || isIgnored ? actual : impersonated(state, actual, sudoLogin)
  if (session) state.sessions.touch(session)
  return { actual, acting, sessionUuid: auth.session_uuid ?? null, session, sudoLogin }
}

export function impersonated(state: Pick<SiteState, 'accounts'>, actual: Principal, login: string): Principal {
  return { kind: 'person', user: judgeSudo(state.accounts, actual, login) }
}

export function authenticateScript({ accounts }: Pick<SiteState, 'accounts'>, name: string, key: string): Principal {
  const script = accounts.scripts().find((candidate) => candidate.name === name)
  if (!script || script.key !== key) throw cannotAuthenticateScript(name)
  return { kind: 'script', script }
}

/** In the order the client prefers them: login, script, session. facts: PY `_auth_params` */
function authenticate(
  state: SiteState,
  auth: Auth,
  tokenOwner: Principal | undefined,
): { actual: Principal; session: Session | undefined } {
  if (auth.user_login !== undefined && auth.user_password !== undefined) {
    const actual = authenticatePassword(state, auth.user_login, auth.user_password, auth.auth_token)
    return { actual, session: undefined }
  }
  if (auth.script_name !== undefined && auth.script_key !== undefined) {
    return { actual: authenticateScript(state, auth.script_name, auth.script_key), session: undefined }
  }
  if (auth.session_token === undefined) throw missingAuthentication()
  if (tokenOwner) return { actual: tokenOwner, session: undefined }
  const session = state.sessions.find(auth.session_token)
  if (!session) throw cannotAuthenticateSession(auth.session_token)
  return { actual: session.owner, session }
}
