import { realpath } from 'node:fs/promises'
import { Agent, type OwnCommand } from '../agent.ts'
import { readConfig } from '../config-files.ts'
import { AgentError } from '../errors.ts'
import { type LogLevel, makeLog } from '../log.ts'
import { standardPaths } from '../paths.ts'
import { claimEndpoint } from '../socket/claim-endpoint.ts'
import { version } from '../version.ts'
import { makeOutput } from './output.ts'
import { systemPorts } from './system-ports.ts'

export interface AgentOptions {
  readonly json: boolean
  readonly logLevel: LogLevel
  readonly allowInsecureLoopback: boolean
}

/** Runs the agent without a tray until it is told to stop. Throws `agent_already_running`, `config_invalid`. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const output = makeOutput(options.json)
  const paths = standardPaths()
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const { config } = await readConfig(paths, rules)
  if (config.sites.length === 0) {
    const where = `${paths.settingsFile} or ${paths.policyFile}`
    throw new AgentError('config_invalid', `no site is configured: name one under "sites" in ${where}`)
  }
  const log = makeLog(options.logLevel)
  const agent = new Agent(config, systemPorts(config.network, log), {
    ...rules,
    hasCredentialsWindow: false,
    stateFolder: paths.stateFolder,
    ownCommand: await thisCommand(),
  })
  const claimed = await claimEndpoint(paths.endpointFiles, () => agent.listen()).catch(async (error: unknown) => {
    await agent.close()
    throw error
  })
  const sites = config.sites.map((site) => site.url)
  output.result({ ready: true, pid: process.pid, sites }, `sg-session ${version} is ready for ${sites.join(', ')}`)

  // A fault in one request must not take the artist's session with it.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'something failed unnoticed'))
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  await claimed.release()
  await agent.close()
}

/** The command line that this agent was started with answers for the artist: there is no window to do it in. */
async function thisCommand(): Promise<OwnCommand> {
  const [executable, script] = await Promise.all([realpath(process.execPath), realpath(process.argv[1] ?? '')])
  return { executable, scripts: [script] }
}
