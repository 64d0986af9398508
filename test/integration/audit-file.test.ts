import { spawnSync } from 'node:child_process'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ownEntry } from '../../src/audit/audit-entry.ts'
import { AuditFile, type fileLimits } from '../../src/audit/audit-file.ts'
import { oldFiles } from '../../src/audit/audit-files.ts'
import { writeLine } from '../../src/audit/audit-line.ts'
import { followAudit } from '../../src/audit/follow-audit.ts'
import { readAudit } from '../../src/audit/read-audit.ts'
import type { AgentError } from '../../src/errors.ts'

/** A busy machine is no failure. */
const patiently = { timeout: 20_000 }

const day = 24 * 3600_000
const isRoot = process.getuid?.() === 0

let folder: string
let home: string
let file: string
let now: number
let problems: (AgentError | undefined)[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-audit-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'))
  file = join(home, 'state', 'audit.jsonl')
  now = Date.now()
  problems = []
})

function audit(limits: Partial<typeof fileLimits> = {}, at = file, retentionDays = 90): AuditFile {
  const onProblem = (problem: AgentError | undefined): void => void problems.push(problem)
  const quick = { firstRetryMs: 20, lastRetryMs: 100 }
  return new AuditFile({ file: at, retentionDays, now: () => now, onProblem, limits: { ...quick, ...limits } }, lost)
}

function line(number: number): string {
  return writeLine(ownEntry({ at: now, method: 'signOut', outcome: 'ok', count: number }))
}

function lost(count: number): string {
  return writeLine(ownEntry({ at: now, method: 'audit', outcome: 'lost', count }))
}

async function counts(at = file): Promise<number[]> {
  return (await readAudit(at, { most: 100_000 })).lines.map(({ count }) => count)
}

const numbers = (length: number, first = 1): number[] => Array.from({ length }, (_, index) => first + index)

describe('the file', () => {
  test('has every line, also those that come while others are being written', async () => {
    const written = audit()
    await written.open()
    for (const number of numbers(500)) {
      written.write(line(number))
      // Some of them within a write, whatever that takes here.
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    await written.close()
    expect(await counts()).toEqual(numbers(500))
  })

  test('is this user’s alone, in a folder that is', async () => {
    const written = audit()
    written.write(line(1))
    await written.close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(home, 'state'))).mode & 0o777).toBe(0o700)
  })

  test('is gone on with by the next run, behind a line that a kill has cut off', async () => {
    const first = audit()
    first.write(line(1))
    await first.close()
    await writeFile(file, line(2).slice(0, 40), { flag: 'a' })
    const second = audit()
    second.write(line(3))
    await second.close()
    expect(await readAudit(file, { most: 10 })).toMatchObject({ lines: [{ count: 1 }, { count: 3 }], unreadable: 1 })
  })

  test('is closed to others when it was found open', async () => {
    await mkdir(join(home, 'state'))
    await writeFile(file, '', { mode: 0o644 })
    const written = audit()
    await written.open()
    await written.close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(problems).toEqual([])
  })

  test('holds every line that was written before the end', async () => {
    const written = audit()
    for (const number of numbers(3_000)) written.write(line(number))
    await written.close()
    expect(await counts()).toEqual(numbers(3_000))
  })

  test('is begun anew where somebody has taken it away', async () => {
    const written = audit()
    written.write(line(1))
    await written.open()
    await rename(file, join(home, 'taken'))
    written.write(line(2))
    await written.close()
    expect(await counts()).toEqual([2])
  })
})

describe('what is moved aside', () => {
  test('is each day a file, and its lines are read in their order', async () => {
    const written = audit()
    const days: string[] = []
    for (const number of numbers(3)) {
      days.push(new Date(now).toISOString().slice(0, 10))
      written.write(line(number))
      await written.open()
      now += day
    }
    await written.close()
    expect((await readdir(join(home, 'state'))).sort()).toEqual([
      `audit.${days[0]}.jsonl`,
      `audit.${days[1]}.jsonl`,
      'audit.jsonl',
    ])
    expect(await counts()).toEqual([1, 2, 3])
    const since = now - 2 * day - 1
    expect((await readAudit(file, { since, most: 10 })).lines.map(({ count }) => count)).toEqual([2, 3])
  })

  test('is yesterday’s file that an earlier run has left', async () => {
    const first = audit()
    first.write(line(1))
    await first.close()
    const yesterday = new Date(now - day)
    await utimes(file, yesterday, yesterday)
    const second = audit()
    second.write(line(2))
    await second.close()
    expect((await oldFiles(file)).map((old) => old.day)).toEqual([yesterday.toISOString().slice(0, 10)])
    expect(await counts()).toEqual([1, 2])
  })

  test('is a file that is large enough, with a number where the day has one already', async () => {
    const written = audit({ fileBytes: 200 })
    for (const number of numbers(12)) {
      written.write(line(number))
      await written.open()
    }
    await written.close()
    expect((await oldFiles(file)).length).toBeGreaterThan(10)
    expect(await counts()).toEqual(numbers(12))
  })

  test('goes after its days, and the oldest goes where all of it is too much', async () => {
    const state = join(home, 'state')
    await mkdir(state)
    const dayAgo = (days: number): string => new Date(now - days * day).toISOString().slice(0, 10)
    const keep = [`audit.${dayAgo(6)}.jsonl`, `audit.${dayAgo(7)}.jsonl`, 'other.jsonl', 'audit.2020-01-01.x.jsonl']
    for (const name of [...keep, `audit.${dayAgo(8)}.jsonl`, `audit.${dayAgo(8)}.2.jsonl`])
      await writeFile(join(state, name), 'x'.repeat(1_000))
    await writeFile(file, `${line(1)}\n`)
    const yesterday = new Date(now - day)
    await utimes(file, yesterday, yesterday)
    const written = audit({}, file, 7)
    await written.open()
    await written.close()
    const left = await readdir(state)
    expect(left.sort()).toEqual([...keep, `audit.${dayAgo(1)}.jsonl`, 'audit.jsonl'].sort())
    await writeFile(file, `${line(2)}\n`, { flag: 'a' })
    const oldest = dayAgo(7)
    now += day
    const small = audit({ allBytes: 1_600 }, file, 7)
    await small.open()
    await small.close()
    expect((await oldFiles(file)).map((old) => old.day)).not.toContain(oldest)
  })
})

describe('what cannot be written is said, and written when it can be', () => {
  test.each([
    ['a link', 'it is a link', (at: string) => symlink(join(home, 'elsewhere'), at)],
    ['a folder', 'it is a folder', (at: string) => mkdir(at)],
    [
      'a file with a second name',
      'it has a second name',
      async (at: string) => {
        await writeFile(join(home, 'elsewhere'), '')
        await link(join(home, 'elsewhere'), at)
      },
    ],
    ['a pipe', 'it is no file', async (at: string) => void spawnSync('mkfifo', [at])],
  ])('where its place is taken by %s', async (_name, why, put) => {
    await mkdir(join(home, 'state'))
    await put(file)
    const written = audit()
    written.write(line(1))
    await expect
      .poll(() => problems.map((problem) => problem?.message), patiently)
      .toEqual([`the audit "${file}" cannot be written: ${why}`])
    expect(await readFile(join(home, 'elsewhere'), 'utf8').catch(() => '')).toBe('')
    await rm(file, { recursive: true })
    await expect.poll(() => problems.length, patiently).toBe(2)
    expect(problems[1]).toBeUndefined()
    expect(await counts()).toEqual([1])
    await written.close()
  })

  test('where it belongs to somebody else', async ({ skip }) => {
    if (!isRoot) skip('only root can give a file away')
    await mkdir(join(home, 'state'))
    await writeFile(file, '')
    spawnSync('chown', ['65534', file])
    const written = audit()
    await written.open()
    expect(problems[0]?.message).toContain('it belongs to user 65534')
    await written.close()
  })

  test('where its folder is a file', async () => {
    await writeFile(join(home, 'state'), '')
    const written = audit()
    await written.open()
    expect(problems[0]?.message).toMatch(/cannot be written: .*/)
    await written.close()
  })

  test('where the disk is full: no line is torn, and once there is room the loss is said', async ({ skip }) => {
    if (!isRoot) skip('only root can mount a small disk')
    const disk = join(home, 'disk')
    await mkdir(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
    if (mounted.status !== 0) skip(`no disk can be mounted here: ${mounted.stderr}`)
    try {
      const full = join(disk, 'audit.jsonl')
      const written = audit({ waitingLines: 50 }, full)
      await writeFile(join(disk, 'ballast'), Buffer.alloc(40 * 1024))
      for (const number of numbers(400)) {
        written.write(line(number))
        if (number % 20 === 0) await written.open()
      }
      await expect.poll(() => problems[0]?.message, patiently).toContain('the disk is full')
      const before = await readAudit(full, { most: 1_000 })
      expect(before.unreadable).toBe(0)
      expect(before.lines.length).toBeGreaterThan(20)
      await rm(join(disk, 'ballast'))
      await expect.poll(() => problems.at(-1), patiently).toBeUndefined()
      await written.close()
      const { lines, unreadable } = await readAudit(full, { most: 1_000 })
      expect(unreadable).toBe(0)
      const kept = lines.filter(({ outcome }) => outcome === 'ok').map(({ count }) => count)
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
      const missing = lines.filter(({ outcome }) => outcome === 'lost').reduce((sum, { count }) => sum + count, 0)
      expect(kept.length + missing).toBe(400)
      expect(missing).toBeGreaterThan(0)
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })

  test('where the disk has become read-only', async ({ skip }) => {
    if (!isRoot) skip('only root can mount a disk')
    const disk = join(home, 'disk')
    await mkdir(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', disk])
    if (mounted.status !== 0) skip(`no disk can be mounted here: ${mounted.stderr}`)
    await mkdir(join(disk, 'state'))
    try {
      const at = join(disk, 'state', 'audit.jsonl')
      spawnSync('mount', ['-o', 'remount,ro', disk])
      const written = audit({}, at)
      written.write(line(1))
      await expect.poll(() => problems[0]?.message, patiently).toContain('read-only')
      spawnSync('mount', ['-o', 'remount,rw', disk])
      await expect.poll(() => problems.length, patiently).toBe(2)
      await written.close()
      expect(await counts(at)).toEqual([1])
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })

  test('where this user may not write in the folder', async ({ skip }) => {
    if (isRoot) skip('root may write everywhere')
    await mkdir(join(home, 'state'))
    await chmod(join(home, 'state'), 0o500)
    const written = audit()
    await written.open()
    expect(problems[0]?.message).toContain('may not write there')
    await chmod(join(home, 'state'), 0o700)
    await written.close()
  })
})

describe('who reads it', () => {
  test('gets the newest where there is too much, and is told so', async () => {
    const written = audit()
    for (const number of numbers(100)) written.write(line(number))
    await written.close()
    const { lines, isCut } = await readAudit(file, { most: 7 })
    expect(lines.map(({ count }) => count)).toEqual(numbers(7, 94))
    expect(isCut).toBe(true)
    expect((await readAudit(file, { most: 100 })).isCut).toBe(false)
  })

  test('is not kept by what is no line: a book without an end, bytes that are no text, foreign JSON', async () => {
    await mkdir(join(home, 'state'))
    const foreign = ['x'.repeat(3_000_000), '{}', '[1]', 'null', '{"time":"yesterday"}', '\ufffd\u0000']
    await writeFile(file, [...foreign, line(1), ''].join('\n'))
    expect(await readAudit(file, { most: 10 })).toMatchObject({ lines: [{ count: 1 }], unreadable: foreign.length })
  })

  test('where there is none gets none', async () => {
    expect(await readAudit(file, { most: 10 })).toEqual({ lines: [], isCut: false, unreadable: 0, bytes: 0 })
  })

  test('hears of each line once as it is added, also when the file is moved aside', async () => {
    const written = audit({ fileBytes: 500 })
    written.write(line(1))
    await written.open()
    const { bytes } = await readAudit(file, { most: 10 })
    const heard: number[] = []
    const follower = followAudit(file, bytes)
    const listening = (async () => {
      for await (const { count } of follower) {
        heard.push(count)
        if (count === 9) break
      }
    })()
    for (const number of numbers(8, 2)) {
      written.write(line(number))
      await written.open()
      await expect.poll(() => heard.at(-1), patiently).toBe(number)
    }
    await listening
    expect(heard).toEqual(numbers(8, 2))
    await written.close()
  })
})
