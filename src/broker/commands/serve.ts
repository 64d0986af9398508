import { type Command, Option } from 'commander'
import { errorTable } from '../../errors.ts'
import { type LogLevel, makeLog } from '../../log.ts'
import type { Log } from '../../ports.ts'
import { systemClock } from '../../system/system-clock.ts'
import { useSystemNetwork } from '../../system/system-network.ts'
import { version } from '../../version.ts'
import { readBrokerConfig } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import { Metrics } from '../operation/metrics.ts'
import { connectRedis } from '../operation/redis.ts'
import { RunningBroker } from '../operation/running-broker.ts'
import { type ConfigOptions, withConfigOptions } from './config-options.ts'

interface ServeOptions extends ConfigOptions {
  readonly logLevel: LogLevel
}

/** How long what has begun may go on after a signal to stop. */
const stopLimitMs = 30_000

/** `sg-broker serve`. */
export function addServe(program: Command): void {
  withConfigOptions(program.command('serve', { isDefault: true }))
    .description('run the service until SIGTERM; SIGHUP reads the configuration anew')
    .addOption(
      new Option('--log-level <level>', 'how much to log, as JSON lines on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .action(serve)
}

async function serve(options: ServeOptions): Promise<void> {
  // Whoever says so before there is something to reload means the configuration that is about to be read.
  let reload = async (): Promise<void> => undefined
  process.on('SIGHUP', () => void reload())

  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const config = await readBrokerConfig(options.config, rules)
  const log = makeLog(options.logLevel)
  const fetch = useSystemNetwork({ extraCa: config.extraCa })
  const database = await openDatabase(config.database)
  const redis = config.redis && connectRedis(config.redis)
  const metrics = new Metrics({ ofProcess: true })
  const close = async (): Promise<void> => {
    await database.destroy()
    redis?.disconnect()
  }
  const ports = { fetch, clock: systemClock, log }
  const broker = await RunningBroker.start(config, { database, redis, ports, rules, metrics }).catch(async (error) => {
    await close()
    throw error
  })
  process.stdout.write(
    `sg-broker ${version} serves ${config.sites.map((site) => site.url).join(', ')} at ${broker.address}\n`,
  )
  reload = oneAtATime(() => readAnew(broker, options.config, rules, { log, metrics }))

  const stop = (signal: NodeJS.Signals): void => {
    // The next signal finds the system's own answer to it, which is immediate.
    for (const name of stopSignals) process.removeListener(name, stop)
    reload = async () => undefined
    log.info({ signal }, 'stopping')
    broker
      .stop(stopLimitMs)
      .then(close)
      .then(
        () => process.exit(0),
        (err: unknown) => {
          log.error({ err }, 'could not stop in good order')
          process.exit(errorTable.internal_error.exit)
        },
      )
  }
  for (const name of stopSignals) process.on(name, stop)
}

const stopSignals = ['SIGTERM', 'SIGINT'] as const

/** A configuration that cannot be used changes nothing. */
async function readAnew(
  broker: RunningBroker,
  file: string,
  rules: { readonly insecureLoopback: boolean },
  { log, metrics }: { log: Log; metrics: Metrics },
): Promise<void> {
  try {
    const config = await readBrokerConfig(file, rules)
    const { needRestart } = await broker.reload(config)
    metrics.countReload('done')
    log.info({ file, sites: config.sites.map(({ url }) => url) }, 'the configuration was read anew')
    if (needRestart.length > 0) log.warn({ keys: needRestart }, 'these keys were changed and need a restart')
  } catch (err) {
    metrics.countReload('refused')
    log.error({ file, err }, 'the configuration cannot be used; going on with the old one')
  }
}

/** Who asks while it runs is served by one more run afterwards, however many they are. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = (): Promise<void> => {
    running = work().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (!running) return run()
    next ??= running.then(() => {
      next = undefined
      return run()
    })
    return next
  }
}
