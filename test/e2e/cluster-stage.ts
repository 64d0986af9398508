import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { chainStart, faultOf } from '../../src/broker/audit/chain.ts'
import { type DatabaseLocation, openDatabase } from '../../src/broker/database/database.ts'
import type { AuditRow, Database } from '../../src/broker/database/tables.ts'
import { AgentError, type ErrorCode } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { BrokerClient, type Exchange } from '../../src/sign-in/broker-client.ts'
import { makeSignInKey } from '../../src/sign-in/sign-in-key.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { type BrokerMetadata, type ExchangeAnswer, nonceFor, subjectTokenTypes } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'
import { brokerProgram, compileCache, type Running, startProcess, untilSaid } from '../sandbox/processes.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** A sign-in that is ready to be exchanged. */
export type SignIn = Omit<Exchange, 'challenge'>

const startLimitMs = 20_000
/** Trouble that an agent takes for passing. */
const passing: ReadonlySet<ErrorCode> = new Set(['broker_unreachable', 'site_unreachable', 'temporarily_unavailable'])
const people = ['artist', 'supervisor', 'no-pat', 'deleted-pat', 'no-passphrase', 'two-factor'] as const

/** What a database of brokers holds. */
export interface Recorded {
  readonly rows: AuditRow[]
  /** Hashes of the challenges that it knows. */
  readonly challenges: ReadonlySet<string>
}

/** Broker processes with one database behind a client that takes them in turn, and real peers around them. */
export class ClusterStage {
  readonly site: Site
  readonly identity: Identity
  readonly #folder: string
  readonly #database: DatabaseLocation
  readonly #redisUrl: string | undefined
  readonly #issuer: string
  readonly #ports: readonly number[]
  readonly #nodes = new Map<number, Running>()
  readonly client: BrokerClient
  #metadata: BrokerMetadata | undefined
  #beside: Database | undefined
  #turn = 0

  private constructor(
    peers: { site: Site; identity: Identity; folder: string },
    place: { database: DatabaseLocation; redisUrl: string | undefined; ports: readonly number[] },
  ) {
    this.site = peers.site
    this.identity = peers.identity
    this.#folder = peers.folder
    this.#database = place.database
    this.#redisUrl = place.redisUrl
    this.#ports = place.ports
    this.#issuer = `http://127.0.0.1:${place.ports[0]}`
    this.client = new BrokerClient(this.#issuer, this.roundRobin, systemClock)
  }

  static async open(
    nodes: number,
    database: (folder: string) => DatabaseLocation,
    redisUrl?: string,
  ): Promise<ClusterStage> {
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-cluster-'))
    const site = await startSite({ switches: { sudoSessionOwner: 'human' } })
    const identity = await startIdentity({ clients: [{ clientId: 'sg-session-tray', redirectUris: [] }] })
    const place = { database: database(folder), redisUrl, ports: await freePorts(nodes) }
    const stage = new ClusterStage({ site, identity, folder }, place)
    for (const index of place.ports.keys()) await stage.startNode(index)
    return stage
  }

  /** The broker as its clients reach it: one node after the other. */
  readonly roundRobin: Fetch = (url, init) => {
    const address = new URL(url)
    if (address.origin === this.#issuer) address.port = String(this.#ports[this.#turn++ % this.#ports.length])
    return fetch(address, init)
  }

  async startNode(index: number): Promise<void> {
    const file = join(this.#folder, `node-${index}.json`)
    const often = { most: 1_000_000, seconds: 60 }
    const config = {
      issuer: this.#issuer,
      listen: { port: this.#ports[index] },
      identity: { issuer: this.identity.issuer, clientId: 'sg-session-tray' },
      database: this.#database,
      ...(this.#redisUrl ? { redis: { url: this.#redisUrl } } : {}),
      limits: { requestsPerAddress: often, exchangesPerPerson: often },
      sites: [{ url: this.site.url, scripts: [{ name: 'identity-broker', keyFile: 'script.key' }], issue: 'session' }],
    }
    await writeFile(file, JSON.stringify(config))
    await writeFile(join(this.#folder, 'script.key'), 'script-key-with-sudo\n', { mode: 0o600 })
    const env = { PATH: process.env['PATH'] ?? '', ...compileCache }
    const node = startProcess(
      process.execPath,
      [brokerProgram, 'serve', '--config', file, '--allow-insecure-loopback', '--log-level', 'warn'],
      env,
    )
    this.#nodes.set(index, node)
    await untilSaid(node, 'serves', startLimitMs)
  }

  /** What the node has logged since it started; warnings and worse. */
  saidBy(index: number): string {
    return this.#nodes.get(index)?.stderr() ?? ''
  }

  async killNode(index: number): Promise<void> {
    await this.#nodes.get(index)?.stop('SIGKILL')
  }

  async challenge(): Promise<string> {
    this.#metadata ??= await this.client.metadata(AbortSignal.timeout(startLimitMs))
    return this.client.challenge(this.#metadata, AbortSignal.timeout(startLimitMs))
  }

  /** A sign-in of one person after the other, with an ID token as Autodesk would have issued it for this very challenge. */
  async signIn(index = 0): Promise<SignIn & { readonly challenge: string }> {
    const person = personNamed(people[index % people.length] ?? 'artist')
    const [key, challenge] = [await makeSignInKey(), await this.challenge()]
    const now = Math.floor(Date.now() / 1000)
    const idToken = await this.identity.forgeIdToken({
      iss: this.identity.issuer,
      aud: 'sg-session-tray',
      sub: person.autodesk?.sub,
      iat: now,
      exp: now + 3600,
      nonce: nonceFor(challenge, key.thumbprint),
      email: person.email,
      email_verified: true,
    })
    return {
      site: this.site.url,
      subjectToken: new Secret(idToken),
      subjectTokenType: subjectTokenTypes.idToken,
      accessToken: new Secret('unused'),
      key,
      signInChallenge: challenge,
      challenge,
    }
  }

  async exchange(exchange: Exchange): Promise<ExchangeAnswer> {
    this.#metadata ??= await this.client.metadata(AbortSignal.timeout(startLimitMs))
    const limit = AbortSignal.timeout(startLimitMs)
    const { sessionToken, ...answer } = await this.client.exchange(this.#metadata, exchange, limit)
    return { ...answer, access_token: sessionToken.reveal() }
  }

  /** Does something again until it works, as an agent does whatever its artist waits for. Throws what is not passing. */
  async persistently<T>(work: () => Promise<T>, limitMs = 30_000): Promise<T> {
    const deadline = performance.now() + limitMs
    for (;;) {
      try {
        return await work()
      } catch (error) {
        const isPassing = error instanceof AgentError && passing.has(error.code)
        if (!isPassing || performance.now() > deadline) throw error
        await new Promise((wake) => setTimeout(wake, 100))
      }
    }
  }

  /** The node stands still in the middle of whatever it does: what it has left by now is what a kill would leave. */
  async freezeNode(index: number): Promise<void> {
    const { pid } = this.#running(index)
    process.kill(pid, 'SIGSTOP')
    // Each of its threads ends the system call that it is in first.
    while (!(await isStopped(pid))) await new Promise((wake) => setTimeout(wake, 1))
  }

  thawNode(index: number): void {
    process.kill(this.#running(index).pid, 'SIGCONT')
  }

  /** What the database says now, after the audit's chain was checked from the first link to the last. */
  async recorded(): Promise<Recorded> {
    const database = await openDatabase(this.#database)
    return readRecords(database, 'url' in this.#database).finally(() => database.destroy())
  }

  /**
   * What a broker would find if the only node, which stands still, were killed now. SQLite's files are opened as a copy: nobody
   * may write in them but the node. PostgreSQL is asked by somebody else, who sees what is committed.
   */
  async recordedBesides(): Promise<Recorded> {
    if ('url' in this.#database) {
      this.#beside ??= await openDatabase(this.#database)
      return readRecords(this.#beside, true)
    }
    const { file } = this.#database
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-copy-'))
    const names = (await readdir(dirname(file))).filter((name) => name.startsWith(basename(file)))
    for (const name of names) await copyFile(join(dirname(file), name), join(folder, name))
    const database = await openDatabase({ file: join(folder, basename(file)) })
    return readRecords(database, false).finally(async () => {
      await database.destroy()
      await rm(folder, { recursive: true, force: true })
    })
  }

  /** The whole audit, after its chain was checked. */
  async auditRows(): Promise<AuditRow[]> {
    return (await this.recorded()).rows
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()))
    await this.#beside?.destroy()
    await Promise.all([this.site.close(), this.identity.close()])
    await rm(this.#folder, { recursive: true, force: true })
  }

  #running(index: number): Running {
    const node = this.#nodes.get(index)
    if (!node) throw new Error(`node ${index} was not started`)
    return node
  }
}

async function readRecords(database: Database, isPostgres: boolean): Promise<Recorded> {
  // One moment for all three: what a killed broker had asked PostgreSQL for may still be done.
  const transaction = isPostgres ? database.transaction().setIsolationLevel('repeatable read') : database.transaction()
  const { rows, head, challenges } = await transaction.execute(async (moment) => ({
    challenges: await moment.selectFrom('challenge').select('hash').execute(),
    rows: await moment.selectFrom('audit').selectAll().orderBy('sequence').execute(),
    head: await moment.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow(),
  }))
  const last = rows.at(-1) ?? chainStart
  for (const [index, row] of rows.entries()) {
    const fault = faultOf(row, rows[index - 1] ?? chainStart)
    if (fault) throw new Error(fault)
  }
  if (head.sequence !== last.sequence || head.hash !== last.hash) throw new Error('the head is not the last row')
  return { rows, challenges: new Set(challenges.map(({ hash }) => hash)) }
}

async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')))
  return states.every((stat) => stat.slice(stat.lastIndexOf(')') + 2).startsWith('T'))
}
