import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AgentClient } from '../../src/client/node/agent-client.ts'
import { dial, type Line } from '../../src/socket/dial.ts'
import { readEndpointFile } from '../../src/socket/endpoint-file.ts'
import { finished, type Running, startProcess } from '../sandbox/processes.ts'
import { cpuMsOf, FakeClock, type FaultStage, isGood, missingProgram, openFaultStage } from './fault-stage.ts'

const isRoot = process.getuid?.() === 0

let stage: FaultStage
let client: AgentClient
let site: string
beforeAll(async () => {
  stage = await openFaultStage({ session: { rememberSignIn: true } })
  client = stage.client()
  site = stage.second.url
  await stage.studio.startBroker()
})
let agent: Running
afterEach(async () => {
  // None was started where a test was skipped.
  await (agent as Running | undefined)?.stop()
})
afterAll(() => stage.close())

function skipWhere(reason: string | undefined): void {
  beforeEach((context) => {
    if (reason) context.skip(reason)
  })
}

/** A session that the site takes, from a client that begins anew. */
async function demandServed(): Promise<void> {
  expect(isGood(stage.second, await stage.client().getSession({ site }))).toBe(true)
}

describe('an agent that stands still', () => {
  test('because its process was stopped says for how long and during what, and keeps what it holds; while nobody asks it is not woken', async () => {
    agent = await stage.studio.startAgent()
    await client.status()
    const wakeUps = async () =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(await readFile(`/proc/${agent.pid}/status`, 'utf8'))?.[1])
    const inASecond = async (): Promise<number> => {
      const before = await wakeUps()
      await sleep(1_100)
      return (await wakeUps()) - before
    }
    await expect.poll(inASecond, { timeout: 20_000, interval: 0 }).toBe(0)

    await stage.signInAtSecond(client)
    const { generation } = await client.getSession({ site })
    stage.second.faults.inject({ path: '/', times: 1, does: { kind: 'delay', ms: 500 } })
    const reported = stage.client(20_000).reportRejected({ site, generation })
    await expect.poll(() => stage.second.faults.list(), { interval: 5 }).toEqual([])
    process.kill(agent.pid, 'SIGSTOP')
    await sleep(2_500)
    process.kill(agent.pid, 'SIGCONT')
    await reported
    const { agent: told } = await client.status()
    expect(told.lastStall).toMatchObject({ because: 'not_running', during: ['session/reportRejected'] })
    expect(told.lastStall?.lastedMs).toBeGreaterThan(1_500)
    const lines = agent
      .stderr()
      .split('\n')
      .filter((line) => line.includes('the agent stood still') && line.includes('session/reportRejected'))
    expect(lines).toHaveLength(1)
    await demandServed()
  })
})

describe('a machine that sleeps while a request waits', () => {
  skipWhere(FakeClock.library ? undefined : 'libfaketime is not installed')

  test('is told apart from an agent that stands still', async () => {
    const clock = new FakeClock(stage.studio.folder)
    agent = await stage.studio.startAgent(await clock.how())
    await stage.signInAtSecond(client)
    const { generation } = await client.getSession({ site })
    stage.second.faults.inject({ path: '/', times: 1, does: { kind: 'delay', ms: 1_500 } })
    const reported = stage.client(20_000).reportRejected({ site, generation })
    await expect.poll(() => stage.second.faults.list(), { interval: 5 }).toEqual([])
    process.kill(agent.pid, 'SIGSTOP')
    await clock.set(9 * 3600_000)
    process.kill(agent.pid, 'SIGCONT')
    await reported
    expect((await client.status()).agent.lastStall).toBeUndefined()
    expect(agent.stderr()).toContain('the clock was set, or the machine slept')
  })
})

describe('without file descriptors to spare', () => {
  test('an agent serves whom it has, and everybody again when there are some', async (context) => {
    const missing = missingProgram('prlimit')
    if (missing) return context.skip(missing)
    agent = await stage.studio.startAgent({ wrapper: ['prlimit', '--nofile=64'] })
    await stage.signInAtSecond(client)
    const endpoint = await readEndpointFile(stage.endpointFile)
    if (!endpoint) throw new Error('no agent is announced')
    const lines: Line[] = []
    // Until no more get in: a stranger who is not answered is cut off.
    for (let refused = 0; refused < 2; ) {
      const line = await dial(endpoint, { name: 'crowd', version: '1' }, 1_000).catch(() => undefined)
      if (line) lines.push(line)
      else refused += 1
    }
    expect(lines.length).toBeGreaterThan(10)
    expect((await client.status()).agent.pid).toBe(agent.pid)
    const before = await cpuMsOf(agent.pid)
    await sleep(1_000)
    expect((await cpuMsOf(agent.pid)) - before).toBeLessThan(200)
    for (const line of lines) line.close()
    await expect.poll(() => demandServed().then(() => 'served', String)).toBe('served')
  })
})

/**
 * Runs a program with these commands of a shell before it, which change what is mounted for it alone. `$FOLDER` is the studio's;
 * nothing of it lies where another agent of this user could announce itself.
 */
const mounted = (...commands: string[]): string[] => {
  const own = [
    `FOLDER='${stage.studio.folder}'`,
    'mkdir -p -m 700 "/tmp/sg-session-$(id -u)" && mount -t tmpfs -o mode=700 tmpfs "/tmp/sg-session-$(id -u)"',
    '[ ! -d /run/user ] || mount -t tmpfs tmpfs /run/user',
  ]
  return ['unshare', '--mount', 'sh', '-c', `set -e; ${[...own, ...commands].join('; ')}; exec "$@"`, 'sh']
}
const readOnly = (folder: string): string => `mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`
/** A disk of its own in the place of the folder, with what was in it, and no room for anything more. */
const full = (folder: string): string =>
  `mv() { cp -a ${folder}/. "$1"; }; mkdir -p $FOLDER/kept; mv $FOLDER/kept; mount -t tmpfs -o size=256k,mode=700 tmpfs ${folder}; cp -a $FOLDER/kept/. ${folder}; cat /dev/zero > ${folder}/filler 2>/dev/null || true`
const cannotMount = isRoot ? missingProgram('unshare') : 'only root may mount'

describe('the agent starts, serves, and a sign-in works', () => {
  skipWhere(cannotMount)

  test.each<[string, () => readonly string[], Readonly<Record<string, string | undefined>>, string]>([
    ['where the home folder is read-only', () => mounted(readOnly('$FOLDER/home')), {}, 'run'],
    ['where the home folder’s disk is full', () => mounted(full('$FOLDER/home')), {}, 'run'],
    ['where the runtime folder is read-only', () => mounted(readOnly('$FOLDER/run')), {}, 'tmp'],
    ['without HOME and XDG_RUNTIME_DIR', () => mounted(), { HOME: undefined, XDG_RUNTIME_DIR: undefined }, 'tmp'],
  ])('%s', async (_what, wrapper, env, place) => {
    await rm(join(stage.studio.folder, 'run', 'sg-session'), { recursive: true, force: true })
    await rm(join(stage.studio.folder, 'kept'), { recursive: true, force: true })
    // Nothing of the machine that runs the tests.
    const state = { XDG_STATE_HOME: join(stage.studio.folder, 'home', '.local', 'state') }
    agent = await stage.studio.startAgent({ wrapper: wrapper(), env: { ...state, ...env } })
    // Through its process: the place is one that only it has mounted.
    const other = `/proc/${agent.pid}/root/tmp/sg-session-${process.getuid?.()}/endpoint.json`
    const own = stage.client(5_000, place === 'run' ? stage.endpointFile : other)
    await stage.signInAtSecond(own)
    expect(isGood(stage.second, await own.getSession({ site }))).toBe(true)
    // It has no keychain to remember anything in either.
    expect(agent.stderr()).toContain('this system has no keychain to use')
  })
})

describe('an endpoint file that cannot be written is said with its name, and why', () => {
  const demandSaid = async (started: Promise<unknown>, code: string): Promise<void> => {
    await expect(started).rejects.toThrow(new RegExp(`ended with 71: .*sg-session.* cannot be written: ${code}`, 's'))
  }

  test('on a disk that is full', async (context) => {
    if (cannotMount) return context.skip(cannotMount)
    await mkdir(join(stage.studio.folder, 'run', 'sg-session'), { recursive: true, mode: 0o700 })
    await demandSaid(stage.studio.startAgent({ wrapper: mounted(full('$FOLDER/run')) }), 'ENOSPC')
  })

  test('on one with errors, and no half of it is left behind', async (context) => {
    const missing = missingProgram('strace')
    if (missing) return context.skip(missing)
    const inject = ['-e', 'trace=rename', '-e', 'inject=rename:error=EIO']
    const wrapper = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', ...inject]
    await demandSaid(stage.studio.startAgent({ wrapper }), 'EIO')
    expect(await readdir(join(stage.studio.folder, 'run', 'sg-session'))).toEqual([])
  })
})

test('settings on a full disk are as they were, and the change is refused with their name', async (context) => {
  if (cannotMount) return context.skip(cannotMount)
  const change = `
    import { readFileSync } from 'node:fs'
    import { writeSettings } from '${resolve('src/config/config-files.ts')}'
    import { standardPaths } from '${resolve('src/system/paths.ts')}'
    const paths = standardPaths()
    const before = readFileSync(paths.settingsFile, 'utf8')
    const error = await writeSettings(paths, { app: { language: 'fr' } }, { insecureLoopback: true }).catch((error) => error)
    console.log(error.code, error.message === paths.settingsFile + ': cannot be written')
    console.log(readFileSync(paths.settingsFile, 'utf8') === before)`
  await rm(join(stage.studio.folder, 'kept'), { recursive: true, force: true })
  const [command = '', ...rest] = [
    ...mounted(full('$FOLDER/home')),
    process.execPath,
    '--input-type=module',
    '-e',
    change,
  ]
  const { stdout, stderr } = await finished(startProcess(command, rest, stage.studio.env))
  expect(stdout, stderr).toBe('config_invalid true\ntrue\n')
})

test('two hundred who ask while the answer to their one refresh is lost: asked for once more, and the sign-in lives on', async () => {
  agent = await stage.studio.startAgent()
  stage.identity.switches.refreshGraceMs = 5_000
  await stage.signInAtFirst(client)
  const refreshes = () => stage.identity.calls.get('token:refresh_token') ?? 0
  for (const [lost, needed] of [
    [1, 2],
    [0, 1],
  ]) {
    const before = refreshes()
    stage.site.expireSessions()
    if (lost) stage.identity.faults.inject({ path: '/authentication/v2/token', times: 1, does: { kind: 'lost-reply' } })
    const { generation } = await client.getSession({ site: stage.site.url })
    const crowd = Array.from({ length: 10 }, () => stage.client(30_000))
    const tokens = await Promise.all(
      crowd.flatMap((one) =>
        Array.from({ length: 20 }, async () => {
          await one.reportRejected({ site: stage.site.url, generation })
          return (await one.getSession({ site: stage.site.url })).sessionToken
        }),
      ),
    )
    expect(new Set(tokens).size).toBe(1)
    expect(isGood(stage.site, await client.getSession({ site: stage.site.url }))).toBe(true)
    expect(refreshes() - before).toBe(needed)
  }
})

describe('names that cannot be resolved', () => {
  skipWhere(cannotMount)

  test('keep the session, say what is out of reach, and five seconds after they can be it is renewed, once', async () => {
    const place = (name: string): string => join(stage.studio.folder, name)
    await writeFile(place('hosts'), '127.0.0.1 localhost\n')
    await writeFile(place('resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    const mounts = ['mount --bind $FOLDER/hosts /etc/hosts', 'mount --bind $FOLDER/resolv.conf /etc/resolv.conf']
    agent = await stage.studio.startAgent({ wrapper: mounted(...mounts) })
    await stage.signInAtFirst(client)
    const { generation } = await client.getSession({ site: stage.site.url })
    const refreshes = () => stage.identity.calls.get('token:refresh_token') ?? 0
    const before = refreshes()

    await writeFile(place('hosts'), '127.0.0.1 nobody\n')
    stage.site.expireSessions()
    // A connection that is open needs no name.
    stage.identity.faults.inject({ path: '/', times: 1, does: { kind: 'reset' } })
    const patient = stage.client(30_000)
    await expect(patient.reportRejected({ site: stage.site.url, generation })).rejects.toMatchObject({
      code: 'identity_unreachable',
    })
    stage.identity.faults.clear()
    expect((await client.status()).sites[0]).toMatchObject({ state: 'signed_in', problem: 'identity_unreachable' })
    await writeFile(place('hosts'), '127.0.0.1 localhost\n')
    const again = () => patient.getSession({ site: stage.site.url }).then((one) => isGood(stage.site, one), String)
    await expect.poll(again, { timeout: 10_000, interval: 200 }).toBe(true)
    expect(refreshes() - before).toBe(1)
  })
})
