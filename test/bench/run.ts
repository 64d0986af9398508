import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { lookAtMachine, lookAtVersions } from './machine.ts'
import { exitStatusOf, judgeFigure, type Outcome, ratioOf, writeTable } from './report.ts'

/**
 * `npm run bench [-- NAME …] [--quick] [--json FILE]`: measures ours beside its peers, prints one table and writes it all as JSON
 * (`out/bench.json`). Ends with 0 also where a target is missed, with 1 where a bench could not be run, with 2 for a wrong NAME.
 */
const suffix = '.bench.ts'
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string', default: join('out', 'bench.json') } },
  allowPositionals: true,
})
const names = (await readdir(import.meta.dirname))
  .filter((name) => name.endsWith(suffix))
  .map((name) => name.slice(0, -suffix.length))
  .sort()
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`there is no bench "${unknown.join('", "')}"; there are: ${names.join(', ')}\n`)
  process.exit(2)
}

const startedAt = new Date()
const outcomes: Outcome[] = []
for (const name of positionals.length > 0 ? positionals : names) outcomes.push(await runBench(name))
process.stdout.write(`\n${writeTable(outcomes)}\n`)
await writeJson(resolve(values.json))
process.exitCode = exitStatusOf(outcomes)

async function runBench(name: string): Promise<Outcome> {
  const file = join(import.meta.dirname, `${name}${suffix}`)
  const { bench } = (await import(pathToFileURL(file).href)) as { bench: Bench }
  const { what } = bench
  const skipped = bench.missing?.()
  if (skipped !== undefined) return { name, what, figures: [], skipped }
  process.stderr.write(`${name}: ${what}\n`)
  const folder = await mkdtemp(join(tmpdir(), `sg-session-bench-${name}-`))
  const startedMs = performance.now()
  const progress = (text: string): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    process.stderr.write(`  ${String(seconds).padStart(4)} s  ${text}\n`)
  }
  try {
    return { name, what, figures: await bench.run({ quick: values.quick, folder, progress }) }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return { name, what, figures: [], failed: error instanceof Error ? error.message : String(error) }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function writeJson(file: string): Promise<void> {
  const benches = outcomes.map((outcome) => ({
    ...outcome,
    figures: outcome.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), verdict: judgeFigure(figure) })),
  }))
  const written = {
    date: startedAt.toISOString(),
    quick: values.quick,
    machine: lookAtMachine(),
    versions: lookAtVersions(),
    benches,
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(written, undefined, 2)}\n`)
  process.stderr.write(`written: ${file}\n`)
}
