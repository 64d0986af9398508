import type { BrokerConfig } from '../config.ts'

/** What a running process cannot exchange, by its key in the configuration file. */
const lasting = ['listen.host', 'listen.port', 'listen.tls', 'database', 'redis', 'network.extraCa'] as const

/**
 * The wanted configuration with the old values of everything that lasts as long as the process, and the keys whose new
 * values are therefore not in use.
 */
export function keepWhatNeedsRestart(
  running: BrokerConfig,
  wanted: BrokerConfig,
): { readonly config: BrokerConfig; readonly needRestart: readonly (typeof lasting)[number][] } {
  const { host, port } = running.listen
  const { tls: newTls, ...listen } = wanted.listen
  // A certificate is exchanged for another; a socket that speaks TLS stays one, and one that does not, too.
  const tls = running.listen.tls && (newTls ?? running.listen.tls)
  const changed: Record<(typeof lasting)[number], boolean> = {
    'listen.host': host !== wanted.listen.host,
    'listen.port': port !== wanted.listen.port,
    'listen.tls': Boolean(running.listen.tls) !== Boolean(wanted.listen.tls),
    database: !isSamePlace(running.database, wanted.database),
    redis: !isSamePlace(running.redis, wanted.redis),
    'network.extraCa': running.extraCa !== wanted.extraCa,
  }
  const { database, redis, extraCa } = running
  return {
    config: { ...wanted, listen: { ...listen, host, port, ...(tls ? { tls } : {}) }, database, redis, extraCa },
    needRestart: lasting.filter((key) => changed[key]),
  }
}

function isSamePlace(one: Place | undefined, other: Place | undefined): boolean {
  if (!one || !other) return one === other
  if ('file' in one || 'file' in other) return 'file' in one && 'file' in other && one.file === other.file
  if (one.url !== other.url || Boolean(one.password) !== Boolean(other.password)) return false
  return !one.password || !other.password || one.password.equals(other.password.reveal())
}

type Place = BrokerConfig['database'] | NonNullable<BrokerConfig['redis']>
