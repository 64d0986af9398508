import { spawnSync } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withoutMount } from '../../app/system/app-image.ts'
import { replaceAppImage } from '../../app/update/replace-app-image.ts'
import { type Feed, lookAtFeed, metadataName } from '../../src/update/look-at-feed.ts'
import { openUpdateRecord, readUpdateRecord } from '../../src/update/update-record.ts'

const program = resolve('build/sign-update.mjs')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-update-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (name: string): string => join(folder, name)
const run = (args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', input })
const sha512 = (content: string): string => createHash('sha512').update(content).digest('base64')

/** Metadata as electron-builder writes it, with its file. */
async function built(content = 'an app', said = content, url = 'sg-session-1.4.0.AppImage'): Promise<string> {
  await writeFile(at('sg-session-1.4.0.AppImage'), content)
  const yaml = `version: 1.4.0\nfiles:\n  - url: ${url}\n    sha512: ${sha512(said)}\n    size: ${said.length}\n    blockMapSize: 3\npath: ${url}\nsha512: ${sha512(said)}\nreleaseDate: '2026-05-12T09:00:00.000Z'\n`
  await writeFile(at('latest-linux.yml'), yaml)
  return at('latest-linux.yml')
}

describe('the tool that signs releases', () => {
  test('makes a key that only its owner can read, never over another, and signs what a client believes', async () => {
    const made = run(['--new-key', at('key.pem')])
    expect(made).toMatchObject({ status: 0, stderr: '' })
    const publicKey = made.stdout.trim()
    expect(Buffer.from(publicKey, 'base64')).toHaveLength(32)
    expect((await stat(at('key.pem'))).mode & 0o777).toBe(0o600)
    expect(run(['--new-key', at('key.pem')])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not overwritten'),
    })

    const metadata = await built()
    const signed = run(['--key', at('key.pem'), '--percentage', '100', '--days', '7', metadata])
    expect(signed).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining(`signed for ${publicKey}`) })
    expect(run(['--verify', publicKey, metadata])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('1.4.0 for 100 %'),
    })
    await serving(async (feed) => expect(await look({ ...feed, publicKey })).toMatchObject({ kind: 'update' }))
  })

  test('takes the key from its standard input, signs again what it has signed, and with two keys', async () => {
    const [one, two] = [at('one.pem'), at('two.pem')]
    const [first, second] = [one, two].map((file) => run(['--new-key', file]).stdout.trim())
    const metadata = await built()
    expect(run(['--key', '-', metadata], await readFile(one, 'utf8')).status).toBe(0)
    expect(run(['--key', one, '--key', two, '--percentage', '10', metadata]).status).toBe(0)
    for (const key of [first, second]) expect(run(['--verify', key ?? '', metadata]).stdout).toContain('for 10 %')
  })

  test.each<[string, (key: string) => Promise<readonly string[]>, string]>([
    [
      'a file that is not the one that was built',
      async (key) => ['--key', key, await built('an app', 'another')],
      'has not the SHA-512',
    ],
    [
      'a file that is not there',
      async (key) => ['--key', key, await built('x', 'x', 'other.AppImage')],
      'there is no "',
    ],
    [
      'a file elsewhere',
      async (key) => ['--key', key, await built('x', 'x', 'https://cdn.example/a.AppImage')],
      'must be a name below',
    ],
    ['a file above', async (key) => ['--key', key, await built('x', 'x', '../a.AppImage')], 'must be a name below'],
    [
      'a part of the machines there is not',
      async (key) => ['--key', key, '--percentage', '120', await built()],
      '--percentage: "120"',
    ],
    ['for no time', async (key) => ['--key', key, '--days', '0', await built()], '--days: "0"'],
    ['without a key', async () => [await built()], 'usage:'],
    ['with a key that is not there', async () => ['--key', at('no.pem'), await built()], 'there is no "'],
  ])('refuses %s, and writes nothing', async (_what, argumentsFor, message) => {
    run(['--new-key', at('key.pem')])
    const args = await argumentsFor(at('key.pem'))
    const before = await readFile(at('latest-linux.yml'), 'utf8')
    expect(run(args)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) })
    expect(await readFile(at('latest-linux.yml'), 'utf8')).toBe(before)
    expect(await readdir(folder)).not.toContain('latest-linux.yml.sig')
  })

  test('refuses a key that others can read, one of another kind, and quotes nothing of what is none', async () => {
    const metadata = await built()
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await writeFile(at('ec.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    expect(run(['--key', at('ec.pem'), metadata]).stderr).toContain('is no Ed25519 key')
    await writeFile(at('no.pem'), 'hunter2', { mode: 0o600 })
    expect(run(['--key', at('no.pem'), metadata]).stderr).toBe(
      `sign-update: "${at('no.pem')}" is no private key in PEM form\n`,
    )
    await writeFile(at('open.pem'), 'hunter2', { mode: 0o644 })
    expect(run(['--key', at('open.pem'), metadata]).stderr).toContain('can be read by others')
  })

  test('does not verify what was changed, or signed by somebody else', async () => {
    const publicKey = run(['--new-key', at('key.pem')]).stdout.trim()
    const other = run(['--new-key', at('other.pem')]).stdout.trim()
    const metadata = await built()
    run(['--key', at('key.pem'), metadata])
    expect(run(['--verify', other, metadata]).status).toBe(1)
    await writeFile(metadata, (await readFile(metadata, 'utf8')).replace('1.4.0', '1.4.1'))
    expect(run(['--verify', publicKey, metadata])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no signature'),
    })
  })
})

let answers: (url: string, response: ServerResponse) => void
/** The folder as a feed. */
async function serving(work: (feed: Omit<Feed, 'publicKey'>) => Promise<void>): Promise<void> {
  const server: Server = createServer((request, response) => answers(request.url ?? '', response))
  answers = (url, response) => {
    readFile(at(url.slice(1))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    )
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  try {
    await work({ url: new URL(`http://127.0.0.1:${port}/`), channel: 'latest' })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const look = (feed: Feed, signal?: AbortSignal) =>
  lookAtFeed(
    (url, init) => fetch(url, init),
    feed,
    {
      platform: 'linux',
      machine: { fileEnd: '.AppImage', arch: 'x64', bucket: 0 },
      runningVersion: '1.3.0',
      nowMs: Date.now(),
      newestIssuedAt: undefined,
    },
    signal,
  )

describe('reading a feed', () => {
  const publicKey = Buffer.alloc(32, 1).toString('base64')

  test.each<[string, (url: string, response: ServerResponse) => void, object]>([
    [
      'that is not there',
      (_url, response) => response.writeHead(404).end(),
      { kind: 'unreachable', detail: expect.stringContaining('latest-linux.yml') },
    ],
    [
      'that is down',
      (_url, response) => response.writeHead(502).end('<html>'),
      { kind: 'unreachable', detail: 'it answered 502' },
    ],
    [
      'that leads elsewhere',
      (_url, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      { kind: 'unreachable' },
    ],
    ['that hangs up', (_url, response) => response.destroy(), { kind: 'unreachable' }],
    [
      'without a signature',
      (url, response) => (url.endsWith('.sig') ? response.writeHead(404).end() : response.end('{}')),
      { kind: 'refused', because: 'unsigned' },
    ],
    [
      'whose metadata is too large',
      (_url, response) => response.end(' '.repeat(64 * 1024 + 1)),
      { kind: 'refused', because: 'too_large' },
    ],
    [
      'whose signature is too large',
      (url, response) => response.end(url.endsWith('.sig') ? 'A'.repeat(1025) : '{}'),
      { kind: 'refused', because: 'too_large' },
    ],
  ])('%s comes to nothing, and says why', async (_what, answer, finding) => {
    await serving(async (feed) => {
      answers = answer
      expect(await look({ ...feed, publicKey })).toMatchObject(finding)
    })
  })

  test.each<[string, (response: ServerResponse) => void]>([
    ['silent', () => undefined],
    ['that stops in the middle', (response) => void response.writeHead(200, { 'content-length': '1000' }).write('{')],
  ])('%s ends in time', async (_what, answer) => {
    await serving(async (feed) => {
      answers = (_url, response) => answer(response)
      const finding = await look({ ...feed, publicKey }, AbortSignal.timeout(150))
      expect(finding).toEqual({ kind: 'unreachable', detail: 'it did not answer in time' })
    })
  })

  test('asks for the file of this system, as electron-builder names it', () => {
    expect(metadataName('latest', 'win32', 'x64')).toBe('latest.yml')
    expect(metadataName('beta', 'darwin', 'arm64')).toBe('beta-mac.yml')
    expect(metadataName('latest', 'linux', 'x64')).toBe('latest-linux.yml')
    expect(metadataName('latest', 'linux', 'arm64')).toBe('latest-linux-arm64.yml')
  })
})

describe('an AppImage', () => {
  const release = (content: string) => ({ sha512: sha512(content), size: content.length })

  test('is replaced whole, can be run, and keeps its name', async () => {
    await writeFile(at('sg-session.AppImage'), 'old')
    await writeFile(at('download'), 'new one')
    await replaceAppImage(at('sg-session.AppImage'), at('download'), release('new one'))
    expect(await readFile(at('sg-session.AppImage'), 'utf8')).toBe('new one')
    expect((await stat(at('sg-session.AppImage'))).mode & 0o111).toBe(0o111)
    expect(await readdir(folder)).toEqual(['download', 'sg-session.AppImage'])
  })

  test('that is reached through a link is replaced where it is', async () => {
    await writeFile(at('sg-session-1.3.0.AppImage'), 'old')
    await symlink('sg-session-1.3.0.AppImage', at('sg-session.AppImage'))
    await writeFile(at('download'), 'new one')
    await replaceAppImage(at('sg-session.AppImage'), at('download'), release('new one'))
    expect(await readFile(at('sg-session-1.3.0.AppImage'), 'utf8')).toBe('new one')
  })

  test.each([
    ['was changed since it was downloaded', 'new 0ne'],
    ['is longer', 'new one and more'],
    ['is shorter', 'new'],
  ])('is left alone where what should replace it %s', async (_what, found) => {
    await writeFile(at('sg-session.AppImage'), 'old')
    await writeFile(at('download'), found)
    await expect(replaceAppImage(at('sg-session.AppImage'), at('download'), release('new one'))).rejects.toThrow(
      /metadata/,
    )
    expect(await readFile(at('sg-session.AppImage'), 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['download', 'sg-session.AppImage'])
  })

  test('is started without what the mount of the one before has put into the environment', () => {
    const mount = '/tmp/.mount_sg-sesA1b2'
    const env = {
      APPDIR: mount,
      APPIMAGE: '/home/artist/sg-session.AppImage',
      ARGV0: './sg-session.AppImage',
      PATH: `${mount}:${mount}/usr/sbin:/usr/bin:/bin`,
      LD_LIBRARY_PATH: `${mount}/usr/lib:`,
      XDG_DATA_DIRS: `${mount}/usr/share/:/usr/share`,
      HOME: '/home/artist',
      NEAR: `${mount}x`,
    }
    expect(withoutMount(env)).toEqual({
      PATH: '/usr/bin:/bin',
      XDG_DATA_DIRS: '/usr/share',
      HOME: '/home/artist',
      NEAR: `${mount}x`,
    })
  })
})

test('what is remembered of updates is this user’s alone, and whoever only looks changes nothing', async () => {
  const quiet = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  } as never
  const record = openUpdateRecord(folder, quiet)
  const { bucket } = await record.read()
  expect(bucket).toBeGreaterThanOrEqual(0)
  expect(bucket).toBeLessThan(100)
  expect(await readUpdateRecord(folder)).toBeUndefined()
  await record.write({ bucket, newest: { address: 'https://a.example/latest.yml', issuedAt: 1 } })
  expect((await stat(at('updates.json'))).mode & 0o777).toBe(0o600)
  expect(await readUpdateRecord(folder)).toMatchObject({ bucket, newest: { issuedAt: 1 } })
  await writeFile(at('updates.json'), '{')
  expect(await readUpdateRecord(folder)).toBeUndefined()
  expect(await readFile(at('updates.json'), 'utf8')).toBe('{')
})
