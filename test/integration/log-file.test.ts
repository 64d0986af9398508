import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogFile } from '../../app/system/log-file.ts'
import { makeLog } from '../../src/log.ts'
import { Secret } from '../../src/secrets/secret.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'sg-session-log-')), 'logs')
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

test('the log of the app is private, and no secret gets into it', async () => {
  const file = openLogFile(folder)
  makeLog('info', file).info({ sessionToken: 'token-by-name', held: new Secret('token-by-type') }, 'something happened')
  await file.close()
  const path = join(folder, 'sg-session.log')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  const text = await readFile(path, 'utf8')
  expect(text).toContain('something happened')
  expect(text).not.toMatch(/token-by/)
})

test('a folder that cannot be made costs the log and nothing else', async () => {
  await writeFile(folder, 'a file in its place')
  const file = openLogFile(folder)
  makeLog('info', file).info('nobody reads this')
  await file.close()
})

test('it is rotated: six files of a megabyte at most, the newest lines among them', async () => {
  const file = openLogFile(folder)
  const log = makeLog('info', file)
  for (let number = 0; number < 9_000; number += 1) {
    log.info({ number }, 'x'.repeat(1_000))
    if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await file.close()
  const logs = (await readdir(folder)).filter((name) => name.includes('sg-session.log'))
  expect(logs.length).toBeGreaterThan(1)
  expect(logs.length).toBeLessThanOrEqual(6)
  for (const name of logs) expect((await stat(join(folder, name))).size).toBeLessThan(2 * 1024 * 1024)
  expect(await readFile(join(folder, 'sg-session.log'), 'utf8')).toContain('"number":8999')
})
