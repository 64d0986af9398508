import { copyFile, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import type { AskConsent } from '../../src/consent/question.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import type { Identified } from '../../src/socket/peer.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { Caller, callerScript, python } from './calling/caller.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { nodeFetch, rules, silentLog } from './world.ts'

/** An agent whose artist is signed in, and asked about each program; it says always. */
let stage: SiteStage
let folder: string
let agent: Agent
let endpoint: Endpoint
const asked: Identified[] = []
const callers: Caller[] = []

beforeAll(async () => {
  stage = await startSiteStage()
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sg-session-calling-agent-')))
  const config = { ...stage.config('web'), tools: { consent: 'prompt' as const, allow: [], deny: [] } }
  const askConsent: AskConsent = async ({ tool }) => {
    asked.push(tool.identified)
    return 'always'
  }
  const openBrowser = stage.answers('approve', 'artist')
  const ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser }
  agent = new Agent(config, ports, { ...rules, askConsent })
  endpoint = await agent.listen()
  await agent.signIn(undefined)
})
afterEach(async () => {
  await Promise.all(callers.splice(0).map((caller) => caller.end()))
  asked.length = 0
})
afterAll(async () => {
  await agent.close()
  await stage.close()
  await rm(folder, { recursive: true, force: true })
})

/** A program that the agent has not seen yet: a Python of its own. */
async function start(name: string): Promise<Caller> {
  const caller = Caller.start(await copyPython(name))
  callers.push(caller)
  return caller
}

async function copyPython(name: string): Promise<string> {
  const copy = join(folder, name)
  await copyFile(python.file, copy)
  return copy
}

/** TLS and hello. */
async function greet(caller: Caller, claimedPid = caller.pid): Promise<unknown> {
  await caller.tell('secure', endpoint.certificatePem)
  const client = { name: 'caller', version: '1', pid: claimedPid }
  const params = { protocol: 1, key: endpoint.key.reveal(), client }
  return caller.tell('ask', { jsonrpc: '2.0', id: 1, method: 'hello', params })
}

function getSession(caller: Caller, interactive: boolean): Promise<unknown> {
  return caller.tell('ask', { jsonrpc: '2.0', id: 2, method: 'session/get', params: { interactive } })
}

describe.runIf(process.platform === 'linux')('an agent', () => {
  test('asks about the program that calls, by what the system knows of it, and hands it the session', async () => {
    const caller = await start('python3')
    await caller.tell('connect', endpoint.port)
    expect(await greet(caller)).toMatchObject({ result: { protocol: 1 } })
    expect(await getSession(caller, true)).toMatchObject({ result: { login: 'artist@studio.example' } })
    const executable = join(folder, 'python3')
    expect(asked).toMatchObject([
      { kind: 'known', peer: { pid: caller.pid, pids: [caller.pid], executable, script: callerScript } },
    ])
  })

  test('does not believe the number of another program that may', async () => {
    const [allowed, liar] = [await start('allowed'), await start('liar')]
    await allowed.tell('connect', endpoint.port)
    await greet(allowed)
    await getSession(allowed, true)
    await liar.tell('connect', endpoint.port)
    expect(await greet(liar, allowed.pid)).toMatchObject({ result: { protocol: 1 } })
    await getSession(liar, false)
    expect(asked).toMatchObject([
      { peer: { pid: allowed.pid } },
      { kind: 'known', peer: { pid: liar.pid, executable: join(folder, 'liar') } },
    ])
  })

  test('judges the program that a process became after it had connected', async () => {
    const caller = await start('changing')
    await caller.tell('connect', endpoint.port)
    await caller.tell('become', await copyPython('became'))
    expect(await greet(caller)).toMatchObject({ result: { protocol: 1 } })
    await getSession(caller, false)
    expect(asked).toMatchObject([{ kind: 'known', peer: { pid: caller.pid, executable: join(folder, 'became') } }])
  })

  test('hands nothing more to a connection that an allowed program shares with another one since', async () => {
    const caller = await start('sharing')
    await caller.tell('connect', endpoint.port)
    await greet(caller)
    expect(await getSession(caller, true)).toMatchObject({ result: { login: 'artist@studio.example' } })
    // Who was let in is another program now; a child of it still knows how to speak on the line.
    const child = Number(await caller.tell('fork_away', '/bin/sleep', '120'))
    expect(await getSession(caller, false)).toMatchObject({ error: { data: { code: 'consent_denied' } } })
    process.kill(child, 'SIGKILL')
    expect(asked).toHaveLength(1)
  })

  test('goes on with the child of a program that ended: the same program, as the artist allowed it', async () => {
    const caller = await start('parent')
    await caller.tell('connect', endpoint.port)
    await greet(caller)
    await getSession(caller, true)
    const child = Number(await caller.tell('fork_on'))
    await caller.gone()
    expect(await getSession(caller, false)).toMatchObject({ result: { login: 'artist@studio.example' } })
    process.kill(child, 'SIGKILL')
  })

  test('hands nothing to a program whose file is gone, and says what to do', async () => {
    const caller = await start('gone')
    await caller.tell('unlink')
    await caller.tell('connect', endpoint.port)
    expect(await greet(caller)).toMatchObject({ result: { protocol: 1 } })
    const message = expect.stringContaining(`"${join(folder, 'gone')}" was deleted or replaced`)
    expect(await getSession(caller, true)).toMatchObject({ error: { message, data: { code: 'consent_denied' } } })
    expect(asked).toEqual([])
  })

  test('asks nobody about a program that says hello and is gone', async () => {
    const [hasty, patient] = [await start('hasty'), await start('patient')]
    await hasty.tell('connect', endpoint.port)
    await hasty.tell('secure', endpoint.certificatePem)
    const client = { name: 'hasty', version: '1', pid: hasty.pid }
    const params = { protocol: 1, key: endpoint.key.reveal(), client }
    hasty.mention(
      'shout',
      { jsonrpc: '2.0', id: 1, method: 'hello', params },
      { jsonrpc: '2.0', id: 2, method: 'session/get' },
    )
    await hasty.gone()
    await patient.tell('connect', endpoint.port)
    await greet(patient)
    await getSession(patient, true)
    expect(asked.filter((one) => one.kind === 'known' && one.peer.pid !== hasty.pid)).toHaveLength(1)
    expect(agent.calls.tools.today().map(({ name }) => name)).not.toContain('hasty')
  })
})
