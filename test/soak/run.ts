import { parseArgs } from 'node:util'
import { runSoak, type SoakReport } from './soak.ts'

/** `npm run soak -- --minutes 10`. Ends with 1 when an answer was wrong, the heap grew, or descriptors stayed open. */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  process.stderr.write(`"--minutes" must be a number above 0, not "${values.minutes}"\n`)
  process.exit(2)
}

const most = { heapMiBPerHour: 1, descriptors: 2 }
const report = await runSoak({
  seconds: minutes * 60,
  requestsPerSecond: 50,
  faultShare: 0.01,
  sessionLifetimeS: 30,
  say: (line) => process.stderr.write(`${line}\n`),
})
const failures = judge(report)
process.stdout.write(`${table(report).join('\n')}\n`)
// The first of each kind, without its time.
const kinds = Map.groupBy(report.wrong, (line) => line.slice(line.indexOf(' ')))
for (const lines of kinds.values()) process.stdout.write(`wrong, ${lines.length} times: ${lines[0]}\n`)
process.stdout.write(failures.length === 0 ? 'passed\n' : `failed: ${failures.join('; ')}\n`)
process.exit(failures.length === 0 ? 0 : 1)

function judge({ wrong, heapSlope, before, after }: SoakReport): string[] {
  const opened = after.descriptors - before.descriptors
  // A slope that may as well be 0 says that the run was too short, not that something grows.
  const grows = heapSlope && heapSlope.slope >= most.heapMiBPerHour && heapSlope.slope > heapSlope.uncertainty
  return [
    ...(wrong.length > 0 ? [`${wrong.length} wrong answers`] : []),
    ...(grows ? [`the heap grows by ${heapSlope.slope.toFixed(2)} MiB an hour`] : []),
    ...(opened > most.descriptors ? [`${opened} more descriptors are open than before`] : []),
  ]
}

function table(report: SoakReport): string[] {
  const { heapSlope, before, after } = report
  const slope = heapSlope
    ? `${heapSlope.slope.toFixed(2)} ± ${heapSlope.uncertainty.toFixed(2)} MiB an hour (95 %), from ${report.collections} full collections after the warm-up`
    : 'not known: the run was too short to tell'
  const rows: [string, string][] = [
    ['time', `${report.seconds.toFixed(0)} s`],
    ['answers', `${report.answers}, ${(report.answers / report.seconds).toFixed(1)} a second`],
    ['wrong', String(report.wrong.length)],
    ['faults injected', `${report.faultsInjected}, ${((100 * report.faultsInjected) / report.answers).toFixed(2)} %`],
    ['errors of them', counted(report.typedErrors)],
    ['refreshes', String(report.renewals)],
    ['Node answers', `median ${report.medianMs.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms`],
    ['heap slope', slope],
    [
      'RSS',
      `${before.rssMiB.toFixed(0)} MiB before, ${report.rssMiB.map((one) => one.toFixed(0)).join(' ')}, ${after.rssMiB.toFixed(0)} after`,
    ],
    ['descriptors', `${before.descriptors} before, ${after.descriptors} after`],
    ['connections cut', counted(report.cuts)],
    ['stalls noticed', String(report.stalls)],
  ]
  return rows.map(([name, value]) => `${name.padEnd(18)}${value}`)
}

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
}
