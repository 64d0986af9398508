import { access, chown, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { readEndpointFile } from '../../src/socket/endpoint-file.ts'
import type { WireSiteStatus } from '../../src/socket/messages.ts'
import { noteSecret } from '../sandbox/canaries.ts'
import { type Running, untilSaid } from '../sandbox/processes.ts'
import { type Scene, setScene } from './scene.ts'

/** Settling, starting and taking over, on a machine that has more to do. */
const limitMs = 40_000

let scene: Scene
let program: string
let endpointFile: string
let client: AgentClient
beforeAll(async () => {
  scene = await setScene()
  await scene.studio.startBroker()
  program = join(scene.studio.folder, 'program', 'sg-session.mjs')
  endpointFile = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
  await mkdir(join(scene.studio.folder, 'program'))
})
afterAll(() => scene.close())

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Puts a program on the disk as package managers do: whole, by a rename. */
async function put(code: string): Promise<void> {
  await writeFile(`${program}.new`, `// ${performance.now()}\n${code}\n`)
  await rename(`${program}.new`, program)
}

const itself = `await (await import(${JSON.stringify(resolve('src/cli/sg-session.ts'))})).program.parseAsync()`
/** What stands before the real program in one that is not right. */
const isSuccessor = `if (process.argv.includes('--take-over'))`
const speaking = (message: string): string =>
  `${isSuccessor} { const { Socket } = await import('node:net'); const pipe = new Socket({ fd: 3 });
   pipe.write(${JSON.stringify(`${message}\n`)}); await new Promise((done) => pipe.on('close', done)); process.exit(9) }`

let agent: Running
beforeEach(async () => {
  await put(itself)
  agent = await scene.studio.startAgent({ program, logLevel: 'info' })
  client = new AgentClient({ endpointFiles: [endpointFile], caller: { name: 'test', version: '1' } })
})
afterEach(async () => {
  client?.close()
  const serving = await servingPid()
  if (serving && isAlive(serving)) process.kill(serving, 'SIGKILL')
  await agent.stop('SIGKILL')
  await rm(endpointFile, { force: true })
})

async function servingPid(): Promise<number | undefined> {
  return (await readEndpointFile(endpointFile).catch(() => undefined))?.pid
}

/** The process that serves in the agent's place. */
async function untilHandedOver(before = agent.pid): Promise<number> {
  for (const deadline = performance.now() + limitMs; isAlive(before); await sleep(20)) {
    if (performance.now() > deadline) throw new Error(`process ${before} goes on: ${agent.stderr()}`)
  }
  const pid = (await client.status()).agent.pid
  expect(pid).not.toBe(before)
  noteSecret('endpoint key', JSON.parse(await readFile(endpointFile, 'utf8')).key)
  return pid
}

/** The descriptors of a process, but for its input and output, that are one end of a pair of sockets. proc(5), /proc/net/unix */
async function pairsOf(pid: number): Promise<string[]> {
  const table = await readFile(`/proc/${pid}/net/unix`, 'latin1')
  const pairs = new Set(table.split('\n').map((line) => `socket:[${line.split(/ +/)[6]}]`))
  const open = (await readdir(`/proc/${pid}/fd`)).filter((descriptor) => Number(descriptor) > 2)
  const links = await Promise.all(open.map((one) => readlink(`/proc/${pid}/fd/${one}`).catch(() => '')))
  return open.filter((_descriptor, index) => pairs.has(links[index] ?? ''))
}

const counts = (): Record<string, number> => ({
  signIns: scene.identity.calls.get('token:authorization_code') ?? 0,
  sudo: scene.site.calls.get('get_session_token') ?? 0,
  refreshes: scene.identity.calls.get('token:refresh_token') ?? 0,
  revoked: scene.identity.calls.get('revoke') ?? 0,
})

describe('when the program on the disk is replaced', () => {
  test('a thousand calls of Python and Node go on over it without one that fails, and nobody signs in again', async () => {
    await scene.signIn()
    const before = await client.getSession()
    const counted = counts()
    expect(counted).toMatchObject({ signIns: 1, sudo: 1, refreshes: 0, revoked: 0 })
    const heard: (string | undefined)[] = []
    const stopWatching = new AbortController()
    const watching = client.watch((status?: WireSiteStatus) => heard.push(status?.state), stopWatching.signal)
    const python = [1, 2].map(() => scene.studio.startPython('python3', '-u', resolve('test/e2e/calling-on.py'), '250'))
    const watcher = scene.studio.startPython('python3', '-u', resolve('test/e2e/watcher.py'))
    for (const caller of python) await untilSaid(caller, 'calling', limitMs)
    await expect.poll(() => watcher.stdout(), { timeout: limitMs }).toContain('signed_in')
    let isHandedOver = false
    const failures: unknown[] = []
    let calls = 0
    const calling = [1, 2].map(async () => {
      const own = new AgentClient({ endpointFiles: [endpointFile], caller: { name: 'caller', version: '1' } })
      // As many as are asked for, and on until it is over.
      for (let made = 0; made < 250 || !isHandedOver; made += 1) {
        const one =
          made % 5 === 0
            ? new AgentClient({ endpointFiles: [endpointFile], caller: { name: 'fresh', version: '1' } })
            : own
        await one
          .getSession()
          .then(({ sessionToken }) => expect(sessionToken).toBe(before.sessionToken))
          .catch((error: unknown) => failures.push(error))
        if (one !== own) one.close()
        calls += 1
        await sleep(5)
      }
      own.close()
    })
    await put(itself)
    const pid = await untilHandedOver()
    isHandedOver = true
    await Promise.all(calling)
    for (const caller of python) process.kill(caller.pid, 'SIGUSR1')
    for (const caller of python) {
      expect(await caller.ended, caller.stderr()).toBe(0)
      calls += Number(/made (\d+)/.exec(caller.stdout())?.[1])
    }
    expect(failures).toEqual([])
    expect(calls).toBeGreaterThanOrEqual(1_000)
    expect(counts()).toEqual(counted)
    expect(await client.getSession()).toMatchObject({
      sessionToken: before.sessionToken,
      generation: before.generation,
    })
    // Watchers are told nothing that is not so.
    await expect.poll(() => heard.length, { timeout: limitMs }).toBeGreaterThan(1)
    expect(new Set(heard)).toEqual(new Set(['signed_in']))
    await expect.poll(() => watcher.stdout().match(/signed_in/g)?.length, { timeout: limitMs }).toBe(2)
    expect(new Set(watcher.stdout().trim().split('\n'))).toEqual(new Set(['signed_in']))
    stopWatching.abort()
    await Promise.all([watching, watcher.stop()])

    // What renews it came along: a session that ends is renewed, once, and nobody is at the browser.
    scene.site.expireSessions()
    await client.reportRejected({ generation: before.generation })
    const renewed = await client.getSession()
    expect(renewed.sessionToken).not.toBe(before.sessionToken)
    expect(counts()).toEqual({
      ...counted,
      sudo: (counted['sudo'] ?? 0) + 1,
      refreshes: (counted['refreshes'] ?? 0) + 1,
    })
    // And a second time, from a process that has taken over itself.
    await put(itself)
    await untilHandedOver(pid)
    expect(await client.getSession()).toMatchObject({
      sessionToken: renewed.sessionToken,
      generation: renewed.generation,
    })
  })

  test('it waits for an artist who is at the browser, and hands over when they have signed in', async () => {
    const signingIn = client.signIn({})
    await put(itself)
    await sleep(4_000)
    expect(isAlive(agent.pid)).toBe(true)
    await scene.answerBrowser()
    expect(await signingIn).toMatchObject({ state: 'signed_in' })
    await untilHandedOver()
    expect((await client.getSession()).login).toBe('artist@studio.example')
  })

  test('the successor’s arguments and environment hold no secret', async () => {
    await scene.signIn()
    const { sessionToken } = await client.getSession()
    await put(itself)
    const pid = await untilHandedOver()
    const [args, environment] = await Promise.all(
      ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1')),
    )
    expect(args).toContain('--take-over')
    expect(args).toContain('--allow-insecure-loopback')
    expect(`${args}${environment}`).not.toContain(sessionToken)
  })

  test('the pipe is closed when it is over', async () => {
    await put(itself)
    const pid = await untilHandedOver()
    await expect.poll(() => pairsOf(pid)).toEqual([])
  })
})

describe('a program that does not take over', () => {
  const failing: [name: string, code: string, because: string][] = [
    ['ends at once', `${isSuccessor} process.exit(3)`, 'it ended with 3'],
    ['is cut off in the middle', itself.slice(0, 20), 'it ended with 1'],
    [
      'knows only a newer format',
      speaking('{"ready":{"formats":[3,2],"version":"9.0.0"}}'),
      'version 9.0.0 knows no format of this one: it reads 3, 2, this one writes 1',
    ],
  ]
  test('changes nothing, whether it ends, is cut off or is too new; the agent says why, and the next one is tried', async () => {
    await scene.signIn()
    const session = await client.getSession()
    const endpoint = JSON.parse(await readFile(endpointFile, 'utf8'))
    for (const [name, code, because] of failing) {
      await put(code)
      const why = async (): Promise<string | undefined> => (await client.status()).agent.handOver?.because
      await expect.poll(why, { timeout: limitMs, message: name }).toBe(because)
      expect(await client.getSession()).toMatchObject({ sessionToken: session.sessionToken })
      expect((await client.status()).agent.pid).toBe(agent.pid)
      expect(JSON.parse(await readFile(endpointFile, 'utf8'))).toEqual(endpoint)
    }
    expect(agent.stderr().match(/this one goes on/g)).toHaveLength(failing.length)
    const doctor = await scene.studio.sgSession('doctor', '--json', '--allow-insecure-loopback')
    expect(doctor.stdout).toContain('the program on the disk is another one and has not taken over')
    await put(itself)
    await untilHandedOver()
    expect(await client.getSession()).toMatchObject({ sessionToken: session.sessionToken })
    expect((await client.status()).agent.handOver).toBeUndefined()
  })

  test.runIf(process.getuid?.() === 0)('is not even started where another user could have written it', async () => {
    const started = join(scene.studio.folder, 'was-started')
    await writeFile(`${program}.new`, `(await import('node:fs')).writeFileSync(${JSON.stringify(started)}, '')\n`)
    await chown(`${program}.new`, 65_534, 65_534)
    await rename(`${program}.new`, program)
    const why = async (): Promise<string | undefined> => (await client.status()).agent.handOver?.because
    await expect.poll(why, { timeout: limitMs }).toBe(`"${program}" belongs to another user`)
    await expect(access(started)).rejects.toThrow()
  })
})

describe('a kill in the middle', () => {
  /** The successor, as soon as there is one. */
  async function untilStarted(): Promise<number> {
    for (const deadline = performance.now() + limitMs; performance.now() < deadline; await sleep(10)) {
      const children = await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8')
      for (const pid of children.trim().split(' ')) {
        const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
        if (line.includes('--take-over')) return Number(pid)
      }
    }
    throw new Error('no successor was started')
  }

  test('of the successor, at any moment, leaves the agent as it was', async () => {
    await scene.signIn()
    const { sessionToken } = await client.getSession()
    for (const afterMs of [50, 250, 500]) {
      await put(itself)
      const successor = await untilStarted()
      await sleep(afterMs)
      if (isAlive(successor)) process.kill(successor, 'SIGKILL')
      const served = async (): Promise<string | undefined> =>
        agent.stderr().includes('has taken over') ? 'handed over' : (await client.getSession()).sessionToken
      await expect
        .poll(served, { timeout: limitMs })
        .toSatisfy((said) => said === sessionToken || said === 'handed over')
      // It was the agent itself that was killed then.
      if ((await served()) === 'handed over') break
    }
  })

  test('of the agent leaves its successor in its place, or a clean start', async () => {
    await scene.signIn()
    await put(itself)
    await untilStarted()
    await sleep(400)
    await agent.stop('SIGKILL').catch(() => undefined)
    await sleep(1_500)
    const isServed = await client.status().then(
      () => true,
      () => false,
    )
    if (!isServed) agent = await scene.studio.startAgent({ program })
    await client.status()
  })
})

test('a start with --take-over and no pipe, or one of another program, is refused', async () => {
  const alone = scene.studio.startSgSession('agent', '--take-over')
  expect(await alone.ended).toBe(37)
  expect(alone.stderr()).toContain('it hands nothing over')
  const stranger = `import subprocess, socket, sys
ours, theirs = socket.socketpair()
import os
os.dup2(theirs.fileno(), 3, inheritable=True)
done = subprocess.run(sys.argv[1:], close_fds=False, stderr=subprocess.PIPE)
print(done.returncode, done.stderr.decode())`
  const { stdout } = await scene.studio.python(
    'python3',
    '-c',
    stranger,
    process.execPath,
    program,
    'agent',
    '--take-over',
  )
  expect(stdout).toMatch(/^37 .*is another program/s)
})
