import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { makeRunCertificate, type RunCertificate } from '../../src/socket/certificate.ts'
import { type Endpoint, writeEndpointFile } from '../../src/socket/endpoint-file.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'

/**
 * Something else at the address of the endpoint file, against both our clients: the caller hears of it in time and by its name, and
 * nobody hears the key before the certificate was found to be the file's.
 */
const clientLimitMs = 1_500
const key = 'k'.repeat(43)

interface Impostor {
  readonly name: string
  /** What both clients say; Node calls a handshake that the other side ended a reset one. */
  readonly code: string
  readonly nodeCode?: string
  /** Whether it has the private key of the announced certificate: then it is who the file says, and may hear the key. */
  readonly isAnnounced?: boolean
  listen(heard: Heard): Promise<{ server: Server; certificatePem: string }>
}

/** What reached an impostor: on the wire, and inside TLS where it came to that. */
interface Heard {
  wire: Buffer
  inside: Buffer
}

let stage: SiteStage
let agent: Agent
let real: Endpoint
let recorded: Buffer
let own: RunCertificate
let other: RunCertificate
let folder: string
const servers: Server[] = []
const sockets = new Set<Socket>()

beforeAll(async () => {
  stage = await startSiteStage()
  agent = stage.agent('artist', 'web')
  real = await agent.listen()
  ;[own, other] = await Promise.all([makeRunCertificate(), makeRunCertificate()])
  folder = await mkdtemp(join(tmpdir(), 'sg-session-impostor-'))
  recorded = await record()
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  await stage.close()
  await rm(folder, { recursive: true, force: true })
})

async function listenWith(server: Server): Promise<Server> {
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** All the real agent said to a client that was served, byte for byte. */
async function record(): Promise<Buffer> {
  let said = Buffer.alloc(0)
  const tap = await listenWith(
    createServer((client) => {
      const upstream = connect(real.port, '127.0.0.1')
      upstream.on('data', (chunk) => {
        said = Buffer.concat([said, chunk])
      })
      client.pipe(upstream).pipe(client)
      for (const socket of [client, upstream]) socket.on('error', () => undefined)
    }),
  )
  const file = await announce('recorded', { ...real, port: portOf(tap) })
  const client = clientOf(file)
  expect((await client.status()).sites).toHaveLength(1)
  client.close()
  return said
}

async function announce(name: string, endpoint: Endpoint): Promise<string> {
  const place = join(folder, name.replaceAll(/\W+/g, '-'))
  await mkdir(place, { mode: 0o700 })
  const file = join(place, 'endpoint.json')
  await writeEndpointFile(file, endpoint)
  return file
}

function clientOf(file: string): AgentClient {
  return new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' }, timeoutMs: clientLimitMs })
}

/** Plain TCP that does something with each connection, and announces a certificate that it has no key for. */
function plain(serve: (socket: Socket) => void, certificate = () => own.certificatePem): Impostor['listen'] {
  return async (heard) => {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        heard.wire = Buffer.concat([heard.wire, chunk])
      })
      serve(socket)
    })
    return { server: await listenWith(server), certificatePem: certificate() }
  }
}

/** TLS with a certificate; `announced` is the one of the file. */
function tls(
  serve: (socket: TLSSocket) => void,
  shown: () => RunCertificate,
  announced: () => RunCertificate,
  options: object = {},
): Impostor['listen'] {
  return async (heard) => {
    const { privateKeyPem, certificatePem } = shown()
    const server = createTlsServer({ key: privateKeyPem, cert: certificatePem, ...options }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => {
        heard.inside = Buffer.concat([heard.inside, chunk])
      })
      serve(socket)
    })
    server.on('tlsClientError', () => undefined)
    server.on('connection', (socket: Socket) => void socket.on('error', () => undefined))
    return { server: await listenWith(server), certificatePem: announced().certificatePem }
  }
}

const asAnnounced = (serve: (socket: TLSSocket) => void): Impostor['listen'] =>
  tls(
    serve,
    () => own,
    () => own,
  )

/** Sends the bytes one by one. */
function drip(socket: Socket, bytes: Buffer | string, everyMs: number): void {
  let at = 0
  const timer = setInterval(() => {
    if (at >= bytes.length || socket.destroyed) return clearInterval(timer)
    socket.write(bytes.slice(at, at + 1))
    at += 1
  }, everyMs)
}

const greeting = '{"jsonrpc":"2.0","id":1,"result":{"protocol":1,"agent":{"version":"1","pid":1}}}\n'

const impostors: readonly Impostor[] = [
  {
    name: 'TLS with another certificate',
    code: 'not_your_agent',
    listen: tls(
      () => undefined,
      () => other,
      () => own,
    ),
  },
  {
    name: 'TLS with another certificate that answers',
    code: 'not_your_agent',
    listen: tls(
      (socket) => void socket.write(greeting),
      () => other,
      () => own,
    ),
  },
  {
    name: 'TLS 1.2 with another certificate',
    code: 'not_your_agent',
    listen: tls(
      () => undefined,
      () => other,
      () => own,
      { maxVersion: 'TLSv1.2' },
    ),
  },
  {
    name: 'TLS 1.1',
    code: 'not_your_agent',
    isAnnounced: true,
    listen: tls(
      () => undefined,
      () => own,
      () => own,
      {
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      },
    ),
  },
  {
    name: 'the real agent’s own words, once more',
    code: 'not_your_agent',
    listen: plain(
      (socket) => void socket.once('data', () => socket.write(recorded)),
      () => real.certificatePem,
    ),
  },
  {
    name: 'the real agent’s own words, before it is asked',
    code: 'not_your_agent',
    listen: plain(
      (socket) => void socket.write(recorded),
      () => real.certificatePem,
    ),
  },
  {
    name: 'the real agent’s own words, byte by byte',
    code: 'agent_timeout',
    listen: plain(
      (socket) => drip(socket, recorded, 40),
      () => real.certificatePem,
    ),
  },
  { name: 'silence', code: 'agent_timeout', listen: plain(() => undefined) },
  {
    name: 'a web server',
    code: 'not_your_agent',
    listen: plain((socket) => void socket.write('HTTP/1.1 400 Bad\r\n\r\n')),
  },
  {
    name: 'an SSH server',
    code: 'not_your_agent',
    listen: plain((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
  },
  { name: 'an echo', code: 'not_your_agent', listen: plain((socket) => void socket.pipe(socket)) },
  {
    name: 'one that hangs up on the first word',
    code: 'not_your_agent',
    nodeCode: 'temporarily_unavailable',
    listen: plain((socket) => void socket.once('data', () => socket.end())),
  },
  {
    name: 'one that resets on the first word',
    code: 'temporarily_unavailable',
    listen: plain((socket) => void socket.once('data', () => socket.resetAndDestroy())),
  },
  {
    name: 'one that hangs up in the middle of the handshake',
    code: 'not_your_agent',
    nodeCode: 'temporarily_unavailable',
    listen: plain(
      (socket) => void socket.once('data', () => socket.end(recorded.subarray(0, 200))),
      () => real.certificatePem,
    ),
  },
  {
    name: 'one without end, in plain text',
    code: 'not_your_agent',
    listen: plain((socket) => flood(socket)),
  },
  // From here on it is who the file says, and broken.
  {
    name: 'the announced one, silent after the handshake',
    code: 'agent_timeout',
    isAnnounced: true,
    listen: asAnnounced(() => undefined),
  },
  {
    name: 'the announced one, hanging up after the handshake',
    code: 'not_your_agent',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.end()),
  },
  {
    name: 'the announced one, hanging up on hello',
    code: 'not_your_agent',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => socket.end())),
  },
  {
    name: 'the announced one, hanging up in the middle of its answer',
    code: 'not_your_agent',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => socket.end(greeting.slice(0, 30)))),
  },
  {
    name: 'the announced one, with a message without end',
    code: 'unsupported_version',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => flood(socket))),
  },
  {
    name: 'the announced one, with no JSON',
    code: 'unsupported_version',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => socket.write('hello\n'))),
  },
  {
    name: 'the announced one, with the answer to another question',
    code: 'agent_timeout',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => socket.write(greeting.replace('"id":1', '"id":7')))),
  },
  {
    name: 'the announced one, byte by byte',
    code: 'agent_timeout',
    isAnnounced: true,
    listen: asAnnounced((socket) => void socket.once('data', () => drip(socket, greeting, 100))),
  },
]

function flood(socket: Socket): void {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const pour = (): void => {
    if (!socket.destroyed) socket.write(chunk, () => setImmediate(pour))
  }
  pour()
}

interface Outcome {
  readonly code: string
  readonly tookMs: number
}

async function askWithNode(file: string): Promise<Outcome> {
  const startedMs = performance.now()
  const client = clientOf(file)
  const code = await client.status().then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
  client.close()
  return { code, tookMs: performance.now() - startedMs }
}

/** Each in a thread of one program: starting Python costs more than asking. */
async function askWithPython(files: readonly string[]): Promise<Outcome[]> {
  const script = `
import json, sys, threading, time
from sg_session import SgSessionError, _endpoint, _line
outcomes = [None] * len(sys.argv[1:])
def ask(index, file):
    started = time.monotonic()
    try:
        deadline = _line.Deadline(${clientLimitMs / 1000})
        line = _line.Line(_endpoint.read(file), "test", deadline)
        line.request("status", {}, deadline)
        line.close()
        code = "ok"
    except SgSessionError as error:
        code = error.code
    except BaseException as error:
        code = repr(error)
    outcomes[index] = {"code": code, "tookMs": (time.monotonic() - started) * 1000}
threads = [threading.Thread(target=ask, args=(index, file)) for index, file in enumerate(sys.argv[1:])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(outcomes))`
  const env = {
    PATH: process.env['PATH'] ?? '',
    PYTHONPATH: resolve('src/client/python'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const { status, stdout, stderr } = await finished(
    startProcess('python3', ['-W', 'error', '-c', script, ...files], env),
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Outcome[]
}

describe.each(['Node', 'Python'] as const)('the client for %s, before', (language) => {
  const outcomes = new Map<string, Outcome>()
  const heardBy = new Map<string, Heard>()
  beforeAll(async () => {
    const files: string[] = []
    for (const { name, listen } of impostors) {
      const heard: Heard = { wire: Buffer.alloc(0), inside: Buffer.alloc(0) }
      heardBy.set(name, heard)
      const { server, certificatePem } = await listen(heard)
      const endpoint = { port: portOf(server), certificatePem, key: new Secret(key), pid: 1, startedAt: 1 }
      files.push(await announce(`${language} ${files.length}`, endpoint))
    }
    const said = language === 'Node' ? await Promise.all(files.map(askWithNode)) : await askWithPython(files)
    for (const [index, { name }] of impostors.entries()) {
      const outcome = said[index]
      if (outcome) outcomes.set(name, outcome)
    }
  })

  test.each(impostors)(
    '$name: says $code in time, and the key is not heard',
    ({ name, code, nodeCode, isAnnounced }) => {
      const { code: said, tookMs = Number.NaN } = outcomes.get(name) ?? {}
      expect(said).toBe(language === 'Node' ? (nodeCode ?? code) : code)
      expect(tookMs).toBeLessThan(5_000)
      const { wire, inside } = heardBy.get(name) ?? { wire: Buffer.alloc(0), inside: Buffer.alloc(0) }
      expect(wire.includes(key.slice(0, 8))).toBe(false)
      if (isAnnounced) return
      expect(inside).toHaveLength(0)
      // Nothing as long as a hello went out behind the opening of the handshake, encrypted or not.
      const records = recordsOf(wire)
      expect(records.slice(1).filter(({ type, length }) => type === applicationData && length > 100)).toEqual([])
    },
  )
})

const applicationData = 0x17

/** The TLS records in what a client sent. */
function recordsOf(wire: Buffer): { type: number; length: number }[] {
  const records: { type: number; length: number }[] = []
  for (let at = 0; at + 5 <= wire.length; at += 5 + wire.readUInt16BE(at + 3)) {
    records.push({ type: wire[at] ?? 0, length: wire.readUInt16BE(at + 3) })
  }
  return records
}

test('an authority that the environment names vouches for nobody, where Node trusts those as the single executable does', async () => {
  const heard: Heard = { wire: Buffer.alloc(0), inside: Buffer.alloc(0) }
  const { ca, key: privateKeyPem, cert } = await makeCertificates()
  const listen = tls(
    () => undefined,
    () => ({ privateKeyPem, certificatePem: cert }),
    () => own,
  )
  const { server, certificatePem } = await listen(heard)
  const file = await announce('vouched for', { ...real, port: portOf(server), certificatePem, key: new Secret(key) })
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, ca)
  const script = `
    import { once } from 'node:events'
    import { connect } from 'node:tls'
    import { AgentClient } from './src/client/node/agent-client.ts'
    const careless = connect({ host: '127.0.0.1', port: ${portOf(server)} })
    await once(careless, 'secureConnect')
    careless.destroy()
    process.stdout.write('trusted elsewhere, ')
    const client = new AgentClient({ endpointFiles: [${JSON.stringify(file)}], caller: { name: 'test', version: '1' } })
    await client.status().catch(({ code }) => process.stdout.write(code))`
  const flags = ['--use-openssl-ca', '--input-type=module-typescript', '-e', script]
  const running = startProcess(process.execPath, flags, {
    PATH: process.env['PATH'] ?? '',
    SSL_CERT_FILE: authority,
  })
  expect((await finished(running)).stdout).toBe('trusted elsewhere, not_your_agent')
  expect(heard.inside).toHaveLength(0)
})
