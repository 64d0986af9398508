import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import type { Log } from '../../src/ports.ts'
import { writeEndpointFile } from '../../src/socket/endpoint-file.ts'
import { limits } from '../../src/socket/limits.ts'
import { RawLine } from './raw-line.ts'
import { agent, endpoint, listenWithAgent, openSocket, patience, startPython } from './socket-stage.ts'
import { silentLog } from './world.ts'

/** How long the socket waits for a stranger, and for a connection that asks nothing. */
listenWithAgent()

describe('time', () => {
  test('a stranger that is silent, or slow, is cut off two seconds after it came', async () => {
    const startedMs = performance.now()
    const silentTcp = await RawLine.tcp(endpoint.port)
    const silentTls = await RawLine.tls(endpoint)
    const slow = await RawLine.tls(endpoint)
    const drip = setInterval(() => slow.send('{'), 100)
    // One that showed the key may be silent for longer than that.
    const known = await RawLine.greeted(endpoint)
    await Promise.all([silentTcp.closed, silentTls.closed, slow.closed])
    clearInterval(drip)
    expect(performance.now() - startedMs).toBeGreaterThan(limits.helloMs - 100)
    expect(silentTls.heard).toHaveLength(0)
    known.send({ jsonrpc: '2.0', id: 3, method: 'status' })
    expect(await known.message()).toMatchObject({ id: 3 })
    known.close()
  })

  test('a stranger that comes back from the same port gains none', async () => {
    const sockets: Socket[] = []
    for (let port = 41_000; sockets.length < 60 && port < 41_400; port += 1) {
      for (let round = 0; round < 3; round += 1) {
        const socket = connect({ port: endpoint.port, host: '127.0.0.1', localPort: port }).on('error', () => undefined)
        await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
        if (round < 2) socket.resetAndDestroy()
        else if (!socket.destroyed) sockets.push(socket)
      }
    }
    expect(sockets.length).toBeGreaterThan(20)
    await expect.poll(() => sockets.filter((socket) => !socket.destroyed).length, patience).toBe(0)
  })
})

describe('a connection that asks nothing', () => {
  afterEach(() => void vi.useRealTimers())
  const later = (ms: number): void => void vi.advanceTimersByTime(ms)

  test('is ended after a quarter of an hour, counted from its last question; one that watches never', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const idle = await RawLine.greeted(endpoint)
    const asking = await RawLine.greeted(endpoint)
    const watching = await RawLine.greeted(endpoint)
    watching.send({ jsonrpc: '2.0', id: 2, method: 'session/watch' })
    await watching.message()
    later(limits.idleMs - 1)
    expect([idle.isOpen, asking.isOpen, watching.isOpen]).toEqual([true, true, true])
    asking.send({ jsonrpc: '2.0', id: 3, method: 'status' })
    expect(await asking.message()).toMatchObject({ id: 3 })
    later(1)
    await idle.closed
    expect(idle.heard).toHaveLength(0)
    later(limits.idleMs - 2)
    asking.send({ jsonrpc: '2.0', id: 4, method: 'status' })
    expect(await asking.message()).toMatchObject({ id: 4 })
    later(limits.idleMs)
    await asking.closed
    later(100 * limits.idleMs)
    watching.send({ jsonrpc: '2.0', id: 5, method: 'status' })
    expect(await watching.message()).toMatchObject({ id: 5 })
    watching.close()
  })

  test('but waits for an answer is kept, however long that takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const line = await RawLine.greeted(endpoint)
    line.send({ jsonrpc: '2.0', id: 2, method: 'signIn/way', params: {} })
    line.send({ jsonrpc: '2.0', id: 3, method: 'signIn', params: {} })
    await expect.poll(() => agent.status()[0]?.state, patience).toBe('signing_in')
    later(limits.idleMs)
    agent.cancelSignIn(undefined)
    expect(await line.message()).toBeDefined()
    line.close()
  })

  test('costs its client nothing: the next call goes over a new one', async () => {
    let ended = 0
    const info = (_fields: unknown, said?: string): void => {
      if (said === 'an idle connection was ended') ended += 1
    }
    const { endpoint: brief, close } = await openSocket({ idleMs: 1_000 }, { ...silentLog, info: info as Log['info'] })
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-idle-'))
    const file = join(folder, 'endpoint.json')
    await writeEndpointFile(file, brief)
    const client = new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' } })
    await client.status()
    await expect.poll(() => ended, patience).toBe(1)
    await client.status()
    client.close()

    const script = `
import sys, sg_session
with sg_session.Client() as client:
    client.status()
    first = client._line
    print("asked", flush=True)
    sys.stdin.readline()
    client.status()
    print("asked again" if client._line is not first else "not ended")`
    const before = ended
    const python = startPython(script, { PYTHONPATH: resolve('src/client/python'), SG_SESSION_ENDPOINT: file })
    await expect.poll(python.said, patience).toContain('asked')
    await expect.poll(() => ended, patience).toBeGreaterThan(before)
    python.tell('on\n')
    expect(await python.ended).toBe('asked\nasked again\n')
    await close()
    await rm(folder, { recursive: true })
  })
})
