import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { say } from '../../src/hand-over/document.ts'
import { CalledOff, type HandOverSettings, handOver } from '../../src/hand-over/hand-over.ts'
import { PassedSecrets } from '../../src/secrets/passed-secrets.ts'
import { encodeJson } from '../../src/secrets/write-secrets.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { compileCache, finished, type Running, startProcess } from '../sandbox/processes.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { silentLog } from './world.ts'

let stage: SiteStage
let root: string
let file: string
let agent: Agent
let claimed: ClaimedEndpoint
let client: AgentClient
beforeAll(async () => {
  stage = await startSiteStage()
})
afterAll(() => stage.close())
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sg-session-hand-over-'))
  file = join(root, 'sg-session', 'endpoint.json')
  agent = stage.agent('artist', 'web')
  claimed = await claimEndpoint([file], () => agent.listen())
  client = new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' }, timeoutMs: 15_000 })
})
afterEach(async () => {
  client.close()
  await claimed.release()
  await agent.close()
  await rm(root, { recursive: true, force: true })
})

/** A successor that says these things one after the other, each when it has heard something, and notes what it heard. */
async function successor(...steps: string[]): Promise<HandOverSettings> {
  const script = join(root, 'successor.mjs')
  const code = `import { Socket } from 'node:net'
    import { appendFileSync, writeFileSync, readFileSync } from 'node:fs'
    const pipe = new Socket({ fd: 3 })
    let heard = ''
    pipe.on('data', (chunk) => { heard += chunk; appendFileSync(${JSON.stringify(join(root, 'heard'))}, chunk) })
    const line = () => new Promise((done) => { const look = () => heard.includes('\\n') ? (heard = heard.slice(heard.indexOf('\\n') + 1), done()) : setTimeout(look, 5); look() })
    const say = (message) => pipe.write(JSON.stringify(message) + '\\n')
    const ready = () => say({ ready: { formats: [1], version: '9' } })
    const document = async () => { await line(); await line() }
    const announce = () => { const at = ${JSON.stringify(file)}; const was = JSON.parse(readFileSync(at)); writeFileSync(at, JSON.stringify({ ...was, pid: process.pid, key: 'x'.repeat(43) }), { mode: 0o600 }) }
    const hang = () => new Promise((wake) => setTimeout(wake, 60000))
    ${steps.map((step) => `${step};`).join('\n')}`
  await writeFile(script, code)
  const program = { command: process.execPath, args: [script], files: [script], isExecutable: false }
  return { program, agent, claimed, log: silentLog, limits: { startMs: 20_000, takeMs: 20_000 } }
}

/** What it has heard so far, a message a line and nothing after the last: what was sent need not have been read yet. */
async function heard(): Promise<string[]> {
  return (await readFile(join(root, 'heard'), 'utf8')).split('\n')
}

async function demandUnchanged(): Promise<void> {
  expect((await client.status()).agent.pid).toBe(process.pid)
  const announced = JSON.parse(await readFile(file, 'utf8')) as { pid: number; key: string }
  expect(announced.pid).toBe(process.pid)
  expect(announced.key).not.toBe('x'.repeat(43))
  expect(agent.turnstile.isClosed).toBe(false)
}

describe('a successor that', () => {
  test.each([
    ['ends before it is ready', ['process.exit(4)'], 'it ended with 4'],
    ['is killed when it is ready', ['ready()', "process.kill(process.pid, 'SIGKILL')"], 'it ended with SIGKILL'],
    ['ends when it has everything', ['ready()', 'await document()', 'process.exit(5)'], 'it ended with 5'],
    [
      'ends when it has written the endpoint file',
      ['ready()', 'await document()', 'announce()', 'process.exit(6)'],
      'it ended with 6',
    ],
    ['refuses', ['ready()', 'await document()', "say({ refusal: 'no' })", 'await hang()'], 'no'],
    [
      'says something else',
      ['ready()', 'await document()', 'say({ over: {} })', 'await hang()'],
      'it said something else',
    ],
    ['says more than anybody reads', ["pipe.write('x'.repeat(2 ** 21))", 'await hang()'], 'it ended'],
  ])('%s leaves everything as it was', async (_name, steps, because) => {
    await expect(handOver(await successor(...steps))).rejects.toThrow(because)
    await demandUnchanged()
  })

  test('hangs when it has written the endpoint file leaves everything as it was', async () => {
    const settings = await successor('ready()', 'await document()', 'announce()', 'await hang()')
    const handing = handOver({ ...settings, limits: { takeMs: 3_000 } })
    await expect(handing).rejects.toThrow('it said nothing for 3 s')
    await demandUnchanged()
  })

  test('cannot be started leaves everything as it was', async () => {
    const settings = await successor()
    const program = { ...settings.program, command: join(root, 'missing') }
    await expect(handOver({ ...settings, program })).rejects.toThrow('it cannot be started (ENOENT)')
    await demandUnchanged()
  })

  test('takes everything is told the session in a message of its own, and this process serves nobody any more', async () => {
    await agent.signIn(undefined)
    const { sessionToken } = await client.getSession()
    const sites = JSON.stringify({ announced: { sites: [stage.site.url] } })
    const settings = await successor('ready()', 'await document()', `say(${sites})`, 'await line()', 'process.exit(0)')
    const given: string[] = []
    await handOver({
      ...settings,
      giveUpPlace: async () => {
        given.push('place')
        return 'status'
      },
    })
    expect(given).toEqual(['place'])
    await expect.poll(async () => (await heard()).length).toBe(4)
    const [document = '', secrets = '', over] = await heard()
    expect(document).not.toContain(sessionToken)
    expect(JSON.parse(document)).toMatchObject({ format: 1, secrets: 1 })
    expect(JSON.parse(secrets)).toEqual({ n0: sessionToken })
    expect(JSON.parse(over ?? '')).toEqual({ over: { wants: 'status' } })
    await expect(client.status()).rejects.toMatchObject({ code: 'agent_not_running' })
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
  })
})

describe('what is told at the edges', () => {
  test('a successor that does not read leaves everything as it was, however much there is to tell it', async () => {
    const settings = await successor('ready()', 'pipe.pause()', 'await hang()')
    const talkative = Object.create(agent, {
      turnstile: { value: agent.turnstile },
      isBusy: { value: false },
      onAnyChange: { value: () => () => undefined },
      passOn: { value: async () => ({ sites: {}, padding: 'x'.repeat(2 ** 21) }) },
    }) as Agent
    await expect(handOver({ ...settings, agent: talkative, limits: { takeMs: 1_000 } })).rejects.toThrow('it ended')
    await demandUnchanged()
  })

  test('who is signed out while the place is given up is signed out in the new program too: it is told', async () => {
    await agent.signIn(undefined)
    const site = stage.site.url
    const steps = ['ready()', 'await document()', `say({ announced: { sites: ['${site}'] } })`, 'await line()']
    const giveUpPlace = async (): Promise<undefined> => {
      await agent.endSessions('screen_locked')
      return undefined
    }
    await handOver({ ...(await successor(...steps, 'process.exit(0)')), giveUpPlace })
    await expect.poll(async () => (await heard()).length).toBe(4)
    const [, , over] = await heard()
    expect(JSON.parse(over ?? '')).toEqual({ over: { ended: [site] } })
  })
})

test('what fails here when the new program has the last word takes its place from nobody', async () => {
  agent.letGo = () => Promise.reject(new Error('not wiped'))
  const at = JSON.stringify(join(root, 'pid'))
  const serving = `writeFileSync(${at}, String(process.pid))`
  const steps = ['ready()', 'await document()', 'say({ announced: { sites: [] } })', 'await line()', serving]
  await handOver(await successor(...steps, 'await hang()'))
  await expect.poll(() => readFile(join(root, 'pid'), 'utf8').catch(() => '')).not.toBe('')
  // It lives.
  process.kill(Number(await readFile(join(root, 'pid'), 'utf8')))
})

test('requests wait no longer for a successor that is late where others had to end first', async () => {
  let closedAt = 0
  void agent.turnstile.pass('session/get', async () => {
    await expect.poll(() => agent.turnstile.isClosed).toBe(true)
    closedAt = performance.now()
    await sleep(3_000)
  })
  const settings = await successor('ready()', 'await document()', 'await hang()')
  const handing = handOver({ ...settings, limits: { emptyMs: 20_000, takeMs: 4_000 } })
  await expect(handing).rejects.toThrow('it said nothing')
  expect(agent.turnstile.isClosed).toBe(false)
  expect(performance.now() - closedAt).toBeLessThan(5_500)
})

describe('a hand-over is put off', () => {
  const slow = ['ready()', 'await document()', 'await hang()']
  const untilClosed = (): Promise<unknown> =>
    expect.poll(() => agent.turnstile.isClosed, { timeout: 10_000 }).toBe(true)

  test('where somebody begins to sign in meanwhile; they do', async () => {
    const handing = expect(handOver(await successor(...slow))).rejects.toThrow(CalledOff)
    await untilClosed()
    expect(await client.signIn({})).toMatchObject({ state: 'signed_in' })
    await handing
    await demandUnchanged()
  })

  test('where the artist signs out meanwhile: what was passed on is not theirs any more', async () => {
    await agent.signIn(undefined)
    const handing = expect(handOver(await successor(...slow))).rejects.toThrow(CalledOff)
    await untilClosed()
    await agent.signOut(undefined)
    await handing
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'signed_out' }])
    await demandUnchanged()
  })

  test('where somebody is at the browser', async () => {
    const waiting = stage.agent('artist', 'web', { openBrowser: async () => undefined })
    const signingIn = waiting.signIn(undefined).catch(() => undefined)
    expect(waiting.isBusy).toBe(true)
    await expect(handOver({ ...(await successor(...slow)), agent: waiting })).rejects.toThrow(CalledOff)
    waiting.cancelSignIn(undefined)
    await signingIn
    expect(waiting.isBusy).toBe(false)
    await waiting.whenIdle(AbortSignal.timeout(1_000))
  })

  test('where this process is told to end', async () => {
    const end = new AbortController()
    const handing = expect(handOver({ ...(await successor('await hang()')), signal: end.signal })).rejects.toThrow(
      CalledOff,
    )
    end.abort()
    await handing
    await demandUnchanged()
  })

  /** As with a disk that hangs: answers about programs are on their way to it. */
  const hangs = (): Promise<never> => new Promise(() => undefined)

  test('where the disk hangs; requests are served again, and it is no fault of the new program', async () => {
    agent.passOn = hangs
    const handing = handOver({ ...(await successor(...slow)), limits: { takeMs: 3_000 } })
    await expect(handing).rejects.toThrow(CalledOff)
    await demandUnchanged()
  })

  test('where this process is told to end while the disk hangs', async () => {
    const passing = Promise.withResolvers<void>()
    agent.passOn = () => {
      passing.resolve()
      return hangs()
    }
    const end = new AbortController()
    const settings = { ...(await successor(...slow)), limits: { emptyMs: 50_000, takeMs: 50_000 } }
    const handing = expect(handOver({ ...settings, signal: end.signal })).rejects.toThrow('this process ends')
    await passing.promise
    end.abort()
    await handing
  })

  test('where the disk hangs with the endpoint file: who has found this agent is served again', async () => {
    await client.status()
    const [begun, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const announceAgain = (): Promise<void> => {
      begun.resolve()
      return written.promise
    }
    const settings = await successor('ready()', 'await document()', 'process.exit(5)')
    const handing = expect(handOver({ ...settings, claimed: { announceAgain } })).rejects.toThrow('it ended with 5')
    await begun.promise
    await client.cancelSignIn().finally(written.resolve)
    await handing
  })

  test('where it has been told so already: nothing is started', async () => {
    const settings = await successor(`writeFileSync(${JSON.stringify(join(root, 'started'))}, '')`, 'await hang()')
    const handing = handOver({ ...settings, limits: { startMs: 2_000 }, signal: AbortSignal.abort() })
    await expect(handing).rejects.toThrow(CalledOff)
    await expect(readFile(join(root, 'started'))).rejects.toThrow()
    await demandUnchanged()
  })

  test('where it is told so at the last moment: who wanted an end gets no other agent instead', async () => {
    const end = new AbortController()
    const stop = agent.stopServing.bind(agent)
    agent.stopServing = async () => {
      await stop()
      end.abort()
    }
    const serving = `writeFileSync(${JSON.stringify(join(root, 'serving'))}, '')`
    const steps = ['ready()', 'await document()', 'say({ announced: { sites: [] } })', 'await line()', serving]
    const handing = handOver({ ...(await successor(...steps, 'process.exit(0)')), signal: end.signal })
    await expect(handing).rejects.toThrow(CalledOff)
    await expect(readFile(join(root, 'serving'))).rejects.toThrow()
  })

  test('and requests wait for the outcome', async () => {
    const handing = expect(handOver({ ...(await successor(...slow)), limits: { takeMs: 3_000 } })).rejects.toThrow(
      'it said nothing',
    )
    await untilClosed()
    let isAnswered = false
    const asking = client.cancelSignIn().then(() => {
      isAnswered = true
    })
    await sleep(300)
    expect(isAnswered).toBe(false)
    await handing
    await asking
  })
})

describe('a program that is to take over', () => {
  /** The real program, started by one of its own name that says these things. */
  async function takingOver(...said: string[]): Promise<Running> {
    const program = join(root, 'sg-session.mjs')
    await writeFile(
      program,
      `if (process.argv.includes('--take-over')) await (await import(${JSON.stringify(resolve('src/cli/sg-session.ts'))})).program.parseAsync()
      else {
        const { spawn } = await import('node:child_process')
        const args = [process.argv[1], 'agent', '--take-over', '--allow-insecure-loopback', '--log-level', 'silent']
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
        const pipe = child.stdio[3]
        pipe.on('data', (chunk) => process.stdout.write(chunk)).on('error', () => undefined)
        for (const one of ${JSON.stringify(said)}) pipe.write(one + '\\n')
        ${said.length === 0 ? 'pipe.end()' : ''}
        child.on('exit', (status) => process.exit(status ?? 99))
      }`,
    )
    const settings = { sites: [{ url: stage.site.url, signIn: 'web' }], tools: { consent: 'allow-all' } }
    for (const folder of [join(root, 'config', 'sg-session'), join(root, 'other')])
      await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(root, 'config', 'sg-session', 'settings.json'), JSON.stringify(settings))
    const { PATH = '' } = process.env
    const env = {
      ...compileCache,
      PATH,
      HOME: root,
      XDG_CONFIG_HOME: join(root, 'config'),
      SG_SESSION_ENDPOINT: join(root, 'other', 'endpoint.json'),
    }
    return startProcess(process.execPath, [program], env)
  }

  test.each<[string, string[], number, string]>([
    ['of a format of the future', ['{"format":2,"version":"9","secrets":0,"state":{}}', '{}'], 36, 'cannot be read'],
    [
      'without its secrets',
      ['{"format":1,"version":"1","secrets":2,"state":{"sites":{}}}', '{"n0":"a"}'],
      37,
      'secrets',
    ],
    ['of nobody: its predecessor is gone', [], 37, 'it ended'],
  ])('refuses a document %s, tells so and serves nobody', async (_name, said, status, because) => {
    const ended = await finished(await takingOver(...said))
    expect(ended.stderr).toContain(because)
    expect(ended.status).toBe(status)
    if (said.length > 0) expect(ended.stdout).toMatch(/"ready":\{"formats":\[1\].*\n.*"refusal":/)
    await expect(readFile(join(root, 'other', 'endpoint.json'))).rejects.toThrow()
  })

  test.each<[string, object, string]>([
    ['goes on with a session', {}, 'signed_in'],
    ['does not go on with one that has ended on its way', { ended: true }, 'signed_out'],
  ])('%s', async (_name, { ended }: { ended?: boolean }, state) => {
    await agent.signIn(undefined)
    const secrets = new PassedSecrets()
    const passed = await agent.passOn(secrets.put)
    const over = { over: ended ? { ended: [stage.site.url] } : {} }
    const lines = [say.document(1, '1', passed, secrets), say.secrets(secrets), over]
    const running = await takingOver(...lines.map((line) => Buffer.from(encodeJson(line)).toString()))
    const next = new AgentClient({
      endpointFiles: [join(root, 'other', 'endpoint.json')],
      caller: { name: 'test', version: '1' },
      timeoutMs: 15_000,
    })
    try {
      await expect
        .poll(
          () =>
            next.status().then(
              ({ sites }) => sites[0]?.state,
              () => undefined,
            ),
          { timeout: 15_000 },
        )
        .toBe(state)
      process.kill((await next.status()).agent.pid)
    } finally {
      next.close()
      await finished(running)
    }
  })
})
