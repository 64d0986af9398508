import { createHash } from 'node:crypto'
import { personNamed, sandboxPeople } from '../people.ts'
import type { IdentitySwitches } from './switches.ts'

/** One Autodesk account. `email` and `emailVerified` may change while the sandbox runs; `sub` never does. */
export interface Account {
  readonly key: string
  readonly sub: string
  readonly password: string
  readonly givenName: string
  readonly familyName: string
  readonly email: string
  readonly emailVerified: boolean
  /** Whole seconds since the epoch. */
  readonly updatedAtS: number
}

export interface AccountChange {
  readonly email?: string | undefined
  readonly emailVerified?: boolean | undefined
}

/** Every claim an ID token of the sandbox may carry beside the protocol's own, over all variants. */
export const idTokenClaimNames = [
  'sub',
  'email',
  'email_verified',
  'name',
  'given_name',
  'family_name',
  'first_name',
  'last_name',
  'user_name',
  'user_email',
  'userid',
  'analytics_id',
] as const

/** The Autodesk accounts of `people.ts`, as they are now. */
export class Accounts {
  #accounts = seededAccounts()

  all(): readonly Account[] {
    return this.#accounts
  }

  /** Throws when nobody has that key, and when that person has no Autodesk account. */
  named(personKey: string): Account {
    const account = this.#accounts.find(({ key }) => key === personNamed(personKey).key)
    if (!account) throw new Error(`"${personKey}" has no Autodesk account in the sandbox`)
    return account
  }

  withSub(sub: string): Account | undefined {
    return this.#accounts.find((account) => account.sub === sub)
  }

  /** The account that signs in with this address and password; letter case of the address does not matter. */
  withCredentials(email: string, password: string): Account | undefined {
    const wanted = email.trim().toLowerCase()
    return this.#accounts.find((account) => account.email.toLowerCase() === wanted && account.password === password)
  }

  change(personKey: string, change: AccountChange): Account {
    const before = this.named(personKey)
    const after: Account = {
      ...before,
      email: change.email ?? before.email,
      emailVerified: change.emailVerified ?? before.emailVerified,
      updatedAtS: Math.floor(Date.now() / 1000),
    }
    this.#accounts = this.#accounts.map((account) => (account === before ? after : account))
    return after
  }

  reset(): void {
    this.#accounts = seededAccounts()
  }
}

/** Claims about the person in an ID token. */
export function idTokenClaims(
  account: Account,
  switches: Pick<IdentitySwitches, 'idTokenClaims' | 'emailVerifiedAs'>,
): { sub: string; [claim: string]: unknown } {
  const { sub, email, emailVerified, givenName, familyName } = account
  switch (switches.idTokenClaims) {
    case 'none':
      return { sub }
    case 'user_email':
      // The claims of Autodesk's "Get an ID Token" page, and `sub`, without which openid-client refuses the token.
      return {
        sub,
        first_name: givenName,
        last_name: familyName,
        user_name: userName(account),
        user_email: email,
        userid: sub,
        analytics_id: createHash('sha256').update(sub).digest('hex'),
      }
    case 'email':
      return {
        sub,
        email,
        email_verified: switches.emailVerifiedAs === 'string' ? String(emailVerified) : emailVerified,
        name: `${givenName} ${familyName}`,
        given_name: givenName,
        family_name: familyName,
      }
  }
}

/** The UserInfo answer: always the documented names and types, whatever the ID token says (facts/identity §0.1, §1.6). */
export function userinfoClaims(account: Account): { sub: string; [claim: string]: unknown } {
  return {
    sub: account.sub,
    email: account.email,
    email_verified: account.emailVerified,
    name: `${account.givenName} ${account.familyName}`,
    given_name: account.givenName,
    family_name: account.familyName,
    preferred_username: userName(account),
    locale: 'en-US',
    updated_at: account.updatedAtS,
    is_2fa_enabled: false,
  }
}

function userName(account: Account): string {
  return account.email.split('@', 1)[0] ?? account.key
}

function seededAccounts(): Account[] {
  const updatedAtS = Math.floor(Date.now() / 1000)
  return sandboxPeople.flatMap(({ key, firstname, lastname, email, autodesk }) =>
    autodesk
      ? [
          {
            key,
            sub: autodesk.sub,
            password: autodesk.password,
            givenName: firstname,
            familyName: lastname,
            email,
            emailVerified: autodesk.emailVerified,
            updatedAtS,
          },
        ]
      : [],
  )
}
