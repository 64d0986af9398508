import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess } from '../sandbox/processes.ts'
import { type Copies, copiesIn, copiesInCore, countInFile } from './memory-of.ts'
import { type Used, useThroughBroker, useWithPassphrase } from './memory-stage.ts'

const isLinux = process.platform === 'linux'
const gdbMissing = !isLinux || spawnSync('gdb', ['--version']).status !== 0 ? 'there is no gdb here' : undefined

const sum = ({ utf8, utf16, base64 }: Copies): number => utf8 + utf16 + base64
const none = { utf8: 0, utf16: 0, base64: 0 }

/** Waits for the sign-out's own last calls, and for V8 to let go. */
async function untilAtMost(used: Used, most: Readonly<Record<string, number>>): Promise<void> {
  const judge = (): Record<string, number> =>
    Object.fromEntries(
      Object.entries(copiesIn(used.agent.pid, used.secrets)).map(([name, found]) => [name, sum(found)]),
    )
  const isLittle = (found: Record<string, number>): boolean =>
    Object.entries(most).every(([name, count]) => (found[name] ?? 0) <= count)
  await expect
    .poll(() => [isLittle(judge()), judge()], { timeout: 15_000, interval: 500 })
    .toEqual([true, expect.anything()])
}

describe.skipIf(!isLinux)('the memory of an agent that a broker signs in', () => {
  let used: Used
  beforeAll(async () => {
    used = await useThroughBroker(20)
  })
  afterAll(() => used.close())

  test('what looks for text in it finds what is there', () => {
    const { address } = copiesIn(used.agent.pid, { address: used.scene.site.url })
    expect(sum(address ?? none)).toBeGreaterThan(0)
  })

  test.skipIf(gdbMissing)('while signed in, a core that gcore takes of it holds none of them', async () => {
    const { bytes, found } = await copiesInCore(used.agent.pid, used.secrets, false)
    expect(Object.values(found)).toEqual([none, none, none, none])
    expect(bytes).toBeLessThan(4_000_000)
  })

  test('handing a session out leaves nothing behind, however often', () => {
    const found = copiesIn(used.agent.pid, used.secrets)
    // 20 times each: what a hand-out left would be there 20 times.
    for (const [name, copies] of Object.entries(found)) expect([name, sum(copies) < 15]).toEqual([name, true])
  })

  test('after the sign-out there is left what Node’s HTTP client has read, and nothing of ours', async () => {
    await used.signOut()
    await untilAtMost(used, {
      'session token': 2,
      'REST bearer': 3,
      'Autodesk access token': 3,
      'Autodesk refresh token': 3,
    })
  })
})

describe.skipIf(!isLinux)('the memory of an agent that a passphrase signs in', () => {
  let used: Used
  beforeAll(async () => {
    used = await useWithPassphrase(5)
  })
  afterAll(() => used.close())

  test('after the sign-out there is left of passphrase and session what Node has read', async () => {
    await used.signOut()
    await untilAtMost(used, { passphrase: 2, 'session token': 3, 'REST bearer': 3 })
  })
})

describe.skipIf(!isLinux)('a crash', () => {
  const canary = 'canary-in-memory-0123456789'
  const program = (filter: string): string => `
    import { writeFileSync } from 'node:fs'
    ${filter}
    globalThis.kept = Buffer.from(${JSON.stringify([...canary].join(' '))}.replaceAll(' ', ''))
    setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 50)
    setInterval(() => undefined, 1_000)`

  test('of a process that keeps out of dumps leaves a core without its memory', async (context) => {
    const pattern = (await readFile('/proc/sys/kernel/core_pattern', 'utf8')).trim()
    if (pattern !== 'core') return context.skip(`cores do not go where they can be read: "${pattern}"`)
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-crash-'))
    context.onTestFinished(() => rm(folder, { recursive: true }))
    const ours = `import { keepOutOfDumps } from ${JSON.stringify(join(process.cwd(), 'src/system/keep-out-of-dumps.ts'))}
      keepOutOfDumps({ debug() {} })`
    const counts: number[] = []
    for (const filter of ['', ours]) {
      const crash = startProcess(
        '/bin/sh',
        [
          '-c',
          'ulimit -c unlimited && exec "$@"',
          'sh',
          process.execPath,
          '--input-type=module',
          '-e',
          program(filter),
        ],
        {},
        { cwd: folder },
      )
      expect(await crash.ended, crash.stderr()).toBe(-1)
      counts.push(sum(countInFile(join(folder, 'core'), { canary }).found['canary'] ?? none))
    }
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts[1]).toBe(0)
  })
})
