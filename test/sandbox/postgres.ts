import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { type Circumstances, finished, startProcess } from './processes.ts'
import { ServerProgram } from './server-program.ts'

/** A PostgreSQL on loopback that asks nobody for a password, with what production relies on after a crash: fsync, WAL. */
export interface PostgresServer {
  /** Its maintenance database, as the superuser `postgres`. */
  readonly url: string
  readonly port: number
  /** As `createDatabase` below, on this server. */
  createDatabase(): Promise<string>
  /** Ends whoever is connected to it, and removes it. */
  dropDatabase(url: string): Promise<void>
  /**
   * `fast` ends everybody's transactions and writes everything down; `immediate` leaves that to the next start, as a crash
   * does; `killed` is a crash: SIGKILL.
   */
  stop(how?: PostgresStop): Promise<void>
  /** On the same port, with what is on disk. Throws with the server's log when it does not come up. */
  start(): Promise<void>
  /** All it said since it was last started. */
  log(): string
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

export type PostgresStop = 'fast' | 'immediate' | 'killed'

const stopSignals = { fast: 'SIGINT', immediate: 'SIGQUIT', killed: 'SIGKILL' } as const
const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' }
const programs = findPrograms()
const circumstances = findUser()

/** Why no PostgreSQL can be started here, or undefined when one can. */
export const postgresMissing: string | undefined = programs
  ? circumstances
    ? undefined
    : 'PostgreSQL does not run as root, and there is no user "postgres" to run it as'
  : 'PostgreSQL is not installed: apt-get install postgresql'

/** Starts an empty PostgreSQL in a folder of its own. Throws `postgresMissing`. */
export async function startPostgres(): Promise<PostgresServer> {
  if (!programs || !circumstances) throw new Error(postgresMissing)
  const [port = 0] = await freePorts(1)
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-postgres-'))
  const data = join(folder, 'data')
  const { uid, gid } = circumstances
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const server = new ServerProgram({
    name: 'PostgreSQL',
    command: join(programs, 'postgres'),
    args: [
      '-D',
      data,
      ...Object.entries(settings(port, folder)).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env,
    // Its own folder, because ours may be closed to its user.
    circumstances: { ...circumstances, cwd: folder },
    saysWhenReady: 'database system is ready to accept connections',
    lastSignal: stopSignals.immediate,
    folder,
  })
  try {
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']
    await run('initdb', init, { ...circumstances, cwd: folder })
    await server.start()
    // No superuser: what it may not do in production it may not do here.
    await query(url, 'CREATE ROLE broker LOGIN')
  } catch (error) {
    await server.close()
    throw error
  }
  return {
    url,
    port,
    createDatabase: () => createDatabase(url),
    dropDatabase: (database) => query(url, `DROP DATABASE "${new URL(database).pathname.slice(1)}" WITH (FORCE)`),
    stop: (how = 'fast') => server.stop(stopSignals[how]),
    start: () => server.start(),
    log: () => server.log(),
    close: () => server.close(),
  }
}

/**
 * Makes a new empty database of the user `broker` on the server whose `url` this is, and resolves with its address,
 * `postgresql://broker@127.0.0.1:PORT/NAME`.
 */
export async function createDatabase(server: string): Promise<string> {
  const name = `broker_${randomBytes(6).toString('hex')}`
  await query(server, `CREATE DATABASE ${name} OWNER broker`)
  return `postgresql://broker@${new URL(server).host}/${name}`
}

function settings(port: number, folder: string): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: folder,
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // The tests of every core at once, each with a pool of its own.
    max_connections: '300',
    // Every row that was ever written, for the search for secrets.
    ...(process.env['SG_CANARY_LEDGER'] ? { wal_keep_size: '4GB' } : {}),
    // Files of its folder: what is in /dev/shm would outlive a SIGKILL.
    dynamic_shared_memory_type: 'mmap',
  }
}

async function query(server: string, statement: string): Promise<void> {
  await run('psql', ['--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '-d', server, '-c', statement])
}

async function run(program: string, args: readonly string[], as: Circumstances = {}): Promise<void> {
  const { status, stdout, stderr } = await finished(startProcess(join(programs ?? '', program), args, env, as))
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`)
}

/** Debian keeps them off the PATH, a folder a version: the newest, else those on the PATH. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(debian, version, 'bin')), ...env.PATH.split(delimiter)]
  return folders.find((folder) => ['postgres', 'initdb', 'psql'].every((name) => existsSync(join(folder, name))))
}

/** Whom it runs as: us; root, as whom it refuses to run, asks Debian's user for it. */
function findUser(): Circumstances | undefined {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((which) =>
    Number.parseInt(spawnSync('id', [which, 'postgres']).stdout.toString(), 10),
  )
  return uid && gid ? { uid, gid } : undefined
}
