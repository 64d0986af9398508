import type { Principal, SiteUser } from './accounts.ts'
import {
  cannotAuthenticateUser,
  passwordsNotAllowedWithIdentity,
  passwordsNotAllowedWithSso,
  type Refusal,
  twoFactorRequired,
} from './refusals.ts'
import { type SiteState, timestamp } from './site-state.ts'

const wrongPassphrasesBeforeLock = 5
const lockMs = 5 * 60_000

/**
 * Who a login and passphrase belong to, by the rules of the site's mode: `saml2` accepts none, `oxygen` wants a
 * passphrase and a bound Personal Access Token, `default` a passphrase and the second factor where one is set. A token is
 * looked at only where a program signs in, not `inBrowser`. Throws the refusal. facts: 5, 11.2
 */
export function authenticatePassword(
  state: Pick<SiteState, 'accounts' | 'clock' | 'switches'>,
  login: string,
  password: string,
  secondFactor: string | undefined,
  { inBrowser = false }: { readonly inBrowser?: boolean } = {},
): Principal {
  if (state.switches.mode === 'saml2') throw passwordsNotAllowedWithSso()
  const user = state.accounts.liveUser(login)
  if (!user?.isActive || isLocked(user, state.clock.now())) throw rejected(state, login)
  if (user.passphrase === undefined || user.passphrase !== password) {
    countFailure(user, state.clock.now())
    throw rejected(state, login)
  }
  if (!inBrowser && !isTokenGood(state, user)) throw rejected(state, login)
  // a second factor makes no difference where a PAT is asked for (FORUM t/12599)
  if (state.switches.mode === 'default' && user.twoFactorCode !== undefined) {
    // 106 asks for the code, and tk-core's console asks once; a wrong one is a failed login like any other
    if (!secondFactor) throw twoFactorRequired(login)
    if (user.twoFactorCode !== secondFactor) {
      countFailure(user, state.clock.now())
      throw rejected(state, login)
    }
  }
  user.failedLogins = 0
  return { kind: 'person', user }
}

/**
 * Whether the Personal Access Token is in nobody's way. Before the migration none is asked for, but one that is set is
 * checked; one that was exchanged is believed for a while. facts: 5 (FORUM t/12599), asked-for 18
 */
function isTokenGood({ switches, clock }: Pick<SiteState, 'clock' | 'switches'>, user: SiteUser): boolean {
  const isAsked = switches.mode === 'oxygen' || (switches.checksBoundTokens && user.pat !== 'none')
  if (!isAsked) return true
  const isBelieved = user.patUsedAt !== undefined && clock.now() - user.patUsedAt < switches.tokenBelievedS * 1000
  if (user.pat === 'bound' && !isBelieved) user.patUsedAt = clock.now()
  return user.pat === 'bound' || (user.pat === 'deleted' && isBelieved)
}

/** Too many wrong passphrases lock an account for a while. facts: PY tests/test_api.py (`locked_until`); numbers ours */
function countFailure(user: SiteUser, nowMs: number): void {
  user.failedLogins += 1
  if (user.failedLogins < wrongPassphrasesBeforeLock) return
  user.failedLogins = 0
  user.lockedUntil = timestamp(nowMs + lockMs)
}

function isLocked(user: SiteUser, nowMs: number): boolean {
  return user.lockedUntil !== null && Date.parse(user.lockedUntil) > nowMs
}

function rejected({ switches }: Pick<SiteState, 'switches'>, login: string): Refusal {
  const answersIdentityFault = switches.mode === 'oxygen' && switches.oxygenPasswordFault === 110
  return answersIdentityFault ? passwordsNotAllowedWithIdentity(login) : cannotAuthenticateUser(login)
}
