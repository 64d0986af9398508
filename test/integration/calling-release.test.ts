import { copyFile, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentError } from '../../src/errors.ts'
import { Secret } from '../../src/secrets/secret.ts'
import type { Session } from '../../src/session/session.ts'
import type { Call } from '../../src/socket/calls.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import type { CallingTool } from '../../src/socket/gate.ts'
import { SocketListener } from '../../src/socket/listener.ts'
import type { Desk } from '../../src/socket/methods.ts'
import { systemPeers } from '../../src/socket/who-is-calling.ts'
import { Caller, python } from './calling/caller.ts'
import { hello, RawLine } from './raw-line.ts'
import { silentLog } from './world.ts'

/** What happens between the leave that a program was given and the moment in which the session would go out. */
const site = 'https://studio.example'
const patience = { timeout: 20_000 }

let folder: string
let listener: SocketListener
let endpoint: Endpoint
const calls: Call[] = []
/** The requests that have their leave and wait for the session. */
const waiting: ((session: Session) => void)[] = []

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sg-session-calling-release-')))
  listener = new SocketListener({
    peers: systemPeers(),
    gate: {
      async demand(tool) {
        if (fileOf(tool)?.endsWith('/stranger')) throw new AgentError('consent_denied')
        return 'remembered'
      },
    },
    calls: { note: (call) => void calls.push(call) },
    stalls: { begin: () => () => undefined },
    log: silentLog,
  })
  const desk: Partial<Desk> = {
    startedAt: 0,
    siteNamed: () => site,
    session: () => new Promise((resolve) => waiting.push((session) => resolve({ session, generation: 1 }))),
  }
  endpoint = await listener.open(desk as Desk)
})
afterAll(async () => {
  await listener.close()
  await rm(folder, { recursive: true, force: true })
})

function fileOf({ identified }: CallingTool): string | undefined {
  return identified.kind === 'known' ? identified.peer.executable : undefined
}

function session(): Session {
  const times = { obtainedAt: 0, renewedAt: 0, expiresAt: 9_000_000, signInEndsAt: 9_000_000 }
  const who = { site, apiUrl: site, login: 'artist', userId: 1, name: 'Artist', obtainedBy: 'web', expiry: 'exact' }
  return { ...times, ...who, sessionToken: new Secret('token') } as unknown as Session
}

const getSession = (id: number): object => ({ jsonrpc: '2.0', id, method: 'session/get', params: {} })

describe.runIf(process.platform === 'linux')('a program that became another one', () => {
  test('gets nothing by any of the requests that were made before', patience, async () => {
    const [mine, other] = [join(folder, 'allowed'), join(folder, 'stranger')]
    await Promise.all([mine, other].map((file) => copyFile(python.file, file)))
    const caller = Caller.start(mine)
    await caller.tell('connect', endpoint.port)
    await caller.tell('secure', endpoint.certificatePem)
    const client = { name: 'caller', version: '1', pid: caller.pid }
    await caller.tell('ask', hello(endpoint.key.reveal(), { client }))
    await caller.tell('send', getSession(2), getSession(3))
    await expect.poll(() => waiting.length, patience).toBe(2)
    await caller.tell('become', other)
    for (const answered of [1, 2]) {
      waiting.shift()?.(session())
      await expect.poll(() => calls.length, patience).toBe(answered)
    }
    expect(calls.map(({ outcome }) => outcome)).toEqual(['consent_denied', 'consent_denied'])
    await caller.end()
    calls.length = 0
  })
})

describe.runIf(process.platform === 'linux')('a program of ours that connects and is gone', () => {
  test('is not written down as another user', patience, async () => {
    for (let time = 0; time < 5; time += 1) {
      const line = await RawLine.tcp(endpoint.port)
      line.close()
      await line.closed
    }
    await expect.poll(() => calls.length, patience).toBe(5)
    expect(new Set(calls.splice(0).map(({ outcome }) => outcome))).toEqual(new Set(['no_hello']))
  })
})

describe('a session that was given up while it was on its way', () => {
  test('is an error to whoever waits for it, and is written down as one', patience, async () => {
    const line = await RawLine.greeted(endpoint)
    line.send(getSession(2))
    await expect.poll(() => waiting.length, patience).toBe(1)
    const given = session()
    given.sessionToken.wipe()
    waiting.shift()?.(given)
    expect(await line.message()).toMatchObject({ id: 2, error: { data: { code: 'login_required' } } })
    expect(calls).toMatchObject([{ method: 'session/get', outcome: 'login_required' }])
    line.close()
  })
})
