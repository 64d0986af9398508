import { withPatience } from '../waiting/with-patience.ts'

/** What only looks may be served by either of two agents: nothing is used up by it, and nothing promised. */
const looking: ReadonlySet<string> = new Set(['status', 'session/watch'])

/**
 * Where every request passes before it is served. Closed, it lets those that are inside finish and has the others wait, but for
 * what only looks: while one agent takes another's place, none is to be answered by both, or by neither.
 */
export class Turnstile {
  #inside = 0
  #onEmpty: () => void = () => undefined
  #closed: { readonly opened: Promise<void>; readonly open: () => void } | undefined
  #onWaiting: (method: string) => void = () => undefined

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Serves a request, when it is its turn. */
  async pass(method: string, serve: () => Promise<void>): Promise<void> {
    while (this.#closed && !looking.has(method)) {
      this.#onWaiting(method)
      await this.#closed?.opened
    }
    this.#inside += 1
    try {
      await serve()
    } finally {
      this.#inside -= 1
      if (this.#inside === 0) this.#onEmpty()
    }
  }

  /** `onWaiting` hears the method of each request that has to wait. */
  close(onWaiting: (method: string) => void = () => undefined): void {
    if (this.#closed) return
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    this.#closed = { opened, open }
    this.#onWaiting = onWaiting
  }

  open(): void {
    const closed = this.#closed
    this.#closed = undefined
    this.#onWaiting = () => undefined
    closed?.open()
  }

  /** Whether nobody is inside within so long. */
  async isEmptyWithin(limitMs: number): Promise<boolean> {
    if (this.#inside === 0) return true
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    await withPatience(empty, limitMs)
    return this.#inside === 0
  }
}
