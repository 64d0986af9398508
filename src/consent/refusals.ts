import type { Clock } from '../ports.ts'
import { includesScope, type Scope } from '../socket/scopes.ts'
import type { RefusedTool } from '../socket/tools-desk.ts'
import type { Application } from './application.ts'
import type { ConsentLimits } from './limits.ts'
import { idOf } from './remembered-tools.ts'

interface Refusal extends RefusedTool {
  /** On the clock that nobody sets. */
  readonly endsMs: number
}

const most = 500

/** Who was refused, or got no answer, a moment ago: they are answered without a question. In memory only. */
export class Refusals {
  readonly #clock: Clock
  readonly #limits: ConsentLimits
  /** Oldest first. */
  readonly #refusals = new Map<string, Refusal>()

  constructor(clock: Clock, limits: ConsentLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  note(application: Application, site: string, scope: Scope): void {
    const id = idOf(application, site)
    const { quietMs } = this.#limits
    this.#refusals.delete(id)
    this.#refusals.set(id, {
      ...application,
      site,
      scope,
      until: this.#clock.now() + quietMs,
      endsMs: this.#clock.monotonicMs() + quietMs,
    })
    const [oldest] = this.#refusals.keys()
    if (oldest !== undefined && this.#refusals.size > most) this.#refusals.delete(oldest)
  }

  /** The refusal that answers the wish too: who may not have the session may not have more. */
  find(application: Application, site: string, scope: Scope): RefusedTool | undefined {
    this.#tidy()
    const found = this.#refusals.get(idOf(application, site))
    return found && includesScope(scope, found.scope) ? found : undefined
  }

  forget(application: Application, site: string): void {
    this.#refusals.delete(idOf(application, site))
  }

  /** Until when nobody is asked, because so many questions were unwelcome; wall clock, ms since the epoch. */
  quietUntil(): number | undefined {
    return this.all()[this.#limits.unwelcome - 1]?.until
  }

  /** Newest first. */
  all(): RefusedTool[] {
    this.#tidy()
    return [...this.#refusals.values()].reverse().map(({ endsMs, ...refusal }) => refusal)
  }

  #tidy(): void {
    const now = this.#clock.monotonicMs()
    for (const [id, { endsMs }] of this.#refusals) if (endsMs <= now) this.#refusals.delete(id)
  }
}
