import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { mostBytes } from './mutate.ts'
import { corpusFolder, loadTarget, targetNames } from './target.ts'
import type { Figures, Job, Report } from './worker.ts'

/** No input may keep a parser busy for longer; a machine with other work to do gets there in a tenth. */
const inputLimitMs = 20_000
/** Of JavaScript's memory, for parser, target and corpus together. */
const memoryMiB = 192
const crashFolder = join('test-results', 'fuzz')

interface Result extends Figures {
  readonly crashes: number
  readonly corpus: readonly Uint8Array[] | undefined
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    runs: { type: 'string' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    input: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
/** The Python client’s parsers: mutated without coverage, by `client.py`. */
const pythonTarget = 'python-client'
const known = [...targetNames, pythonTarget]
const wanted = values.target ?? known
const unknown = wanted.find((name) => !known.includes(name))
if (unknown !== undefined) {
  say(`"${unknown}" is none of the targets: ${known.join(', ')}`)
  process.exit(2)
}
const names = wanted.filter((name) => name !== pythonTarget)
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
if (values.input !== undefined) await replay(names, values.input)
else {
  const seconds = (Number(values.minutes) * 60) / wanted.length
  const isPythonFine = !wanted.includes(pythonTarget) || fuzzPython(seconds)
  const isNodeFine = names.length === 0 || (await fuzzAll())
  process.exitCode = isPythonFine && isNodeFine ? 0 : 1
}

/** A target that throws shows its stack. */
async function replay(targets: readonly string[], file: string): Promise<void> {
  for (const name of targets) await (await loadTarget(name)).fuzz(readFileSync(file))
  say(`${targets.join(', ')}: nothing wrong with ${file}`)
}

/** As many at once as there are cores. Resolves to whether nothing was found. */
async function fuzzAll(): Promise<boolean> {
  const workers = availableParallelism()
  // What several of one target keep would be there twice.
  const perTarget = values.keep ? 1 : Math.max(1, Math.floor(workers / names.length))
  const jobs = names.flatMap((target) =>
    Array.from({ length: perTarget }, (_, index) => ({ target, seed: seed + index })),
  )
  const forMs = (Number(values.minutes) * 60_000) / Math.ceil(jobs.length / workers)
  const mostRuns = values.runs === undefined ? Number.POSITIVE_INFINITY : Number(values.runs)
  say(`seed ${seed}, ${workers} at once, ${Math.round(forMs / 1000)} s each`)
  const waiting = jobs.map((job) => ({
    ...job,
    forMs: mostRuns < Number.POSITIVE_INFINITY ? 3600_000 : forMs,
    mostRuns,
  }))
  let found = 0
  const workNext = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const result = await work(job)
      found += result.crashes
      const { runs, ms, takenAtFirst, taken, points, corpus } = result
      const growth = `branches ${takenAtFirst} → ${taken} of ${points}`
      const kept = values.keep && corpus ? `, ${keep(job.target, corpus)} inputs kept` : ''
      say(`${job.target}: ${runs} runs, ${Math.round((runs / ms) * 1000)}/s, ${growth}, ${result.crashes} found${kept}`)
    }
  }
  await Promise.all(Array.from({ length: workers }, workNext))
  return found === 0
}

function fuzzPython(seconds: number): boolean {
  const folder = join(corpusFolder, pythonTarget)
  const files = readdirSync(folder).map((file) => join(folder, file))
  const script = join(import.meta.dirname, 'client.py')
  const args = [script, '--seconds', String(seconds), '--seed', String(seed), ...files]
  const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
  if (status === 0) say(`${pythonTarget}: ${stdout.trim()} runs in ${Math.round(seconds)} s, 0 found`)
  else say(`${pythonTarget}: ${stderr}`)
  return status === 0
}

/** One worker from its start to its end, or until an input is more than it can take. */
function work(job: Omit<Job, 'current'>): Promise<Result> {
  const current = new SharedArrayBuffer(4 + mostBytes + 65_536)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...job, current } satisfies Job,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  })
  return new Promise((resolve) => {
    let figures: Figures = { runs: 0, ms: 1, takenAtFirst: 0, taken: 0, points: 0 }
    let crashes = 0
    let corpus: readonly Uint8Array[] | undefined
    const inHand = (): Uint8Array => {
      const [length = 0] = new Uint32Array(current, 0, 1)
      return new Uint8Array(current, 4, length).slice()
    }
    const note = (input: Uint8Array, what: string): void => {
      crashes += 1
      const file = save(crashFolder, job.target, input)
      say(`${job.target}: ${what}\n  npm run fuzz -- --target ${job.target} --input ${file}`)
    }
    const stop = (): void => {
      note(inHand(), `an input is not done with after ${inputLimitMs / 1000} s`)
      void worker.terminate()
    }
    let patience = setTimeout(stop, inputLimitMs)
    worker.on('message', (report: Report) => {
      clearTimeout(patience)
      patience = setTimeout(stop, inputLimitMs)
      if (report.kind === 'crash') return note(report.input, report.stack)
      if (report.kind === 'over') corpus = report.corpus
      figures = report
    })
    // Out of memory, and what was thrown where nobody waited for it.
    worker.on('error', (error) => note(inHand(), String(error)))
    worker.on('exit', () => {
      clearTimeout(patience)
      resolve({ ...figures, crashes, corpus })
    })
  })
}

/** Puts what a run has grown in the place of what was kept before. Returns how many inputs that are. */
function keep(target: string, corpus: readonly Uint8Array[]): number {
  rmSync(join(corpusFolder, target), { recursive: true, force: true })
  for (const input of corpus) save(corpusFolder, target, input)
  return corpus.length
}

function save(folder: string, target: string, input: Uint8Array): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12)
  mkdirSync(join(folder, target), { recursive: true })
  writeFileSync(join(folder, target, name), input)
  return join(folder, target, name)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
