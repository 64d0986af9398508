import type { PersonFacts } from '../../../src/preflight/person-facts.ts'
import type { SiteUser } from '../../../src/preflight/site-user.ts'

/** 9:00 on a day in November. */
export const nowMs = Date.UTC(2026, 10, 22, 9)

export const someUser: SiteUser = {
  id: 12,
  login: 'old-login',
  email: 'artist@studio.example',
  status: 'act',
  lockedUntil: null,
  canBeImpersonated: true,
  permissionGroup: 'artist',
  namesakes: [],
}

/** Somebody of whom nothing is known, on an Identity site without a broker. */
export function factsOf(changes: Partial<PersonFacts> = {}): PersonFacts {
  return {
    nowMs,
    site: 'https://studio.example',
    info: { version: '8.89.0.9724', authentication: 'oxygen', hasLauncher: true },
    signIn: 'auto',
    agent: {
      signedIn: false,
      problem: { code: 'login_required', says: 'nobody is signed in', next: 'Sign in.' },
    },
    user: undefined,
    passphrase: { notTried: 'declined' },
    ...changes,
  }
}

export function infoOf(authentication: string, hasLauncher = true): PersonFacts['info'] {
  return { version: '8.89.0', authentication, hasLauncher }
}
