import { existsSync } from 'node:fs'
import { mkdtemp, rename } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { ServerProgram } from './server-program.ts'

/** A Redis on loopback without a password. What it holds is gone when it stops. */
export interface RedisServer {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Empties all its databases. */
  flush(): Promise<void>
  stop(): Promise<void>
  /** Empty, on the same port. Throws with the server's log when it does not come up. */
  start(): Promise<void>
  /** All it said since it was last started. */
  log(): string
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

const env = { PATH: process.env['PATH'] ?? '' }
const flushLimitMs = 5_000
/** Every command that ever wrote, for the search for secrets. */
const appendOnly = process.env['SG_CANARY_LEDGER'] ? 'yes' : 'no'

/** Why no Redis can be started here, or undefined when one can. */
export const redisMissing = env.PATH.split(delimiter).some((folder) => existsSync(join(folder, 'redis-server')))
  ? undefined
  : 'Redis is not installed: apt-get install redis-server'

/** Starts an empty Redis in a folder of its own. Throws `redisMissing`. */
export async function startRedis(): Promise<RedisServer> {
  if (redisMissing) throw new Error(redisMissing)
  const [port = 0] = await freePorts(1)
  let starts = 0
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-redis-'))
  const server = new ServerProgram({
    name: 'Redis',
    command: 'redis-server',
    args: ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', appendOnly, '--dir', folder],
    env,
    circumstances: { cwd: folder },
    saysWhenReady: 'Ready to accept connections',
    lastSignal: 'SIGTERM',
    folder,
  })
  try {
    await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    flush: () => flush(port),
    stop: () => server.stop('SIGTERM'),
    async start() {
      starts += 1
      // What it had written down would come back with it.
      await rename(join(folder, 'appendonlydir'), join(folder, `before-${starts}`)).catch(() => undefined)
      await server.start()
    },
    log: () => server.log(),
    close: () => server.close(),
  }
}

async function flush(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port, signal: AbortSignal.timeout(flushLimitMs) })
  socket.setEncoding('utf8').once('data', resolve).once('error', reject)
  socket.write('FLUSHALL\r\n')
  const answer = await promise.finally(() => socket.destroy())
  if (answer !== '+OK\r\n') throw new Error(`Redis answered FLUSHALL with "${answer.trim()}"`)
}
