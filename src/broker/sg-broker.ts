#!/usr/bin/env node
import { Command, Option } from 'commander'
import { AgentError, asAgentError, errorTable } from '../errors.ts'
import { type LogLevel, makeLog } from '../log.ts'
import { systemClock } from '../system-clock.ts'
import { useSystemNetwork } from '../system-network.ts'
import { version } from '../version.ts'
import { readBrokerConfig } from './config.ts'
import { openDatabase } from './database.ts'
import { makeBrokerServer } from './server.ts'

interface ServeOptions {
  readonly config: string
  readonly logLevel: LogLevel
  readonly allowInsecureLoopback: boolean
}

const program = new Command('sg-broker')
  .description(
    "The studio's identity broker: turns an Autodesk Identity sign-in into a ShotGrid session of that very user.",
  )
  .version(version)
  // As sg-session does: 2 is wrong usage, and no code of the error table.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('serve', { isDefault: true })
  .description('run the service until SIGTERM')
  .requiredOption('--config <file>', 'configuration file (JSON)')
  .addOption(
    new Option('--log-level <level>', 'how much to log, as JSON lines on standard error')
      .choices(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info'),
  )
  .option('--allow-insecure-loopback', 'accept http: addresses on this machine, for the sandbox', false)
  .action(serve)

async function serve(options: ServeOptions): Promise<void> {
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const config = await readBrokerConfig(options.config, rules)
  const log = makeLog(options.logLevel)
  const fetch = useSystemNetwork({ extraCa: config.extraCa })
  const database = await openDatabase(config.databaseFile)
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

program.parseAsync().catch((thrown: unknown) => {
  const error = asAgentError(thrown)
  process.stderr.write(`sg-broker: ${error.message}\n${error.advice}\n`)
  if (error.code === 'internal_error') process.stderr.write(`${error.cause}\n`)
  process.exit(errorTable[error.code].exit)
})
