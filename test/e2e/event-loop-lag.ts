import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Preloaded into a program (`node --import`): measures how late its event loop is. SIGUSR2 has it write what it measured since the
 * last time, in ms, to the file that LAG_FILE names.
 */
const lag = monitorEventLoopDelay({ resolution: 10 })
lag.enable()
process.on('SIGUSR2', () => {
  const said = { p99: lag.percentile(99) / 1e6, max: lag.max / 1e6 }
  lag.reset()
  writeFileSync(process.env['LAG_FILE'] ?? '', JSON.stringify(said))
})
