import { type Command, Option } from 'commander'
import { AgentError, errorTable } from '../../errors.ts'
import { type LogLevel, makeLog } from '../../log.ts'
import { systemClock } from '../../system-clock.ts'
import { useSystemNetwork } from '../../system-network.ts'
import { version } from '../../version.ts'
import { readBrokerConfig } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import { makeBrokerServer } from '../server.ts'
import { type ConfigOptions, withConfigOptions } from './config-options.ts'

interface ServeOptions extends ConfigOptions {
  readonly logLevel: LogLevel
}

/** `sg-broker serve`. */
export function addServe(program: Command): void {
  withConfigOptions(program.command('serve', { isDefault: true }))
    .description('run the service until SIGTERM')
    .addOption(
      new Option('--log-level <level>', 'how much to log, as JSON lines on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .action(serve)
}

async function serve(options: ServeOptions): Promise<void> {
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const config = await readBrokerConfig(options.config, rules)
  const log = makeLog(options.logLevel)
  const fetch = useSystemNetwork({ extraCa: config.extraCa })
  const database = await openDatabase(config.database)
  const server = await makeBrokerServer(config, database, { fetch, clock: systemClock, log }, rules)
  const { host, port } = config.listen
  const address = await server.listen({ host, port }).catch((cause: unknown) => {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new AgentError('config_invalid', `"listen": cannot listen on ${host}:${port} (${reason})`, { cause })
  })
  process.stdout.write(`sg-broker ${version} serves ${config.sites.map((site) => site.url).join(', ')} at ${address}\n`)
  const stop = (): void => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(errorTable.internal_error.exit),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
