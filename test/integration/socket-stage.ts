import { spawn } from 'node:child_process'
import { afterAll, beforeAll } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { Log } from '../../src/ports.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import { type Limits, limits } from '../../src/socket/limits.ts'
import { SocketListener } from '../../src/socket/listener.ts'
import type { Desk } from '../../src/socket/methods.ts'
import { systemPeers } from '../../src/socket/who-is-calling.ts'
import { signedOutAgent } from './signed-out-agent.ts'
import { silentLog } from './world.ts'

export let agent: Agent
export let endpoint: Endpoint

/** To be called once by a file of tests: an agent where nobody is signed in, whose socket has the limits of every agent. */
export function listenWithAgent(): void {
  beforeAll(async () => {
    agent = signedOutAgent({ consent: 'allow-all' })
    endpoint = await agent.listen()
  })
  afterAll(() => agent.close())
}

/** For a machine that has other things to do. */
export const patience = { timeout: 20_000 }

/** A socket with other limits, and nothing behind it that a tool could get. */
export async function openSocket(
  changed: Partial<Limits>,
  to: Log = silentLog,
): Promise<{ endpoint: Endpoint; close(): Promise<void> }> {
  const listener = new SocketListener({
    peers: systemPeers(),
    gate: { demand: async () => undefined },
    calls: { note: () => undefined },
    stalls: { begin: () => () => undefined },
    log: to,
    limits: { ...limits, ...changed },
  })
  const empty: Pick<Desk, 'startedAt' | 'status' | 'siteNamed' | 'lastStall' | 'auditProblem' | 'handOverProblem'> = {
    ...{ startedAt: 0, status: () => [], siteNamed: () => undefined },
    ...{ lastStall: () => undefined, auditProblem: () => undefined, handOverProblem: () => undefined },
  }
  return { endpoint: await listener.open(empty as Desk), close: () => listener.close() }
}

/** What was sent on loopback before is with the other side, which shares this loop. */
export async function pauseForReading(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export interface Python {
  said(): string
  tell(text: string): void
  /** All it said. */
  readonly ended: Promise<string>
}

export function startPython(script: string, env: Readonly<Record<string, string>> = {}): Python {
  const child = spawn('python3', ['-c', script], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
  })
  return {
    said: () => said,
    tell: (text) => void child.stdin.write(text),
    ended: new Promise((done) => child.once('close', () => done(said))),
  }
}
