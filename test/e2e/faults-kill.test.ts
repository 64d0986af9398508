import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AgentClient } from '../../src/client/node/agent-client.ts'
import { readEndpointFile } from '../../src/socket/endpoint-file.ts'
import type { WireSiteStatus } from '../../src/socket/messages.ts'
import { finished, type Running } from '../sandbox/processes.ts'
import { type FaultStage, missingProgram, openFaultStage } from './fault-stage.ts'

const readyLimitMs = 3_000

let stage: FaultStage
let client: AgentClient
let settings: string
let settingsFile: string
/** How long a start takes on this machine, as busy as it is, when nothing went wrong before. */
let usualMs: number
beforeAll(async () => {
  stage = await openFaultStage()
  client = stage.client()
  await stage.studio.startBroker()
  settingsFile = join(stage.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  settings = await readFile(settingsFile, 'utf8')
  const begun = performance.now()
  const first = await stage.studio.startAgent()
  usualMs = performance.now() - begun
  await first.stop()
})
let latest: Running | undefined
afterEach(async () => {
  // What a failed test has left.
  await latest?.stop('SIGKILL')
  await writeFile(settingsFile, settings)
})
afterAll(() => stage.close())

const random = (mostMs: number): Promise<void> => sleep(Math.random() * mostMs)

/** Starts the next agent and demands that it is soon there, alone, with every file as it should be. */
async function startNext(): Promise<Running> {
  const begun = performance.now()
  const agent = await stage.studio.startAgent()
  latest = agent
  expect(performance.now() - begun).toBeLessThan(Math.max(readyLimitMs, 5 * usualMs))
  // Readable, of this process, and nothing beside it.
  expect((await readEndpointFile(stage.endpointFile))?.pid).toBe(agent.pid)
  expect(await readdir(dirname(stage.endpointFile))).toEqual(['endpoint.json'])
  expect(await readFile(settingsFile, 'utf8')).toBe(settings)
  await demandWholeState()
  expect((await client.status()).agent.pid).toBe(agent.pid)
  return agent
}

/** What earlier runs have kept is as they have written it: nothing was set aside, and no line is torn. */
async function demandWholeState(): Promise<void> {
  const folder = join(stage.studio.folder, 'home', '.local', 'state', 'sg-session', 'state')
  const names = await readdir(folder).catch(() => [])
  expect(names.filter((name) => name.includes('damaged'))).toEqual([])
  const texts = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8')
      return name.endsWith('.jsonl') ? text.split('\n').filter((line) => line !== '') : [text]
    }),
  )
  for (const text of texts.flat()) expect(() => JSON.parse(text), text).not.toThrow()
}

/** What the agent is doing when it is killed. Resolves at a random moment of it. */
const moments: [string, (agent: Running) => Promise<unknown>][] = [
  ['it has just started', () => random(50)],
  [
    'it serves',
    async () => {
      await stage.signInAtSecond(client)
      const busy = Array.from({ length: 4 }, async () => {
        for (;;) await client.getSession({ site: stage.second.url })
      })
      await Promise.race([random(200), ...busy.map((one) => one.catch(() => undefined))])
    },
  ],
  [
    'an artist is at the browser',
    async () => {
      client.signIn({ site: stage.site.url }).catch(() => undefined)
      await stage.studio.openedAddress()
      await random(100)
    },
  ],
  [
    'a sign-in comes home from the browser',
    async () => {
      client.signIn({ site: stage.site.url }).catch(() => undefined)
      await Promise.race([stage.answerBrowser().catch(() => undefined), random(300)])
    },
  ],
  [
    'it renews',
    async () => {
      await stage.signInAtFirst(client)
      stage.site.expireSessions()
      const { generation } = await client.getSession({ site: stage.site.url })
      client.reportRejected({ site: stage.site.url, generation }).catch(() => undefined)
      await random(200)
    },
  ],
  [
    'it keeps which programs are allowed, and writes down who asked',
    async () => {
      const allow = (name: string): Running =>
        stage.studio.startSgSession('tools', 'allow', `/usr/bin/${name}`, '--yes')
      expect(await allow('env').ended).toBe(0)
      for (const name of ['true', 'sleep', 'head']) allow(name)
      for (let asked = 0; asked < 20; asked += 1) client.getSession({ site: stage.site.url }).catch(() => undefined)
      await random(1_500)
    },
  ],
  [
    'it stops',
    async (agent) => {
      process.kill(agent.pid, 'SIGTERM')
      await random(30)
    },
  ],
]

describe('an agent killed with -9', () => {
  test('while it does this or that: the next is ready within three seconds, no file is spoilt, clients find it by themselves', async () => {
    const seen: (string | undefined)[] = []
    const stop = new AbortController()
    const hear = (status: WireSiteStatus | undefined): void => void seen.push(status?.state)
    let agent = await startNext()
    const watching = stage.client().watch(hear, stop.signal)
    const python = stage.studio.startPython('python3', '-u', resolve('test/e2e/watcher.py'))
    const heard = () => python.stdout().trimEnd().split('\n')
    const losses = () => [
      heard().filter((state) => state === 'agent_not_running').length,
      seen.filter((state) => state === undefined).length,
    ]
    const latestHeard = () => [heard().at(-1), seen.at(-1)]
    const untilBack = () => expect.poll(latestHeard, { timeout: 20_000 }).toEqual(['signed_out', 'signed_out'])
    await untilBack()
    for (const [index, [, reach]] of moments.entries()) {
      await reach(agent)
      await agent.stop('SIGKILL')
      await expect.poll(losses, { timeout: 20_000 }).toEqual([index + 1, index + 1])
      agent = await startNext()
      await untilBack()
    }
    expect(await stage.studio.sgSession('tools', 'list')).toMatchObject({
      stdout: expect.stringContaining('/usr/bin/env'),
    })
    // It holds and serves as ever.
    await stage.signInAtFirst(client)
    await client.getSession({ site: stage.site.url })
    stop.abort()
    await watching
    await Promise.all([python.stop(), agent.stop()])
  })

  test('at each step of writing its endpoint file: as well', async (context) => {
    const missing = missingProgram('strace')
    if (missing) return context.skip(missing)
    const lock = join(dirname(stage.endpointFile), 'starting')
    const steps = [['utimensat', lock], ['chmod'], ['rmdir', lock]]
    for (const [call, path] of steps) {
      const where = path ? ['-P', path] : []
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL`]
      const wrapper = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', ...where, ...inject]
      await expect(stage.studio.startAgent({ wrapper })).rejects.toThrow('it ended with')
      await expect(client.status()).rejects.toMatchObject({ code: 'agent_not_running' })
      await (await startNext()).stop()
    }
  })

  test('before it was ready, at any moment', async () => {
    for (const share of [0.5, 0.95]) {
      const agent = stage.studio.startSgSession('agent', '--allow-insecure-loopback')
      await Promise.race([sleep(usualMs * share), agent.ended])
      await agent.stop('SIGKILL')
      await (await startNext()).stop('SIGKILL')
    }
  })
})

test('an endpoint file that is cut off or random is replaced by the next agent, and until then no client believes it', async () => {
  const content = await readFile(stage.endpointFile, 'utf8')
  const random = Buffer.from(Array.from({ length: 4_096 }, () => Math.floor(Math.random() * 256)))
  for (const spoilt of ['', '{"endpoint": 2}', random, content.slice(0, 200)]) {
    await writeFile(stage.endpointFile, spoilt, { mode: 0o600 })
    await expect(stage.client(1_000).status()).rejects.toMatchObject({ code: 'not_your_agent' })
  }
  const agent = await startNext()
  await agent.stop('SIGKILL')
  await writeFile(stage.endpointFile, random)
  await (await startNext()).stop('SIGKILL')
})

test('settings that are cut off or random keep the agent from starting, named with their file, and are left as they are', async () => {
  for (const content of [settings.slice(0, -40), '\u0000\u0001\ufffd{']) {
    await writeFile(settingsFile, content)
    const { status, stderr } = await finished(stage.studio.startSgSession('agent', '--allow-insecure-loopback'))
    expect(status).toBe(71)
    expect(stderr).toContain(settingsFile)
    expect(await readFile(settingsFile, 'utf8')).toBe(content)
  }
})
