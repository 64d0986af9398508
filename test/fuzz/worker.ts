import { parentPort, workerData } from 'node:worker_threads'
import { Coverage } from './coverage.ts'
import { Chance, mutate } from './mutate.ts'
import { loadTarget, startingInputs, type Target } from './target.ts'

/** What a worker is told to do. */
export interface Job {
  readonly target: string
  readonly seed: number
  readonly forMs: number
  readonly mostRuns: number
  /** What is being tried, for who has to end this worker: its length, then its bytes. */
  readonly current: SharedArrayBuffer
}

export type Report =
  | { readonly kind: 'crash'; readonly input: Uint8Array; readonly stack: string }
  | ({ readonly kind: 'alive' } & Figures)
  | ({ readonly kind: 'over'; readonly corpus: readonly Uint8Array[] } & Figures)

export interface Figures {
  readonly runs: number
  readonly ms: number
  readonly takenAtFirst: number
  readonly taken: number
  readonly points: number
}

const mostCrashes = 8
const minimiseRuns = 3_000
const remarkMs = 1_000

if (parentPort) {
  const coverage = new Coverage()
  coverage.start()
  const job = workerData as Job
  await grow(await loadTarget(job.target), coverage, job)
}

/** Tries neighbours of what is known, keeps those that reach something new, and reports what throws. */
async function grow(target: Target, coverage: Coverage, job: Job): Promise<void> {
  const chance = new Chance(job.seed)
  const corpus: Uint8Array[] = []
  const crashes = new Set<string>()
  const startedAt = performance.now()
  let runs = 0
  let takenAtFirst = 0
  let remarkAt = 0

  const run = async (input: Uint8Array): Promise<{ thrown?: unknown }> => {
    if (performance.now() > remarkAt) {
      remarkAt = performance.now() + remarkMs
      send({ kind: 'alive', ...figures() })
      // A loop of promises alone would keep timers and messages of the target waiting.
      await new Promise((resolve) => setImmediate(resolve))
    }
    show(job.current, input)
    coverage.clear()
    runs += 1
    try {
      const running = target.fuzz(input)
      if (running) await running
      return {}
    } catch (thrown) {
      return { thrown }
    }
  }
  const take = async (input: Uint8Array): Promise<void> => {
    const { thrown } = await run(input)
    if (coverage.isNew()) corpus.push(input)
    if (thrown === undefined || crashes.size >= mostCrashes || crashes.has(markOf(thrown))) return
    crashes.add(markOf(thrown))
    const least = await minimise(input, async (less) => markOf((await run(less)).thrown) === markOf(thrown))
    send({ kind: 'crash', input: least, stack: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown) })
  }
  const figures = (): Figures => ({
    ...{ runs, takenAtFirst, ms: performance.now() - startedAt },
    ...{ taken: coverage.taken, points: coverage.points },
  })

  for (const input of [new Uint8Array(), ...startingInputs(job.target, target)]) await take(input)
  takenAtFirst = coverage.taken
  const words = coverage.words
  while (runs < job.mostRuns && performance.now() - startedAt < job.forMs) {
    // What was found last leads on.
    const recent = chance.below(2) === 0 ? Math.max(0, corpus.length - 32) : 0
    const parent = corpus[recent + chance.below(corpus.length - recent)] ?? new Uint8Array()
    await take(mutate(parent, chance, words, corpus))
  }
  const kept = await fewest(corpus, async (input) => {
    await run(input)
    return coverage.branches()
  })
  send({ kind: 'over', corpus: kept, ...figures() })
}

/** The smallest inputs that take every branch together. */
async function fewest(
  corpus: readonly Uint8Array[],
  branchesOf: (input: Uint8Array) => Promise<number[]>,
): Promise<Uint8Array[]> {
  const kept: Uint8Array[] = []
  const taken = new Set<number>()
  for (const input of corpus.toSorted((a, b) => a.length - b.length)) {
    const more = (await branchesOf(input)).filter((branch) => !taken.has(branch))
    if (more.length === 0) continue
    for (const branch of more) taken.add(branch)
    kept.push(input)
  }
  return kept
}

/** Leaves out what is not needed for the same to happen. */
async function minimise(input: Uint8Array, isSame: (less: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let least = Buffer.from(input)
  let runs = 0
  for (let size = Math.max(1, least.length >> 1); size >= 1 && runs < minimiseRuns; ) {
    let isLess = false
    for (let at = 0; at < least.length && runs < minimiseRuns; ) {
      const less = Buffer.concat([least.subarray(0, at), least.subarray(at + size)])
      runs += 1
      if (await isSame(less)) {
        least = less
        isLess = true
      } else at += size
    }
    if (size > 1 || !isLess) size >>= 1
  }
  return least
}

/** The same mistake has the same mark, whatever the input was. */
function markOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const frames = thrown.stack?.split('\n').filter((line) => line.includes('.ts:')) ?? []
  return `${thrown.name} ${frames.slice(0, 2).join()}`
}

function show(shared: SharedArrayBuffer, input: Uint8Array): void {
  new Uint32Array(shared, 0, 1)[0] = input.length
  new Uint8Array(shared, 4).set(input)
}

function send(report: Report): void {
  parentPort?.postMessage(report)
}
