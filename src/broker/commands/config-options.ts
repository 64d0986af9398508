import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { makeLog } from '../../log.ts'
import { systemClock } from '../../system/system-clock.ts'
import { useSystemNetwork } from '../../system/system-network.ts'
import { readBrokerConfig } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import { makeParts, type Parts } from '../parts.ts'

export interface ConfigOptions {
  readonly config: string
  readonly allowInsecureLoopback: boolean
}

/** Every command works on one broker: the one of a configuration file. */
export function withConfigOptions(command: Command): Command {
  return command
    .requiredOption('--config <file>', 'configuration file (JSON)', process.env['SG_BROKER_CONFIG'])
    .option('--allow-insecure-loopback', 'accept http: addresses on this machine, for the sandbox', false)
}

/**
 * An operator at work on the broker's database, whether the broker runs or not. `operator` is who it is to the audit: the
 * user of this machine, and by sudo the one who called it.
 */
export async function atWork<T>(
  options: ConfigOptions,
  work: (parts: Parts, operator: string) => Promise<T>,
): Promise<T> {
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const config = await readBrokerConfig(options.config, rules)
  const fetch = useSystemNetwork({ extraCa: config.extraCa })
  const database = await openDatabase(config.database)
  const parts = makeParts(config, database, { fetch, clock: systemClock, log: makeLog('warn') }, rules)
  try {
    return await work(parts, operatorName())
  } finally {
    await parts.syslog?.close()
    await database.destroy()
  }
}

function operatorName(): string {
  const { username } = userInfo()
  const caller = process.env['SUDO_USER']
  return caller && caller !== username ? `${caller} (as ${username})` : username
}
