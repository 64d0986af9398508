import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { SignJWT } from 'jose'
import { makeSignInKey, type SignInKey } from '../../src/sign-in/sign-in-key.ts'
import { grantType, nonceFor, sessionTokenType, subjectTokenTypes, tokenHash } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import type { Bench, BenchContext, Figure } from './bench.ts'
import { fire, type Prepared } from './load.ts'
import { type Pinned, pinThisProgram, startPinned } from './pinned.ts'
import { Samples } from './samples.ts'

const atOnce = 16
/** The one that all measured servers share; this program, and the studio that answers them, have the next. */
const serversCore = 0
const othersCore = 1
const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }
const peer = (name: string): string => join(import.meta.dirname, 'peers', name)

const limitName = 'bare route, one RS256'
const floorName = 'the same calls, bare'
const providerName = 'oidc-provider, token'
const sqliteName = 'one node, SQLite'
const postgresName = 'one node, PostgreSQL'
const twoName = 'two nodes, PostgreSQL'

/** One of those that are measured in turns, with a request for each time it is asked. */
interface Rival {
  readonly name: string
  readonly requests: readonly Prepared[]
  /** Of all its processes so far. */
  processorMs(): number
}

interface Taken {
  readonly perSecond: number
  readonly ms: Samples
  /** Processor time of each. */
  readonly processorMs: number
}

/**
 * Exchanges of the real broker on one core. The limit is a bare Fastify route that does one RS256 verification; another bare route
 * makes the calls that an exchange consists of, and no judgement; oidc-provider redeems an authorization code and signs an ID
 * token, with everything in memory.
 */
export const bench: Bench = {
  name: 'broker',
  what: `exchanges at the broker, ${atOnce} at once; all servers share a core`,
  missing: () => (cpus().length > 1 ? undefined : 'the servers need a core of their own'),
  async run(context) {
    pinThisProgram(othersCore)
    const stage = new Stage(context)
    try {
      return figuresOf(await inTurns(await stage.open(), context))
    } finally {
      await stage.close()
    }
  },
}

async function inTurns(rivals: readonly Rival[], { quick, progress }: BenchContext): Promise<Map<string, Taken>> {
  const rounds = quick ? 2 : 8
  const bursts = new Map(rivals.map(({ name }) => [name, { elapsedS: 0, processorMs: 0, tookMs: [] as number[] }]))
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    progress(round === 0 ? 'warming up …' : `round ${round} of ${rounds} …`)
    for (const { name, requests, processorMs } of rivals) {
      const size = Math.floor(requests.length / (rounds + 1))
      const beforeMs = processorMs()
      const { elapsedS, tookMs } = await fire(requests.slice(round * size, (round + 1) * size), atOnce)
      const sum = bursts.get(name)
      if (round === 0 || !sum) continue
      sum.elapsedS += elapsedS
      sum.processorMs += processorMs() - beforeMs
      sum.tookMs.push(...tookMs)
    }
  }
  return new Map(
    [...bursts].map(([name, { elapsedS, processorMs, tookMs }]) => {
      const { length } = tookMs
      return [name, { perSecond: length / elapsedS, ms: new Samples(tookMs), processorMs: processorMs / length }]
    }),
  )
}

function figuresOf(taken: ReadonlyMap<string, Taken>): Figure[] {
  return [sqliteName, postgresName, twoName].flatMap((name): Figure[] => {
    const ours = taken.get(name)
    if (!ours) return []
    const beside = (peerName: string): Pick<Figure, 'value' | 'peer'> => {
      const value = taken.get(peerName)?.perSecond ?? Number.NaN
      return { value: ours.perSecond, peer: { name: peerName, value } }
    }
    const what = `exchanges, ${name}`
    const { p50, p99 } = ours.ms
    const theirs = taken.get(floorName)
    return [
      { what, unit: 'per second', ...beside(limitName), target: { least: 0.5 } },
      { what, unit: 'per second', ...beside(floorName) },
      { what, unit: 'per second', ...beside(providerName), target: { least: 1 } },
      ...(name === twoName ? [{ what, unit: 'per second', ...beside(postgresName) }] : []),
      {
        what,
        unit: 'ms',
        value: p50,
        p99,
        ...(theirs ? { peer: { name: floorName, value: theirs.ms.p50, p99: theirs.ms.p99 } } : {}),
      },
      {
        ...{ what: `processor time, ${name}`, unit: 'ms', value: ours.processorMs },
        ...(theirs ? { peer: { name: floorName, value: theirs.processorMs } } : {}),
      },
    ]
  })
}

/** A sign-in that has reached the token endpoint. */
interface Waiting {
  readonly key: SignInKey
  readonly challenge: string
  readonly brokerPort: number
}

interface Broker {
  readonly name: string
  /** One a node. */
  readonly ports: readonly number[]
  readonly nodes: readonly Pinned[]
}

/** The servers, and what they are to be asked. */
class Stage {
  readonly #context: BenchContext
  readonly #count: number
  readonly #closing: (() => Promise<unknown>)[] = []

  constructor(context: BenchContext) {
    this.#context = context
    this.#count = context.quick ? 120 : 1_800
  }

  async open(): Promise<Rival[]> {
    const { progress, folder } = this.#context
    const [studioPort = 0, barePort = 0, floorPort = 0, providerPort = 0, ...ports] = await freePorts(8)
    const studioUrl = `http://127.0.0.1:${studioPort}`
    const studio = await this.#start(othersCore, peer('canned-studio.ts'), [`${studioPort}`])
    const brokers = [
      await this.#startBroker(sqliteName, ports.slice(0, 1), studioUrl, { file: join(folder, 'broker') }),
    ]
    if (postgresMissing) progress(`without PostgreSQL: ${postgresMissing}`)
    else {
      const postgres = await startPostgres()
      this.#closing.push(() => postgres.close())
      const database = async (): Promise<object> => ({ url: await postgres.createDatabase() })
      brokers.push(await this.#startBroker(postgresName, ports.slice(1, 2), studioUrl, await database()))
      brokers.push(await this.#startBroker(twoName, ports.slice(2), studioUrl, await database()))
    }
    const bare = await this.#start(serversCore, peer('bare-route.ts'), [`${barePort}`, studioUrl])
    const floorFile = join(folder, 'bare-exchange')
    const floor = await this.#start(serversCore, peer('bare-exchange.ts'), [`${floorPort}`, studioUrl, floorFile])
    progress(`${this.#count} requests for each …`)
    const provider = await this.#start(serversCore, peer('token-endpoint.ts'), [`${providerPort}`, `${this.#count}`])
    const exchanging = await this.#prepare(brokers, studio, studioUrl)
    const toOther = (port: number): Prepared[] =>
      (exchanging[0]?.requests ?? []).map((request) => ({ ...request, url: `http://127.0.0.1:${port}/token` }))
    return [
      { name: limitName, requests: toOther(barePort), processorMs: () => bare.processorMs() },
      { name: floorName, requests: toOther(floorPort), processorMs: () => floor.processorMs() },
      { name: providerName, requests: redeeming(provider, providerPort), processorMs: () => provider.processorMs() },
      ...exchanging,
    ]
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close()
  }

  async #start(core: number, file: string, args: readonly string[]): Promise<Pinned> {
    const started = await startPinned(core, file, args)
    this.#closing.push(() => started.stop())
    return started
  }

  async #startBroker(name: string, ports: readonly number[], studioUrl: string, database: object): Promise<Broker> {
    const nodes: Pinned[] = []
    for (const port of ports) nodes.push(await this.#startNode(port, issuerOf(ports), studioUrl, database))
    return { name, ports, nodes }
  }

  async #startNode(port: number, issuer: string, studioUrl: string, database: object): Promise<Pinned> {
    const { folder } = this.#context
    const often = { most: 1_000_000, seconds: 60 }
    const config = {
      issuer,
      listen: { port },
      identity: { issuer: studioUrl, clientId: 'bench' },
      database,
      limits: { requestsPerAddress: often, exchangesPerPerson: often, people: { most: 1_000_000, minutes: 1 } },
      sites: [{ url: studioUrl, scripts: [{ name: 'bench', keyFile: 'script.key' }], issue: 'session' }],
    }
    const file = join(folder, `broker-${port}.json`)
    await writeFile(file, JSON.stringify(config))
    await writeFile(join(folder, 'script.key'), 'key\n', { mode: 0o600 })
    const program = resolve(import.meta.dirname, '..', '..', 'src', 'broker', 'sg-broker.ts')
    return this.#start(serversCore, program, ['serve', '--config', file, '--allow-insecure-loopback'])
  }

  /** Sign-ins of a person each, up to their exchange. */
  async #prepare(brokers: readonly Broker[], studio: Pinned, studioUrl: string): Promise<Rival[]> {
    const begun: (Broker & { readonly signIns: readonly Waiting[] })[] = []
    for (const broker of brokers) begun.push({ ...broker, signIns: await beginSignIns(broker, this.#count) })
    const all = begun.flatMap(({ signIns }) => signIns)
    const nonces = all.map(({ key, challenge }) => nonceFor(challenge, key.thumbprint))
    const idTokens = (JSON.parse(await studio.ask(JSON.stringify(nonces))) as string[]).values()
    const rivals: Rival[] = []
    for (const { name, ports, nodes, signIns } of begun) {
      const requests: Prepared[] = []
      for (const one of signIns)
        requests.push(await exchangeRequest(one, idTokens.next().value ?? '', issuerOf(ports), studioUrl))
      const processorMs = (): number => nodes.reduce((sum, node) => sum + node.processorMs(), 0)
      rivals.push({ name, requests, processorMs })
    }
    return rivals
  }
}

/** Nodes of one broker have one name. */
function issuerOf([port]: readonly number[]): string {
  return `http://127.0.0.1:${port}`
}

async function beginSignIns({ ports }: Broker, count: number): Promise<Waiting[]> {
  const begun: Waiting[] = []
  for (let index = 0; index < count; index += 1) {
    const brokerPort = ports[index % ports.length] ?? 0
    const answer = await fetch(`http://127.0.0.1:${brokerPort}/challenge`, { method: 'POST' })
    const { challenge } = (await answer.json()) as { challenge: string }
    begun.push({ key: await makeSignInKey(), challenge, brokerPort })
  }
  return begun
}

async function exchangeRequest(
  { key, challenge, brokerPort }: Waiting,
  idToken: string,
  issuer: string,
  site: string,
): Promise<Prepared> {
  const claims = {
    htm: 'POST',
    htu: `${issuer}/token`,
    ath: tokenHash(idToken),
    nonce: challenge,
    sign_in_challenge: challenge,
    jti: challenge,
  }
  const dpop = await new SignJWT(claims)
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk })
    .setIssuedAt()
    .sign(key.privateKey)
  const form = {
    grant_type: grantType,
    audience: site,
    subject_token: idToken,
    subject_token_type: subjectTokenTypes.idToken,
    requested_token_type: sessionTokenType,
    access_token: 'access',
  }
  return {
    url: `http://127.0.0.1:${brokerPort}/token`,
    headers: { ...formHeaders, dpop },
    body: new URLSearchParams(form).toString(),
  }
}

/** Authorization codes for tokens; the provider has said which codes. */
function redeeming(provider: Pinned, port: number): Prepared[] {
  const codes = JSON.parse(provider.said().split('\n')[0] ?? '') as string[]
  return codes.map((code) => ({
    url: `http://127.0.0.1:${port}/token`,
    headers: formHeaders,
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'bench',
      code,
      redirect_uri: 'https://studio.example/callback',
      code_verifier: 'v'.repeat(43),
    }).toString(),
  }))
}
