import type { Clock } from '../ports.ts'
import type { Peer } from '../socket/peer.ts'
import { includesScope, type Scope } from '../socket/scopes.ts'
import type { AllowedTool } from '../socket/tools-desk.ts'
import { type Application, applicationOf, isSameApplication } from './application.ts'
import { idOf } from './remembered-tools.ts'

const most = 500

/** The processes that may have a session for as long as they run. In memory only. */
export class OnceAllowed {
  readonly #clock: Pick<Clock, 'now'>
  /** Oldest first. */
  readonly #allowed = new Map<string, AllowedTool & { readonly pid: number }>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  allow(peer: Peer, site: string, scope: Scope): void {
    this.#tidy()
    const id = idOfProcess(peer, site)
    const before = this.#allowed.get(id)?.scope
    this.#allowed.delete(id)
    this.#allowed.set(id, {
      id,
      ...applicationOf(peer),
      site,
      scope: before !== undefined && includesScope(before, scope) ? before : scope,
      allowedAt: this.#clock.now(),
      pid: peer.pid,
    })
    const [oldest] = this.#allowed.keys()
    if (oldest !== undefined && this.#allowed.size > most) this.#allowed.delete(oldest)
  }

  has(peer: Peer, site: string, scope: Scope): boolean {
    if (this.#allowed.size === 0) return false
    const allowed = this.#allowed.get(idOfProcess(peer, site))
    // The id is short: a script could be named so that it has this one too.
    const isSame = allowed?.pid === peer.pid && isSameApplication(allowed, peer)
    return isSame && includesScope(allowed.scope, scope)
  }

  forget(application: Application): void {
    for (const [id, tool] of this.#allowed) if (isSameApplication(tool, application)) this.#allowed.delete(id)
  }

  /** Newest first. */
  all(): AllowedTool[] {
    this.#tidy()
    return [...this.#allowed.values()].reverse()
  }

  #tidy(): void {
    for (const [id, { pid }] of this.#allowed) if (!isRunning(pid)) this.#allowed.delete(id)
  }
}

function idOfProcess(peer: Peer, site: string): string {
  return idOf(peer, site, `${peer.pid} ${peer.startMark}`)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, and may not be asked.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
