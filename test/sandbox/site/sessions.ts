import { randomBytes } from 'node:crypto'
import { noteSecret } from '../canaries.ts'
import type { SandboxClock } from '../clock.ts'
import { isUsable, type Principal, principalLink, principalLogin } from './accounts.ts'
import type { SiteSwitches } from './switches.ts'

/** facts: SGT get_internal_api_session: the licence lease has a clock of its own, a day from the browser login. */
const licenceLeaseS = 86_400
const movedAtMostEveryS = 300

export interface Session {
  /** 32 hex characters. facts: PY 1.4 */
  readonly token: string
  readonly owner: Principal
  /** How it came to be: `browser`, `password`, `script`, `script+sudo`, `launcher`. */
  readonly createdBy: string
  readonly createdAtMs: number
  /** The last time its window was pushed back. */
  movedAtMs: number
  licenceFromMs: number
  /** Ended by hand. */
  endedByHand: boolean
}

/** A session as tests and the control API see it. */
export interface SessionSummary {
  readonly tokenEnding: string
  readonly owner: { readonly type: 'HumanUser' | 'ApiUser'; readonly id: number; readonly login: string }
  readonly createdBy: string
  readonly createdAtS: number
  readonly expiresAtS: number
  readonly ended: boolean
}

/**
 * The site's sessions. Each ends after a window of inactivity; use pushes the window back, but at most once per 300 s
 * (half the window where that is shorter, so that windows of seconds behave like windows of days). facts: SGT 052
 */
export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #clock: SandboxClock
  readonly #switches: Pick<SiteSwitches, 'sessionWindowS' | 'sessionCapS'>

  constructor(clock: SandboxClock, switches: Pick<SiteSwitches, 'sessionWindowS' | 'sessionCapS'>) {
    this.#clock = clock
    this.#switches = switches
  }

  /** `licenceFromMs`: when the browser login was that this session descends from; now if it is one itself. */
  create(owner: Principal, createdBy: string, licenceFromMs = this.#clock.now()): Session {
    const now = this.#clock.now()
    const session: Session = {
      token: noteSecret('session token', randomBytes(16).toString('hex')),
      owner,
      createdBy,
      createdAtMs: now,
      movedAtMs: now,
      licenceFromMs,
      endedByHand: false,
    }
    this.#sessions.set(session.token, session)
    return session
  }

  /** The session of that token while it is good; an ended one looks like one that never was. */
  find(token: string | undefined): Session | undefined {
    const session = token === undefined ? undefined : this.#sessions.get(token)
    return session && !this.#hasEnded(session) ? session : undefined
  }

  /** Records use. */
  touch(session: Session): void {
    const { sessionWindowS } = this.#switches
    const restS = sessionWindowS < 2 * movedAtMostEveryS ? sessionWindowS / 2 : movedAtMostEveryS
    if (this.#clock.now() - session.movedAtMs >= restS * 1000) session.movedAtMs = this.#clock.now()
  }

  /** Pushes the window back whatever the last move was. facts: SGT post_internal_api_session */
  renew(session: Session): void {
    session.movedAtMs = this.#clock.now()
  }

  /** Renews the licence lease, and the session with it. facts: SGT post_…_license_renewal */
  renewLicence(session: Session): void {
    session.licenceFromMs = this.#clock.now()
    this.renew(session)
  }

  expiresAtMs(session: Session): number {
    return session.movedAtMs + this.#switches.sessionWindowS * 1000
  }

  /** When it ends whatever is done with it; undefined where there is no such moment. */
  forcedEndAtMs(session: Session): number | undefined {
    const { sessionCapS } = this.#switches
    return sessionCapS === null ? undefined : session.createdAtMs + sessionCapS * 1000
  }

  licenceEndsAtMs(session: Session): number {
    return session.licenceFromMs + licenceLeaseS * 1000
  }

  /** Ends the good sessions that match, and says how many they were. */
  end(matches: (session: Session) => boolean): number {
    const ending = [...this.#sessions.values()].filter((session) => !this.#hasEnded(session) && matches(session))
    for (const session of ending) session.endedByHand = true
    return ending.length
  }

  /** Ends the licence leases of the good sessions that match, and nothing else. */
  endLicences(matches: (session: Session) => boolean): number {
    const ending = [...this.#sessions.values()].filter((session) => !this.#hasEnded(session) && matches(session))
    for (const session of ending) session.licenceFromMs = this.#clock.now() - licenceLeaseS * 1000
    return ending.length
  }

  /** The login of the person, the name of the script. */
  ownerLogin(session: Session): string {
    return principalLogin(session.owner)
  }

  list(): SessionSummary[] {
    return [...this.#sessions.values()].map((session) => this.#summarize(session))
  }

  summary(token: string): SessionSummary | undefined {
    const session = this.#sessions.get(token)
    return session && this.#summarize(session)
  }

  clear(): void {
    this.#sessions.clear()
  }

  #summarize(session: Session): SessionSummary {
    return {
      tokenEnding: session.token.slice(-4),
      owner: {
        type: session.owner.kind === 'person' ? ('HumanUser' as const) : ('ApiUser' as const),
        id: principalLink(session.owner).id,
        login: this.ownerLogin(session),
      },
      createdBy: session.createdBy,
      createdAtS: Math.floor(session.createdAtMs / 1000),
      expiresAtS: Math.floor(this.expiresAtMs(session) / 1000),
      ended: this.#hasEnded(session),
    }
  }

  #hasEnded(session: Session): boolean {
    const endsAtMs = Math.min(this.expiresAtMs(session), this.forcedEndAtMs(session) ?? Number.POSITIVE_INFINITY)
    return session.endedByHand || this.#clock.now() >= endsAtMs || !isUsable(session.owner)
  }
}
