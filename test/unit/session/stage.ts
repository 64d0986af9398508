import { AgentError, type ErrorCode } from '../../../src/errors.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import type { SiteStatus } from '../../../src/session/changes.ts'
import type { IssuedSession, Renewal, SignedIn } from '../../../src/session/session.ts'
import { SessionHolder } from '../../../src/session/session-holder.ts'

export const site = 'https://studio.example'
export const minute = 60_000
export const hour = 60 * minute

/** Timers and both clocks move together under vitest's fake timers; `jump` moves the wall clock alone. */
export class Stage {
  readonly announced: SiteStatus[] = []
  readonly holder: SessionHolder
  renewals = 0
  checks = 0
  forgotten = 0
  released = 0
  /** When the artist signed in, as the renewal was told. */
  readonly remembered: number[] = []
  renew: () => Promise<IssuedSession> = async () => issued(this.renewals)
  check: () => Promise<'accepted' | 'refused'> = async () => 'accepted'
  /** What the site says it keeps; `undefined` is what it says when it does not tell. */
  leftAtSite: () => Promise<number | undefined> = async () => undefined
  #jumpedMs = 0

  constructor() {
    this.holder = new SessionHolder({
      site,
      maxAgeMs: 12 * hour,
      remindBeforeMs: 30 * minute,
      clock: { now: () => Date.now() + this.#jumpedMs, monotonicMs: () => performance.now() },
      log: { debug() {}, info() {}, warn() {}, error() {} },
      announce: (status) => this.announced.push(status),
    })
  }

  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  get reasons(): (string | undefined)[] {
    return this.announced.map((status) => status.reason)
  }

  signedIn(): SignedIn {
    const renewal: Renewal = {
      renew: () => {
        this.renewals += 1
        return this.renew()
      },
      check: () => {
        this.checks += 1
        return this.check()
      },
      leftAtSiteMs: () => this.leftAtSite(),
      remember: (signedInAt) => void this.remembered.push(signedInAt),
      forget: async () => {
        this.forgotten += 1
      },
      release: async () => {
        this.released += 1
      },
      passOn: () => ({}),
      letGo: () => undefined,
    }
    return { session: issued(0), renewal, account: 'artist@studio.example' }
  }

  signIn(): Promise<unknown> {
    return this.holder.signIn(async () => this.signedIn())
  }
}

export function issued(number: number, change: Partial<IssuedSession> = {}): IssuedSession {
  return {
    site,
    apiUrl: site,
    login: 'artist',
    userId: 7,
    name: 'Artist',
    sessionToken: new Secret(`token-${number}`),
    lifetimeMs: hour,
    expiry: 'estimated',
    obtainedBy: 'broker',
    ...change,
  }
}

export function failing(code: ErrorCode): () => Promise<never> {
  return async () => {
    throw new AgentError(code)
  }
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  )
}

export async function tokenOf(stage: Stage, minValidityMs = 5 * minute): Promise<string> {
  return (await stage.holder.get(minValidityMs)).session.sessionToken.reveal()
}
