import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/secrets/secret.ts'
import { makeRunCertificate } from '../../src/socket/certificate.ts'
import {
  type Endpoint,
  readEndpointFile,
  removeEndpointFile,
  writeEndpointFile,
} from '../../src/socket/endpoint-file.ts'

let root: string
let folder: string
let file: string
let endpoint: Endpoint
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sg-session-endpoint-'))
  folder = join(root, 'sg-session')
  file = join(folder, 'endpoint.json')
  const { certificatePem } = await makeRunCertificate()
  endpoint = { port: 4242, certificatePem, key: new Secret('k'.repeat(43)), pid: 77, startedAt: 1_700_000_000 }
})
afterEach(() => rm(root, { recursive: true, force: true }))

const isRoot = process.getuid?.() === 0

describe('the endpoint file', () => {
  test('is private, whole, and the only file left in its folder', async () => {
    await writeEndpointFile(file, endpoint)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(folder)).toEqual(['endpoint.json'])
    expect(await readEndpointFile(file)).toEqual(endpoint)
  })

  test('closes a folder of ours that stood open', async () => {
    await mkdir(folder, { mode: 0o755 })
    await writeEndpointFile(file, endpoint)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test('replaces an older one', async () => {
    await writeEndpointFile(file, endpoint)
    await writeEndpointFile(file, { ...endpoint, port: 4243 })
    expect((await readEndpointFile(file))?.port).toBe(4243)
  })

  test('is not written through a link', async () => {
    await mkdir(join(root, 'elsewhere'))
    await symlink(join(root, 'elsewhere'), folder)
    await expect(writeEndpointFile(file, endpoint)).rejects.toMatchObject({ code: 'config_invalid' })
    expect(await readdir(join(root, 'elsewhere'))).toEqual([])
  })

  test('goes when its agent goes, but not when another has written it since', async () => {
    await writeEndpointFile(file, endpoint)
    await removeEndpointFile(file, new Secret('x'.repeat(43)))
    expect(await readEndpointFile(file)).toBeDefined()
    await removeEndpointFile(file, endpoint.key)
    expect(await readEndpointFile(file)).toBeUndefined()
  })

  test('that is not there is no error', async () => {
    expect(await readEndpointFile(join(root, 'none', 'endpoint.json'))).toBeUndefined()
    expect(await readEndpointFile(file)).toBeUndefined()
  })
})

describe('a client does not believe an endpoint file', () => {
  beforeEach(() => writeEndpointFile(file, endpoint))
  const refused = () => expect(readEndpointFile(file)).rejects.toMatchObject({ code: 'not_your_agent' })

  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o666])('with mode %o', async (mode) => {
    await chmod(file, mode)
    await refused()
  })

  test.each([0o750, 0o701, 0o777])('in a folder with mode %o', async (mode) => {
    await chmod(folder, mode)
    await refused()
  })

  test('that is a link', async () => {
    await rm(file)
    await writeFile(join(root, 'real.json'), 'x', { mode: 0o600 })
    await symlink(join(root, 'real.json'), file)
    await refused()
  })

  test('in a folder that is a link', async () => {
    const linked = join(root, 'linked')
    await symlink(folder, linked)
    await expect(readEndpointFile(join(linked, 'endpoint.json'))).rejects.toMatchObject({ code: 'not_your_agent' })
  })

  test.runIf(isRoot)('of another user', async () => {
    await chown(file, 65_534, 65_534)
    await refused()
  })

  test.runIf(isRoot)('in another user’s folder', async () => {
    await chown(folder, 65_534, 65_534)
    await refused()
  })

  test('that is a folder', async () => {
    await rm(file)
    await mkdir(file, { mode: 0o700 })
    await refused()
  })

  test('of another form', async () => {
    const good = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    const texts = [
      '',
      '{',
      'null',
      '[]',
      '{}',
      'x'.repeat(20_000),
      JSON.stringify({ ...good, endpoint: 2 }),
      JSON.stringify({ ...good, port: 0 }),
      JSON.stringify({ ...good, port: 65_536 }),
      JSON.stringify({ ...good, port: '4242' }),
      JSON.stringify({ ...good, key: 'short' }),
      JSON.stringify({ ...good, certificate: 'none' }),
      JSON.stringify({ ...good, certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }),
      JSON.stringify({ ...good, pid: -1 }),
      JSON.stringify(good).replace('"port":4242', '"port":4242,"port":4243'),
    ]
    for (const text of texts) {
      await writeFile(file, text, { mode: 0o600 })
      await refused()
    }
  })

  test('says so without quoting the key', async () => {
    await writeFile(file, JSON.stringify({ endpoint: 1, key: 'canary-key', port: 'x' }), { mode: 0o600 })
    await expect(readEndpointFile(file)).rejects.not.toThrow('canary')
  })
})
