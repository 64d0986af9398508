import { randomBytes } from 'node:crypto'
import { AgentError } from '../errors.ts'
import type { BrowserReturn, BrowserSignIn } from '../identity/browser-sign-in.ts'
import type { IdentityTokens } from '../identity/tokens.ts'
import type { Ports } from '../ports.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import type { AutodeskToken, IssuedSession, Renewal, SignedIn } from '../session/session.ts'
import { findUsersByEmail, isAboutToken, readUserAsSession, type SeenUser } from '../shotgrid/autodesk-token.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { anySignal } from '../waiting/any-signal.ts'
import type { SignInRequest, TakenSignIn, WayIn } from './way-in.ts'

export interface IdentityDirectSettings {
  readonly site: string
  readonly identity: BrowserSignIn
}

/** A session is an access token with more left than this; Autodesk's last an hour. */
const sessionSpareMs = 10 * 60_000

/**
 * Signing in at Autodesk Identity, and giving the Autodesk access token straight to the site: no broker, no script key. Only
 * where the configuration names it: no site is known to take such a token (facts: identity §2, shotgrid §12.8). What is assumed
 * of one that does is as little as can be, and asked of it at every sign-in and renewal:
 *
 * - REST takes the token as `Authorization: Bearer`;
 * - JSON-RPC takes it in the place of `session_token`, so that `shotgun_api3` works with it;
 * - it acts as the one active HumanUser with the address that Autodesk has verified. There is no `/me` to ask.
 */
export class IdentityDirectWayIn implements WayIn {
  readonly name = 'identity-direct'
  readonly #settings: IdentityDirectSettings
  readonly #ports: Pick<Ports, 'fetch' | 'clock'>

  constructor(settings: IdentityDirectSettings, ports: Pick<Ports, 'fetch' | 'clock'>) {
    this.#settings = settings
    this.#ports = ports
  }

  /**
   * Throws `web_sign_in_unavailable` where the site does not take the token, `account_not_mapped`, `account_disabled` or
   * `account_ambiguous` where it is nobody's or not one person's, `site_unreachable`, or what Autodesk says.
   */
  async signIn({ switchUser, onStep, signal }: SignInRequest): Promise<SignedIn> {
    const nonce = randomBytes(32).toString('base64url')
    const onBrowser = (step: BrowserReturn): void => onStep({ kind: 'browser', ...step })
    return this.#settings.identity.run({ switchUser, onBrowser, signal, nonce }, async ({ tokens }) => {
      const session = await this.#sessionOf(tokens, signal)
      const account = await tokens.accountName(signal)
      return { session, renewal: this.#renewal(tokens), ...(account === undefined ? {} : { account }) }
    })
  }

  async goOn(_taken: TakenSignIn, passed: unknown, take: TakeSecret): Promise<Renewal> {
    return this.#renewal(this.#settings.identity.goOn(passed, take))
  }

  async #sessionOf(tokens: IdentityTokens, signal: AbortSignal): Promise<IssuedSession> {
    const { site } = this.#settings
    const email = await tokens.verifiedEmail(signal)
    if (email === undefined) {
      const advice = 'Verify the address in your Autodesk profile, then sign in again.'
      throw new AgentError('account_not_mapped', 'Autodesk has not verified the address of this account', { advice })
    }
    const token = await tokens.handOut(sessionSpareMs, signal)
    const { id: userId, login, name } = await this.#askWhoItIs(token, email, signal)
    return {
      site,
      apiUrl: site,
      userId,
      login,
      name,
      // The session's own: it is wiped with the session, the other when Autodesk has revoked it.
      sessionToken: token.accessToken.copy(),
      lifetimeMs: Math.max(0, token.expiresAt - this.#ports.clock.now()),
      // Autodesk has told it, the site has not.
      expiry: 'estimated',
      obtainedBy: this.name,
    }
  }

  async #askWhoItIs({ accessToken }: AutodeskToken, email: string, signal: AbortSignal): Promise<SeenUser> {
    const { site } = this.#settings
    const { fetch } = this.#ports
    try {
      const user = theOneOf(await findUsersByEmail(fetch, site, accessToken, email, signal), site, email)
      const again = await readUserAsSession(fetch, site, accessToken, user.id, signal)
      if (again?.login !== user.login || !again.isActive) {
        throw new AgentError(
          'session_owner_mismatch',
          `"${site}" shows "${user.login}" over REST, and not over JSON-RPC`,
        )
      }
      return user
    } catch (error) {
      if (error instanceof SiteFault) throw this.#refusal(error)
      throw error
    }
  }

  #refusal(fault: SiteFault): AgentError {
    const { site } = this.#settings
    const cause = { cause: fault }
    if (!isAboutToken(fault)) return new AgentError('site_unreachable', `"${site}" refused: ${fault.message}`, cause)
    // It does not say whether it takes none, or not this person's.
    const advice =
      'Ask IT whether you are an active user of this site, and whether it takes Autodesk tokens at all; else they choose another "signIn" for it.'
    return new AgentError('web_sign_in_unavailable', `"${site}" does not take this Autodesk access token`, {
      ...cause,
      advice,
    })
  }

  #renewal(tokens: IdentityTokens): Renewal {
    const over = new AbortController()
    const forget = (): Promise<void> => {
      over.abort(new AgentError('login_required', 'signed out while the session was renewed'))
      return tokens.revoke()
    }
    return {
      renew: async (limit) => {
        // Not cut short by a sign-out: what it brings home must be revoked.
        await tokens.refresh(limit)
        over.signal.throwIfAborted()
        const signal = anySignal([limit, over.signal])
        return this.#sessionOf(tokens, signal).catch((error: unknown) => {
          throw asEnd(error)
        })
      },
      check: (session, signal) => this.#check(session, signal),
      autodeskToken: (minValidityMs, signal) => tokens.handOut(minValidityMs, signal),
      remember: () => {
        // Nothing of it outlives the agent.
      },
      forget,
      release: forget,
      passOn: (put) => tokens.passOn(put),
      letGo: () => {
        over.abort(new AgentError('login_required', 'another process goes on with the sign-in'))
        tokens.letGo()
      },
    }
  }

  async #check({ sessionToken, userId }: IssuedSession, signal: AbortSignal): Promise<'accepted' | 'refused'> {
    try {
      const user = await readUserAsSession(this.#ports.fetch, this.#settings.site, sessionToken, userId, signal)
      return user?.isActive ? 'accepted' : 'refused'
    } catch (error) {
      if (isAboutToken(error)) return 'refused'
      throw error
    }
  }
}

/** The one active HumanUser among those with an address. */
function theOneOf(users: readonly SeenUser[], site: string, email: string): SeenUser {
  // A site that took no notice of the filter would answer with somebody.
  const theirs = users.filter((user) => user.email?.toLowerCase() === email.toLowerCase())
  const [user, ...others] = theirs.filter(({ isActive }) => isActive)
  if (user && others.length === 0) return user
  if (user) throw new AgentError('account_ambiguous', `several users of "${site}" have the address "${email}"`)
  if (theirs.length > 0) throw new AgentError('account_disabled', `the user of "${site}" with "${email}" is not active`)
  throw new AgentError('account_not_mapped', `no user of "${site}" has the address "${email}"`)
}

/** A token fresh from Autodesk that the site refuses: the person may not have a session any more. */
function asEnd(error: unknown): unknown {
  if (!(error instanceof AgentError) || error.code !== 'web_sign_in_unavailable') return error
  return new AgentError('session_ended', error.message, { cause: error, advice: error.advice })
}
