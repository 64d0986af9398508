import { dirname, join } from 'node:path'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { drawFindings, drawValues, type Paper } from '../doctor/draw-report.ts'
import { effectiveValues } from '../doctor/effective-values.ts'
import { examine, type Report } from '../doctor/examine.ts'
import { presentable } from '../doctor/finding.ts'
import { checkConfiguration, readSetupInTime } from '../doctor/setup.ts'
import type { WayOut, World } from '../doctor/world.ts'
import { asAgentError } from '../errors.ts'
import { standardPaths, thisSystem } from '../system/paths.ts'
import { systemClock } from '../system/system-clock.ts'
import { type NetworkSettings, proxyFor, useSystemNetwork } from '../system/system-network.ts'
import { somethingFailed } from './exit-statuses.ts'
import { makeOutput } from './output.ts'

export interface DoctorOptions {
  readonly json: boolean
  readonly policy: boolean
  readonly allowInsecureLoopback: boolean
}

/** After the report nothing may hold the process: a name that is still being resolved would. */
const lingerMs = 300

/** Looks at everything, prints the report, and resolves with the exit status. */
export async function doctorCommand(options: DoctorOptions): Promise<number> {
  const output = makeOutput(options.json)
  const world = await makeWorld(options)
  if (options.policy) {
    const findings = (await checkConfiguration(world, AbortSignal.timeout(1_000))).map(presentable)
    const values = effectiveValues(world.setup.effective)
    const wrong = findings.filter(({ state }) => state === 'failed')
    const text = [drawValues(values, paper()), ...(wrong.length > 0 ? [drawFindings(wrong, paper())] : [])]
    output.result({ values, findings }, text.join('\n\n'))
    return wrong.length > 0 ? somethingFailed : 0
  }
  const progress = showProgress(options.json)
  const report = await examine(world, { onProgress: progress.tell }).finally(progress.stop)
  output.result(wire(report), drawFindings(report.findings, paper()))
  endSoon()
  return report.ok ? 0 : somethingFailed
}

function wire({ at, ...report }: Report): object {
  return { ...report, at: new Date(at).toISOString() }
}

async function makeWorld({ allowInsecureLoopback }: DoctorOptions): Promise<World> {
  const system = thisSystem()
  const paths = standardPaths(system)
  const rules = { insecureLoopback: allowInsecureLoopback }
  const setup = await readSetupInTime(paths, rules)
  return {
    program: { kind: 'command-line', runtime: `Node ${process.version}`, ownOpener: ownOpener() },
    system,
    paths,
    rules,
    setup,
    clock: systemClock,
    wayOut: nodeWayOut(setup.effective.config.network),
  }
}

/** The xdg-open that comes with the package `open`; a single executable has no file but itself, and uses the system's. */
function ownOpener(): string | undefined {
  return isSea() ? undefined : join(dirname(fileURLToPath(import.meta.resolve('open'))), 'xdg-open')
}

/** The headless agent's way out, or the nearest that can be used where the configured one cannot. */
function nodeWayOut(network: NetworkSettings): WayOut {
  const proxy = async (url: URL): Promise<string | undefined> => proxyFor(url, network, process.env)
  try {
    return { fetch: useSystemNetwork(network), proxyFor: proxy }
  } catch {
    // The file of authorities has a row of its own.
  }
  try {
    return { fetch: useSystemNetwork({ proxy: network.proxy }), proxyFor: proxy }
  } catch (error) {
    return { fetch: (url, init) => fetch(url, init), proxyFor: async () => undefined, problem: asAgentError(error) }
  }
}

/** How wide the terminal is, and whether it takes colours. https://no-color.org */
function paper(): Paper {
  const { isTTY, columns } = process.stdout
  const { NO_COLOR, TERM } = process.env
  return { width: (isTTY && columns) || 100, colours: isTTY === true && !NO_COLOR && TERM !== 'dumb' }
}

const silenceMs = 1_000

/** Tells on a terminal what is still under way, once it takes longer than a second. */
function showProgress(asJson: boolean): { tell: (underWay: readonly string[]) => void; stop: () => void } {
  if (asJson || !process.stderr.isTTY) return { tell: () => undefined, stop: () => undefined }
  let underWay: readonly string[] = []
  let isShown = false
  const draw = (): void => {
    if (underWay.length === 0) return
    isShown = true
    const text = `looking at ${underWay.join(', ')} …`.slice(0, (process.stderr.columns || 80) - 1)
    process.stderr.write(`\r\x1b[K${text}`)
  }
  const timer = setTimeout(draw, silenceMs)
  return {
    tell: (names) => {
      underWay = names
      if (isShown) draw()
    },
    stop: () => {
      clearTimeout(timer)
      if (isShown) process.stderr.write('\r\x1b[K')
    },
  }
}

function endSoon(): void {
  setTimeout(() => process.exit(), lingerMs).unref()
}
