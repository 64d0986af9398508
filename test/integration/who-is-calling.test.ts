import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, realpath, rename, rm, symlink } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Identified, Peer } from '../../src/socket/peer.ts'
import { askSystem } from '../../src/socket/peers/ask-system.ts'
import { macPeers } from '../../src/socket/peers/macos.ts'
import type { Met } from '../../src/socket/peers/met.ts'
import { systemPeers } from '../../src/socket/who-is-calling.ts'
import { Caller, callerScript, python } from './calling/caller.ts'

const peers = systemPeers()
const ownUid = process.getuid?.()

let folder: string
let server: Server
let port: number
const came: ((met: Met) => void)[] = []
const sockets = new Set<Socket>()
const callers: Caller[] = []
const children: number[] = []

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sg-session-calling-')))
  server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    came.shift()?.(peers.meet(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(async () => {
  await Promise.all(callers.splice(0).map((caller) => caller.end()))
  for (const pid of children.splice(0)) process.kill(pid, 'SIGKILL')
  for (const socket of sockets) socket.destroy()
  sockets.clear()
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

function start(program?: string): Caller {
  const caller = Caller.start(program)
  callers.push(caller)
  return caller
}

/** Has it connect; resolves with the connection as it was met. */
async function connect(caller: Caller): Promise<Met> {
  const met = new Promise<Met>((resolve) => came.push(resolve))
  await caller.tell('connect', port)
  await (await met).row
  return met
}

async function child(pid: unknown): Promise<number> {
  children.push(Number(pid))
  return Number(pid)
}

function known(identified: Identified): Peer {
  if (identified.kind !== 'known') throw new Error(identified.because)
  return identified.peer
}

/** A Python under another path: another program, as far as the system knows. */
async function copyPython(name: string): Promise<string> {
  const copy = join(folder, name)
  await copyFile(python.file, copy)
  return copy
}

describe.runIf(process.platform === 'linux')('who is calling', () => {
  test('is a process of this user, with its program, its script and who started it', async () => {
    const caller = start()
    const peer = known(await peers.identify(await connect(caller), caller.pid))
    expect(peer).toMatchObject({ pid: caller.pid, pids: [caller.pid], uid: ownUid, executable: python.file })
    expect(peer.script).toBe(callerScript)
    expect(peer.parents[0]).toMatchObject({ pid: process.pid, executable: await realpath(process.execPath) })
    expect(peer.parents.length).toBeLessThanOrEqual(8)
    expect(await peers.isStill(peer)).toBe(true)
  })

  test('has a script by its true name, whatever link and folder it was started through', async () => {
    const link = join(folder, 'linked.py')
    await symlink(callerScript, link)
    const caller = Caller.startAs('sh', ['-c', `cd '${folder}' && exec '${python.file}' -u -X utf8 ./linked.py`])
    callers.push(caller)
    expect(known(await peers.identify(await connect(caller), caller.pid)).script).toBe(callerScript)
  })

  test('is nobody when its command line names a script with a name that no file can have', async () => {
    // What is an option’s value to a Python is a script to a Node, by whose name it goes.
    const disguised = join(folder, 'node')
    await copyFile(python.file, disguised)
    const caller = Caller.startAs(disguised, ['-X', 'x'.repeat(100_000), callerScript])
    callers.push(caller)
    const because = expect.stringContaining('longer than')
    expect(await peers.identify(await connect(caller), caller.pid)).toMatchObject({ kind: 'unknown', because })
  })

  test('is found whatever number it claims', async () => {
    const [caller, other] = [start(), start()]
    await connect(other)
    const met = await connect(caller)
    const thread = Number(
      execFileSync('ls', [`/proc/${process.pid}/task`], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .at(-1),
    )
    for (const claimed of [other.pid, process.pid, thread, 1, 0, 2 ** 31, Number.MAX_SAFE_INTEGER, 0.5, -1]) {
      const peer = known(await peers.identify(met, claimed))
      expect({ claimed, pid: peer.pid, pids: peer.pids }).toEqual({ claimed, pid: caller.pid, pids: [caller.pid] })
    }
  })

  test('is told of each of many that ask at once, and lie', async () => {
    const crew = [start(), start(), start()]
    const lines: [Caller, Met][] = []
    for (let round = 0; round < 40; round += 1) for (const caller of crew) lines.push([caller, await connect(caller)])
    const found = await Promise.all(lines.map(async ([, met]) => known(await peers.identify(met, process.pid)).pid))
    expect(found).toEqual(lines.map(([caller]) => caller.pid))
  })
})

describe.runIf(process.platform === 'linux')('a socket that several hold', () => {
  test('is that of all who have it by fork, whichever of them claims it', async () => {
    const caller = start()
    const met = await connect(caller)
    const [first, second] = [await child(await caller.tell('fork')), await child(await caller.tell('fork'))]
    for (const claimed of [caller.pid, first, second, process.pid]) {
      const peer = known(await peers.identify(met, claimed))
      expect([...peer.pids].sort()).toEqual([caller.pid, first, second].sort())
      expect(peer.pids).toContain(peer.pid)
    }
  })

  test('belongs to nobody in particular when one of them runs another program', async () => {
    const caller = start()
    const met = await connect(caller)
    const before = known(await peers.identify(met, caller.pid))
    const sleeper = await child(await caller.tell('fork_and_exec', '/bin/sleep', '120'))
    await expect.poll(() => execFileSync('readlink', [`/proc/${sleeper}/exe`], { encoding: 'utf8' })).toContain('sleep')
    for (const claimed of [caller.pid, sleeper, process.pid]) {
      const identified = await peers.identify(met, claimed)
      expect(identified).toMatchObject({ kind: 'unknown', uid: ownUid, because: expect.stringContaining('sleep') })
    }
    // The first process has not changed.
    expect(await peers.isStill(before)).toBe(true)
  })

  test('belongs to nobody in particular when one of them runs another script', async () => {
    const caller = start()
    const met = await connect(caller)
    const other = await child(await caller.tell('fork_and_exec', python.file, '-c', 'import time; time.sleep(120)'))
    await expect
      .poll(() => execFileSync('cat', [`/proc/${other}/cmdline`], { encoding: 'utf8' }))
      .toContain('time.sleep')
    expect(await peers.identify(met, caller.pid)).toMatchObject({
      kind: 'unknown',
      because: expect.stringContaining('script'),
    })
  })

  test('is no longer theirs when one of them ends', async () => {
    const caller = start()
    const met = await connect(caller)
    const forked = await child(await caller.tell('fork'))
    const both = known(await peers.identify(met, caller.pid))
    caller.mention('leave')
    await caller.gone()
    expect(await peers.isStill(both)).toBe(false)
    expect(known(await peers.identify(met, caller.pid)).pids).toEqual([forked])
  })

  test('is the program’s that it was handed to, once the other is gone', async () => {
    const [giver, taker] = [start(), start(await copyPython('taker'))]
    const path = join(folder, 'way')
    await taker.tell('take', path)
    const met = await connect(giver)
    const before = known(await peers.identify(met, giver.pid))
    await giver.tell('give', path)
    await taker.hear()
    await giver.tell('hang_up')
    expect(await peers.isStill(before)).toBe(false)
    giver.mention('leave')
    await giver.gone()
    const peer = known(await peers.identify(met, giver.pid))
    expect(peer).toMatchObject({ pid: taker.pid, pids: [taker.pid], executable: join(folder, 'taker') })
  })
})

describe.runIf(process.platform === 'linux')('a process that changes', () => {
  test('into another program is that program from then on', async () => {
    const caller = start()
    const met = await connect(caller)
    const before = known(await peers.identify(met, caller.pid))
    expect(await caller.tell('become', await copyPython('changed'))).toBe(caller.pid)
    expect(await peers.isStill(before)).toBe(false)
    const after = known(await peers.identify(met, caller.pid))
    expect(after).toMatchObject({ pid: caller.pid, executable: join(folder, 'changed') })
  })

  test('into another script of the same program is that script from then on', async () => {
    const script = join(folder, 'changed.py')
    await copyFile(callerScript, script)
    const caller = start()
    const met = await connect(caller)
    const before = known(await peers.identify(met, caller.pid))
    expect(before.script).toBe(await realpath(callerScript))
    expect(await caller.tell('become', python.file, script)).toBe(caller.pid)
    expect(await peers.isStill(before)).toBe(false)
    expect(known(await peers.identify(met, caller.pid)).script).toBe(await realpath(script))
  })

  test('whose script’s path led nowhere for a while is named by its file again', async () => {
    const script = join(folder, 'far-away.py')
    const link = join(folder, 'way-to-it.py')
    await copyFile(callerScript, script)
    await symlink(script, link)
    const caller = Caller.startAs(python.file, [link])
    callers.push(caller)
    const met = await connect(caller)
    await rm(link)
    expect(known(await peers.identify(met, caller.pid)).script).toBe(link)
    await symlink(script, link)
    expect(known(await peers.identify(met, caller.pid)).script).toBe(await realpath(script))
  })

  test('and deletes its program file is nobody, and hears what to do', async () => {
    const copy = await copyPython('deleted')
    const caller = start(copy)
    const met = await connect(caller)
    const before = known(await peers.identify(met, caller.pid))
    await caller.tell('unlink')
    expect(await peers.isStill(before)).toBe(false)
    const because = `"${copy}" was deleted or replaced since the program was started: start the program again`
    expect(await peers.identify(met, caller.pid)).toEqual({ kind: 'unknown', uid: ownUid, because })
  })

  test('whose program file was replaced is nobody until it is started again', async () => {
    const copy = await copyPython('replaced')
    const caller = start(copy)
    const met = await connect(caller)
    await rename(await copyPython('newer'), copy)
    expect(await peers.identify(met, caller.pid)).toMatchObject({
      kind: 'unknown',
      because: expect.stringContaining('replaced'),
    })
    const again = start(copy)
    expect(known(await peers.identify(await connect(again), again.pid)).executable).toBe(copy)
  })

  test('and is gone is nobody of this user', async () => {
    const caller = start()
    const met = await connect(caller)
    const before = known(await peers.identify(met, caller.pid))
    caller.mention('leave')
    await caller.gone()
    expect(await peers.isStill(before)).toBe(false)
    expect(await peers.identify(met, caller.pid)).toEqual({ kind: 'unknown', because: 'its connection is over' })
  })

  test('and leaves a connection behind that still has something to say is nobody: its row would name root', async () => {
    const caller = start()
    // Nobody reads: the rest of it waits in the system.
    const met = await connect(caller)
    await caller.tell('fill')
    caller.mention('leave')
    await caller.gone()
    const identified = await peers.identify(met, caller.pid)
    expect(identified).toEqual({ kind: 'unknown', because: 'its connection is over' })
    // Whoever meets it only now finds the row without an owner.
    const late = peers.meet(met.ends)
    expect(await late.isForeign).toBe(true)
    expect(await peers.identify(late, caller.pid)).toMatchObject({ kind: 'unknown' })
    expect(await peers.identify(late, caller.pid)).not.toHaveProperty('uid')
  })
})

describe.runIf(process.platform === 'linux')('a process with a view of its own', () => {
  const inView = async (setUp: string, program: string): Promise<Caller | undefined> => {
    if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return undefined
    const caller = Caller.startAs('unshare', ['--mount', 'sh', '-c', `${setUp} && exec '${program}' '${callerScript}'`])
    callers.push(caller)
    return caller
  }

  test('is known when its path is ours', async (context) => {
    const caller = await inView('true', python.file)
    if (!caller) return context.skip('nothing can be mounted here')
    expect(known(await peers.identify(await connect(caller), caller.pid)).executable).toBe(python.file)
  })

  test('is nobody when its path is another file here', async (context) => {
    const [honest, pretender] = [await copyPython('honest'), await copyPython('pretender')]
    const caller = await inView(`mount --bind '${pretender}' '${honest}'`, honest)
    if (!caller) return context.skip('nothing can be mounted here')
    const met = await connect(caller)
    expect(execFileSync('readlink', [`/proc/${caller.pid}/exe`], { encoding: 'utf8' }).trim()).toBe(honest)
    expect(await peers.identify(met, caller.pid)).toMatchObject({
      kind: 'unknown',
      uid: ownUid,
      because: expect.stringContaining('container'),
    })
  })

  test('is nobody when its path is nowhere here', async (context) => {
    const caller = await inView(
      `mount -t tmpfs tmpfs '${folder}' && cp '${python.file}' '${folder}/inside'`,
      join(folder, 'inside'),
    )
    if (!caller) return context.skip('nothing can be mounted here')
    expect(await peers.identify(await connect(caller), caller.pid)).toMatchObject({ kind: 'unknown', uid: ownUid })
  })
})

test.runIf(process.platform === 'linux' && existsSync('/usr/bin/lsof') && existsSync('/bin/ps'))(
  'the way a Mac finds out who is calling finds the same here, where lsof and ps print the same fields',
  async () => {
    const mac = macPeers((command, args) => askSystem(command === '/bin/ps' ? command : '/usr/bin/lsof', args))
    const caller = start()
    const met = await connect(caller)
    const expected = known(await peers.identify(met, caller.pid))
    const peer = known(await mac.identify(mac.meet(met.ends), caller.pid))
    const { pid, pids, uid, executable, script } = expected
    expect(peer).toMatchObject({ pid, pids, uid, executable, script })
    expect(peer.parents.map((parent) => parent.pid)).toEqual(expected.parents.map((parent) => parent.pid))
    expect(await mac.isStill(peer)).toBe(true)
    caller.mention('leave')
    await caller.gone()
    expect(await mac.isStill(peer)).toBe(false)
  },
)

test.runIf(process.platform === 'linux')('a search among all processes leaves the event loop free', async () => {
  const idle = Array.from({ length: 100 }, () => spawn('sleep', ['120'], { stdio: 'ignore' }))
  const caller = start()
  const met = await connect(caller)
  // In processor time, which a busy machine does not lengthen.
  let longestUs = 0
  let turns = 0
  let isOver = false
  let last = process.cpuUsage()
  const watch = (): void => {
    const { user, system } = process.cpuUsage(last)
    longestUs = Math.max(longestUs, user + system)
    last = process.cpuUsage()
    turns += 1
    if (!isOver) setImmediate(watch)
  }
  setImmediate(watch)
  for (let round = 0; round < 5; round += 1) known(await peers.identify(met, process.pid))
  isOver = true
  for (const one of idle) one.kill('SIGKILL')
  expect(turns).toBeGreaterThan(5)
  expect(longestUs).toBeLessThan(100_000)
})
