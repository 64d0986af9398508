import { rmSync } from 'node:fs'
import { CanarySearch, makeRunFolder, ProcessWatch } from './run.ts'

/**
 * `watch.ts FOLDER`: stands beside a run of the tests until its standard input ends; then it looks through everything, and
 * prints its report as JSON.
 */
const [folder = ''] = process.argv.slice(2)
const { seen } = await makeRunFolder(folder)
process.stdout.write('ready\n')

const lookMs = 200
const sweepEvery = 10

let isOver = false
process.stdin.resume().on('end', () => {
  isOver = true
})
// The run is told to stop by the same Ctrl-C, and ends our input when it has stopped.
process.on('SIGINT', () => undefined)
// Whoever started us is gone, and nobody will look at what is left.
process.stdout.on('error', () => rmSync(folder, { recursive: true, force: true }))

const search = new CanarySearch(folder)
const watch = new ProcessWatch(seen, Date.now() - 1_000)
for (let round = 1; !isOver; round += 1) {
  await watch.look()
  if (round % sweepEvery === 0) await search.sweep()
  await new Promise((resolve) => setTimeout(resolve, lookMs))
}
process.stdout.write(`${JSON.stringify(await search.finish())}\n`)
