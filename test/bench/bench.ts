/** A peer, measured beside ours in the same run. */
export interface PeerFigure {
  readonly name: string
  readonly value: number
  readonly p99?: number
}

/** One number of a bench. */
export interface Figure {
  /** What was measured: `session/get, warm`. */
  readonly what: string
  /** `ms`, `per second`, `MiB`, … of `value` and `p99`. */
  readonly unit: string
  /** The middle of all samples, where there are many. */
  readonly value: number
  readonly p99?: number
  readonly peer?: PeerFigure
  /** Ours ÷ the peer's; `value / peer.value` when not said. */
  readonly ratio?: number
  /** What is to be reached: by the ratio where there is one, else by `value`. */
  readonly target?: { readonly most: number } | { readonly least: number }
}

export interface BenchContext {
  /** Only whether it runs: few samples, whose numbers mean little. */
  readonly quick: boolean
  /** A folder for this bench, private to the user and removed afterwards. */
  readonly folder: string
  /** Says what is being measured now. */
  progress(text: string): void
}

/** What a file `test/bench/NAME.bench.ts` exports as `bench`. */
export interface Bench {
  /** The NAME of its file. */
  readonly name: string
  /** One line for people. */
  readonly what: string
  /** Why it cannot run on this machine; undefined when it can. */
  missing?(): string | undefined
  /** Measures; what it starts it also ends, whatever happens. */
  run(context: BenchContext): Promise<readonly Figure[]>
}
