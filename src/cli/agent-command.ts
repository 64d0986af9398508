import { realpath } from 'node:fs/promises'
import { isSea } from 'node:sea'
import { Agent, type OwnCommand } from '../agent.ts'
import { readConfig } from '../config/config-files.ts'
import { AgentError, asAgentError } from '../errors.ts'
import { lookAtProgram } from '../hand-over/look-at-program.ts'
import { thisNodeProgram } from '../hand-over/node-program.ts'
import { Replacement, type ReplacementSettings } from '../hand-over/replacement.ts'
import { TakeOver } from '../hand-over/take-over.ts'
import { type LogLevel, makeLog } from '../log.ts'
import type { Log } from '../ports.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../socket/claim-endpoint.ts'
import { clearHeapAfterSignOut } from '../system/clear-heap.ts'
import { keepOutOfDumps } from '../system/keep-out-of-dumps.ts'
import { type Paths, standardPaths } from '../system/paths.ts'
import { version } from '../version.ts'
import { makeOutput } from './output.ts'
import { systemPorts } from './system-ports.ts'

export interface AgentOptions {
  readonly json: boolean
  readonly logLevel: LogLevel
  readonly allowInsecureLoopback: boolean
  readonly takeOver?: boolean
}

/** Runs the agent without a tray until it is told to stop. Throws `agent_already_running`, `config_invalid`. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const log = makeLog(options.logLevel)
  const program = thisNodeProgram()
  const started = await lookAtProgram(program.files)
  const takeOver = options.takeOver ? await TakeOver.begin(program, log) : undefined
  try {
    await serve(options, log, { program, started }, takeOver)
  } catch (error) {
    await takeOver?.refuse(asAgentError(error))
    throw error
  }
}

/** What this process runs, and what lay on the disk when it was started. */
type Started = Pick<ReplacementSettings, 'program' | 'started'>

async function serve(options: AgentOptions, log: Log, own: Started, takeOver: TakeOver | undefined): Promise<void> {
  const output = makeOutput(options.json)
  const paths = standardPaths()
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const { config } = await readConfig(paths, rules)
  if (config.sites.length === 0) {
    const where = `${paths.settingsFile} or ${paths.policyFile}`
    throw new AgentError('config_invalid', `no site is configured: name one under "sites" in ${where}`)
  }
  keepOutOfDumps(log)
  const agent = new Agent(config, systemPorts(config.network, log), {
    ...rules,
    hasCredentialsWindow: false,
    stateFolder: paths.stateFolder,
    ownCommand: await thisCommand(),
  })
  clearHeapAfterSignOut(agent, log)
  const claimed = takeOver ? (await takeOver.run(agent, paths.endpointFiles)).claimed : await claim(agent, paths)
  const sites = config.sites.map((site) => site.url)
  output.result({ ready: true, pid: process.pid, sites }, `sg-session ${version} is ready for ${sites.join(', ')}`)

  const problem = agent.secretStoreProblem()
  if (problem) log.warn({ code: problem.code, reason: problem.message }, 'sign-ins are not remembered')

  // A fault in one request must not take the artist's session with it.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'something failed unnoticed'))
  const told = new Promise<'told to stop'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve('told to stop'))
  })
  // Windows has no program that runs replaced.
  const replacement = process.platform === 'win32' ? undefined : new Replacement({ ...own, agent, claimed, log })
  if ((await Promise.race([told, ...(replacement ? [replacement.over] : [])])) === undefined) return
  await replacement?.close()
  await claimed.release()
  await agent.close()
}

function claim(agent: Agent, { endpointFiles }: Paths): Promise<ClaimedEndpoint> {
  return claimEndpoint(endpointFiles, () => agent.listen()).catch(async (error: unknown) => {
    await agent.close()
    throw error
  })
}

/** The command line that this agent was started with answers for the artist: there is no window to do it in. */
async function thisCommand(): Promise<OwnCommand> {
  const executable = await realpath(process.execPath)
  if (isSea()) return { executables: [executable], scripts: [] }
  return { executable, scripts: [await realpath(process.argv[1] ?? '')] }
}
