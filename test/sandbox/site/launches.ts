import { randomBytes } from 'node:crypto'
import type { SandboxClock } from '../clock.ts'
import type { SiteUser } from './accounts.ts'

/** facts: SGT 052: measured, not a round number */
const forgottenAfterS = 305

/** One request to sign an app in. */
export interface Launch {
  readonly id: string
  readonly appName: string
  readonly machineId: string
  readonly createdAtMs: number
  /** The person's answer, and the token that waits to be fetched. */
  answer:
    | { readonly approved: false }
    | { readonly approved: true; readonly user: SiteUser; readonly token: string }
    | undefined
}

/** The App Session Launcher's requests: forgotten after 305 s, and each token handed out once. facts: SGT 052 */
export class Launches {
  readonly #launches = new Map<string, Launch>()
  readonly #clock: SandboxClock

  constructor(clock: SandboxClock) {
    this.#clock = clock
  }

  create(appName: string, machineId: string): Launch {
    const id = randomBytes(16).toString('hex')
    const launch: Launch = { id, appName, machineId, createdAtMs: this.#clock.now(), answer: undefined }
    this.#launches.set(id, launch)
    return launch
  }

  /** A request that still waits for its person. */
  pending(id: string): Launch | undefined {
    const launch = this.#remembered(id)
    return launch?.answer ? undefined : launch
  }

  approve(launch: Launch, user: SiteUser, token: string): void {
    launch.answer = { approved: true, user, token }
  }

  deny(launch: Launch): void {
    launch.answer = { approved: false }
  }

  /**
   * What polling learns: still waiting, the token (this once), or nothing at all for requests that are unknown,
   * forgotten, denied or spent. facts: SGT put_internal_api_app_session_request_id
   */
  poll(id: string): 'waiting' | { readonly user: SiteUser; readonly token: string } | undefined {
    const launch = this.#remembered(id)
    if (!launch) return undefined
    if (!launch.answer) return 'waiting'
    this.#launches.delete(id)
    return launch.answer.approved ? launch.answer : undefined
  }

  list(): Launch[] {
    return [...this.#launches.keys()].map((id) => this.#remembered(id)).filter((launch) => launch !== undefined)
  }

  clear(): void {
    this.#launches.clear()
  }

  #remembered(id: string): Launch | undefined {
    const launch = this.#launches.get(id)
    if (launch && this.#clock.now() - launch.createdAtMs < forgottenAfterS * 1000) return launch
    this.#launches.delete(id)
    return undefined
  }
}
