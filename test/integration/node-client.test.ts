import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { makeRunCertificate } from '../../src/socket/certificate.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { type Endpoint, readEndpointFile, writeEndpointFile } from '../../src/socket/endpoint-file.ts'
import type { WireSiteStatus } from '../../src/socket/messages.ts'
import { codeOf, startWorld, type World } from './world.ts'

let world: World
let root: string
let files: string[]
let client: AgentClient
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sg-session-client-'))
  files = [join(root, 'sg-session', 'endpoint.json')]
  client = new AgentClient({ endpointFiles: files, caller: { name: 'test', version: '1' }, timeoutMs: 2_000 })
})
afterEach(async () => {
  client.close()
  await rm(root, { recursive: true, force: true })
})

async function startAgent(): Promise<{ agent: ReturnType<World['agent']>; claimed: ClaimedEndpoint }> {
  const agent = world.agent('artist')
  return { agent, claimed: await claimEndpoint(files, () => agent.listen()) }
}

describe('one agent a user', () => {
  test('of ten that start together one is it, and the others say so', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => startAgent()))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({
          code: 'agent_already_running',
          message: expect.stringContaining(String(process.pid)),
        })
      }
    }
    await client.status()
  })

  test('one that was killed leaves a file that the next replaces', async () => {
    const first = await startAgent()
    await first.agent.close()
    const stale = await readEndpointFile(files[0] ?? '')
    await startAgent()
    expect((await readEndpointFile(files[0] ?? ''))?.port).not.toBe(stale?.port)
    await client.status()
  })

  test('it uses the first place that exists', async () => {
    const agent = world.agent('artist')
    const candidates = [join(root, 'missing', 'sg-session', 'endpoint.json'), ...files]
    expect((await claimEndpoint(candidates, () => agent.listen())).file).toBe(files[0])
  })

  test.runIf(process.getuid?.() === 0)('it leaves another user’s runtime folder alone', async () => {
    const theirs = join(root, 'theirs')
    await mkdir(theirs, { mode: 0o700 })
    await chown(theirs, 65_534, 65_534)
    const agent = world.agent('artist')
    const candidates = [join(theirs, 'sg-session', 'endpoint.json'), ...files]
    expect((await claimEndpoint(candidates, () => agent.listen())).file).toBe(files[0])
    expect(await readdir(theirs)).toEqual([])
  })

  test('a silent listener at the address of a dead one is not taken for it', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { certificatePem } = await makeRunCertificate()
    const { port } = silent.address() as { port: number }
    const dead = { certificatePem, key: new Secret('k'.repeat(43)), pid: 4_194_304, startedAt: 1 }
    await writeEndpointFile(files[0] ?? '', { ...dead, port })
    await startAgent()
    await client.status()
    silent.close()
  })

  test('one that resets connections because it has too many is not replaced while its process lives', async () => {
    const resetting = createServer((socket) => socket.resetAndDestroy())
    await new Promise<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve))
    const { certificatePem } = await makeRunCertificate()
    const { port } = resetting.address() as { port: number }
    const busy = { certificatePem, key: new Secret('k'.repeat(43)), pid: process.pid, startedAt: 1, port }
    await writeEndpointFile(files[0] ?? '', busy)
    expect(await codeOf(claimEndpoint(files, () => world.agent('artist').listen()))).toBe('agent_already_running')
    await writeEndpointFile(files[0] ?? '', { ...busy, pid: 4_194_304 })
    await startAgent()
    await client.status()
    resetting.close()
  })

  test('it passes over a folder that somebody put in its way, and so do clients', async () => {
    await mkdir(join(root, 'taken'))
    await writeFile(join(root, 'taken', 'sg-session'), '')
    const agent = world.agent('artist')
    const candidates = [join(root, 'taken', 'sg-session', 'endpoint.json'), ...files]
    expect((await claimEndpoint(candidates, () => agent.listen())).file).toBe(files[0])
    const other = new AgentClient({ endpointFiles: candidates, caller: { name: 'test', version: '1' } })
    await other.status()
    other.close()
  })

  test('without any place it says which it tried', async () => {
    const nowhere = [join(root, 'missing', 'sg-session', 'endpoint.json')]
    await expect(claimEndpoint(nowhere, () => world.agent('artist').listen())).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(nowhere[0] ?? ''),
    })
  })
})

describe('a client', () => {
  test('a call that `close` cut off is not made again over a new connection', async () => {
    const opened: URL[] = []
    const agent = world.agent('artist', { openBrowser: async (url) => void opened.push(url) })
    await claimEndpoint(files, () => agent.listen())
    await client.status()
    const waiting = codeOf(client.getSession({ interactive: true }))
    await vi.waitFor(() => expect(opened).toHaveLength(1), 20_000)
    client.close()
    expect(await waiting).toBe('agent_not_running')
    // What asks for a sign-in a second time has the browser opened a second time.
    await new Promise((wake) => setTimeout(wake, 200))
    expect(opened).toHaveLength(1)
    await client.status()
    agent.cancelSignIn(undefined)
  })

  test('finds the agent behind a silent listener at an older address', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { certificatePem } = await makeRunCertificate()
    const { port } = silent.address() as { port: number }
    const older = join(root, 'older', 'endpoint.json')
    await mkdir(join(root, 'older'), { mode: 0o700 })
    await writeEndpointFile(older, { certificatePem, key: new Secret('k'.repeat(43)), pid: 1, startedAt: 1, port })
    await startAgent()
    const both = new AgentClient({
      endpointFiles: [older, ...files],
      caller: { name: 'test', version: '1' },
      timeoutMs: 2_000,
    })
    expect((await both.status()).sites).toHaveLength(1)
    both.close()
    silent.close()
  })

  test('says what is wrong with a request that the agent could not even read', async () => {
    await startAgent()
    await expect(client.getSession({ site: 'https://\ud800.example' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(client.reportRejected({ generation: 2 ** 60 })).rejects.toMatchObject({ code: 'invalid_request' })
    await client.status()
  })

  test('that watches through a restart hears each change once', async () => {
    const first = await startAgent()
    const heard: string[] = []
    const stop = new AbortController()
    const watching = client.watch((status) => heard.push(status?.reason ?? status?.state ?? 'gone'), stop.signal)
    await expect.poll(() => heard.length).toBe(1)
    await first.agent.close()
    await expect.poll(() => heard.length).toBe(2)
    const { agent } = await startAgent()
    await expect.poll(() => heard.length).toBe(3)
    await agent.signIn(undefined)
    await agent.signOut(undefined)
    await expect.poll(() => heard.length).toBe(6)
    stop.abort()
    await watching
    expect(heard).toEqual(['signed_out', 'gone', 'signed_out', 'sign_in_started', 'signed_in', 'signed_out'])
  })

  test('says agent_not_running when there is none, and when one was killed', async () => {
    await expect(client.status()).rejects.toMatchObject({ code: 'agent_not_running' })
    const { agent } = await startAgent()
    await agent.close()
    await expect(client.status()).rejects.toMatchObject({ code: 'agent_not_running' })
  })

  test('goes on with the next agent after a restart, by itself', async () => {
    const first = await startAgent()
    await client.status()
    await first.claimed.release()
    await first.agent.close()
    await startAgent()
    expect((await client.status()).sites).toHaveLength(1)
  })

  test('that watches hears when the agent goes, and the statuses within two seconds of its return', async () => {
    const heard: (WireSiteStatus | undefined)[] = []
    let wake: () => void = () => undefined
    const until = async (count: number): Promise<void> => {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
    }
    const first = await startAgent()
    const stop = new AbortController()
    const watching = client.watch((status) => {
      heard.push(status)
      wake()
    }, stop.signal)
    await until(1)
    await first.agent.signIn(undefined)
    await until(3)
    await first.agent.close()
    await until(4)
    const { agent } = await startAgent()
    const startedMs = performance.now()
    await until(5)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    await agent.signIn(undefined)
    await until(7)
    stop.abort()
    await watching
    expect(heard.map((status) => status?.reason ?? status?.state)).toEqual([
      'signed_out',
      'sign_in_started',
      'signed_in',
      // Closing the agent signs out, but its socket is closed before.
      undefined,
      'signed_out',
      'sign_in_started',
      'signed_in',
    ])
  })

  test('gets the session, reports it, gets a REST bearer, signs out', async () => {
    const { agent } = await startAgent()
    await agent.signIn(undefined)
    const session = await client.getSession()
    expect(session).toMatchObject({ login: 'artist@studio.example', obtainedBy: 'broker' })
    const rest = await client.getRestToken()
    const answer = await fetch(`${world.site.url}/api/v1/entity/human_users/${session.userId}`, {
      headers: { authorization: `Bearer ${rest.accessToken}`, accept: 'application/json' },
    })
    expect(answer.status).toBe(200)
    expect(await client.getRestToken()).toEqual(rest)
    expect(await client.reportRejected({ generation: session.generation })).toMatchObject({ state: 'signed_in' })
    expect(await client.signOut()).toMatchObject({ state: 'signed_out' })
    await expect(client.getSession()).rejects.toMatchObject({ code: 'login_required' })
  })
})

describe('an impostor on a stale port', () => {
  async function announce(change: Partial<Endpoint>): Promise<Endpoint> {
    const { certificatePem } = await makeRunCertificate()
    const endpoint = { port: 1, certificatePem, key: new Secret('k'.repeat(43)), pid: 1, startedAt: 1, ...change }
    await writeEndpointFile(files[0] ?? '', endpoint)
    return endpoint
  }

  test('with another certificate hears nothing secret', async () => {
    const other = await makeRunCertificate()
    const heard: Buffer[] = []
    const server = createTlsServer({ key: other.privateKeyPem, cert: other.certificatePem }, (socket) => {
      socket.on('data', (chunk: Buffer) => heard.push(chunk)).on('error', () => undefined)
    })
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await announce({ port: (server.address() as { port: number }).port })
    await expect(client.status()).rejects.toMatchObject({ code: 'not_your_agent' })
    expect(heard).toEqual([])
    server.close()
  })

  test('that is silent costs the time limit and no more', async () => {
    const sockets: { destroy(): void }[] = []
    const heard: Buffer[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (chunk: Buffer) => heard.push(chunk)).on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = await announce({ port: (server.address() as { port: number }).port })
    const startedMs = performance.now()
    await expect(client.status()).rejects.toMatchObject({ code: 'agent_timeout' })
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    expect(Buffer.concat(heard).toString('latin1')).not.toContain(endpoint.key.reveal())
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  test('that speaks something else is not taken for the agent', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await announce({ port: (server.address() as { port: number }).port })
    await expect(client.status()).rejects.toMatchObject({ code: 'not_your_agent' })
    server.close()
  })

  test('that knows the certificate but answers nonsense is given up', async () => {
    const own = await makeRunCertificate()
    const server = createTlsServer({ key: own.privateKeyPem, cert: own.certificatePem }, (socket) => {
      socket.on('data', () => socket.write('{"a":1,"a":2}\n')).on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await announce({ port: (server.address() as { port: number }).port, certificatePem: own.certificatePem })
    await expect(client.status()).rejects.toMatchObject({ code: 'unsupported_version' })
    server.close()
  })
})
