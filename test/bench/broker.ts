import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { SignJWT } from 'jose'
import { makeSignInKey, type SignInKey } from '../../src/sign-in/sign-in-key.ts'
import { grantType, nonceFor, sessionTokenType, subjectTokenTypes, tokenHash } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import { fire, type Load, type Prepared } from './broker-peers/load.ts'
import { type Pinned, startPinned } from './broker-peers/pinned.ts'

/**
 * `npm run bench:broker`: how many exchanges a second one core does, against (a) a bare Fastify route that does one RS256
 * verification and (b) oidc-provider's own token endpoint, in the same run; and one node against two. Servers share the first
 * core, this program and the answering studio the second. Options: how many exchanges (default 2000).
 */
const count = Number(process.argv[2] ?? 2000)
const atOnce = 16
const folder = await mkdtemp(join(tmpdir(), 'sg-session-bench-'))
const results: Record<string, Load> = {}
const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }
const peer = (name: string): string => join(import.meta.dirname, 'broker-peers', name)
pinThisProgram()

interface Waiting {
  readonly key: SignInKey
  readonly challenge: string
}

process.stdout.write(`${count} exchanges, ${atOnce} at once …\n`)
try {
  await benchOidcProvider()
  await benchBroker('broker, SQLite', { file: join(folder, 'broker.sqlite') }, 1)
  if (postgresMissing) process.stdout.write(`skipped: PostgreSQL: ${postgresMissing}\n`)
  else {
    const postgres = await startPostgres()
    await benchBroker('broker, PostgreSQL', { url: await postgres.createDatabase() }, 1)
    await benchBroker('two brokers, PostgreSQL', { url: await postgres.createDatabase() }, 2)
    await postgres.close()
  }
  await report()
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** The limit is measured beside the first broker, with the same ID tokens. */
async function benchBroker(name: string, database: object, nodes: number): Promise<void> {
  const [studioPort = 0, barePort = 0, ...ports] = await freePorts(2 + nodes)
  const studioUrl = `http://127.0.0.1:${studioPort}`
  const studio = await startPinned(1, peer('canned-studio.ts'), [String(studioPort)])
  const issuer = `http://127.0.0.1:${ports[0]}`
  const brokers = await Promise.all(ports.map((port) => startBroker(port, issuer, studioUrl, database)))
  const waiting = await Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Waiting> => {
      const url = `http://127.0.0.1:${ports[index % ports.length]}/challenge`
      const { challenge } = (await (await fetch(url, { method: 'POST' })).json()) as { challenge: string }
      return { key: await makeSignInKey(), challenge }
    }),
  )
  const nonces = waiting.map(({ key, challenge }) => nonceFor(challenge, key.thumbprint))
  const idTokens = JSON.parse(await studio.ask(JSON.stringify(nonces))) as string[]
  const requests = await Promise.all(
    waiting.map((one, index) =>
      prepare(one, idTokens[index] ?? '', ports[index % ports.length] ?? 0, issuer, studioUrl),
    ),
  )
  if (!results['bare route']) {
    const bare = await startPinned(0, peer('bare-route.ts'), [String(barePort), studioUrl])
    const url = `http://127.0.0.1:${barePort}/token`
    const same = requests.map(({ body }) => ({ url, headers: formHeaders, body }))
    await fire(same, atOnce, bare.processorTimeS)
    results['bare route'] = await fire(same, atOnce, bare.processorTimeS)
    await bare.stop()
  }
  const [warm, measured] = [requests.slice(0, count / 10), requests.slice(count / 10)]
  const processorTimeS = (): number => brokers.reduce((sum, broker) => sum + broker.processorTimeS(), 0)
  await fire(warm, atOnce, processorTimeS)
  results[name] = await fire(measured, atOnce, processorTimeS)
  await Promise.all([studio, ...brokers].map((one) => one.stop()))
}

async function startBroker(port: number, issuer: string, studioUrl: string, database: object): Promise<Pinned> {
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
  return startPinned(0, program, ['serve', '--config', file, '--allow-insecure-loopback'])
}

async function prepare(
  { key, challenge }: Waiting,
  idToken: string,
  port: number,
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
    url: `http://127.0.0.1:${port}/token`,
    headers: { ...formHeaders, dpop },
    body: new URLSearchParams(form).toString(),
  }
}

async function benchOidcProvider(): Promise<void> {
  const [port = 0] = await freePorts(1)
  const provider = await startPinned(0, peer('token-endpoint.ts'), [String(port), String(count)])
  const codes = JSON.parse(provider.said().split('\n')[0] ?? '') as string[]
  const requests = codes.map((code) => ({
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
  await fire(requests.slice(0, count / 10), atOnce, provider.processorTimeS)
  results['oidc-provider'] = await fire(requests.slice(count / 10), atOnce, provider.processorTimeS)
  await provider.stop()
}

async function report(): Promise<void> {
  const limit = results['bare route']
  const provider = results['oidc-provider']
  if (!limit || !provider) throw new Error('a peer was not measured')
  const rows = Object.entries(results).map(([name, load]) => ({
    '': name,
    'per second': Math.round(load.perSecond),
    'per core second': Math.round(load.perCoreSecond),
    'p50 ms': load.p50Ms.toFixed(1),
    'p99 ms': load.p99Ms.toFixed(1),
    '÷ bare route': (load.perSecond / limit.perSecond).toFixed(2),
    '÷ oidc-provider': (load.perSecond / provider.perSecond).toFixed(2),
  }))
  process.stdout.write(`${asTable(rows)}\n`)
  const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version }
  await mkdir('test-results', { recursive: true })
  await writeFile('test-results/bench-broker.json', JSON.stringify({ machine, count, atOnce, results }, undefined, 2))
}

function asTable(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))]
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

function pinThisProgram(): void {
  if (cpus().length > 1) spawnSync('taskset', ['-cp', '1', String(process.pid)])
}
