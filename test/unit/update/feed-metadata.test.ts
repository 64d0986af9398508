import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { archFromString, getArtifactArchName } from 'builder-util'
import { describe, expect, test } from 'vitest'
import { type FeedExpectations, type FeedVerdict, judgeFeed } from '../../../src/update/feed-metadata.ts'

const keys = generateKeyPairSync('ed25519')
const others = generateKeyPairSync('ed25519')
const rawOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).subarray(12).toString('base64')
const day = 24 * 3600_000
const now = Date.parse('2026-05-12T10:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()
const sha512 = Buffer.alloc(64, 5).toString('base64')
const file = { url: 'sg-session-1.4.0.AppImage', sha512, size: 1_000 }

const metadata = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  metadataOf: 'latest-linux.yml',
  version: '1.4.0',
  issued: iso(now - day),
  expires: iso(now + 30 * day),
  files: [file],
  ...change,
})
const expectations = (change: Partial<FeedExpectations> = {}): FeedExpectations => ({
  publicKey: rawOf(keys.publicKey),
  feedUrl: new URL('https://updates.studio.example/sg-session/'),
  fileName: 'latest-linux.yml',
  takesPreReleases: false,
  runningVersion: '1.3.2',
  machine: { fileEnd: '.AppImage', arch: 'x64', bucket: 42 },
  nowMs: now,
  newestIssuedAt: undefined,
  ...change,
})
const bytesOf = (content: unknown): Buffer => Buffer.from(JSON.stringify(content))
const signed = (bytes: Uint8Array, key = keys.privateKey): string => `${sign(null, bytes, key).toString('base64')}\n`
const judge = (change: Record<string, unknown> = {}, expected: Partial<FeedExpectations> = {}): FeedVerdict => {
  const bytes = bytesOf(metadata(change))
  return judgeFeed(bytes, signed(bytes), expectations(expected))
}

describe('a feed that is signed', () => {
  test('offers a newer version, with the one file that is for this machine', () => {
    expect(judge()).toEqual({
      kind: 'update',
      release: {
        version: '1.4.0',
        url: new URL('https://updates.studio.example/sg-session/sg-session-1.4.0.AppImage'),
        sha512,
        size: 1_000,
      },
      terms: { issuedAt: now - day, expiresAt: now + 30 * day },
    })
  })

  test('may be signed with two keys, while one replaces the other', () => {
    const bytes = bytesOf(metadata())
    const both = `${signed(bytes, others.privateKey)}${signed(bytes)}`
    expect(judgeFeed(bytes, both, expectations()).kind).toBe('update')
  })

  test('offers the file of this architecture, else the one that names none', () => {
    const files = ['a-arm64.exe', 'a-x64.exe', 'a.exe'].map((url) => ({ ...file, url }))
    const urlFor = (arch: string, of = files): string | undefined => {
      const verdict = judge({ files: of }, { machine: { fileEnd: '.exe', arch, bucket: 0 } })
      return verdict.kind === 'update' ? verdict.release.url.pathname.split('/').at(-1) : verdict.kind
    }
    expect(urlFor('x64')).toBe('a-x64.exe')
    expect(urlFor('arm64')).toBe('a-arm64.exe')
    expect(urlFor('riscv64')).toBe('a.exe')
    expect(urlFor('arm64', [{ ...file, url: 'a-x64.exe' }])).toBe('refused')
  })

  test.each(['x64', 'arm64'])('knows the %s processor by every name that electron-builder has for it', (arch) => {
    for (const end of ['AppImage', 'deb', 'rpm', 'exe', 'dmg', 'zip']) {
      const named = ['x64', 'arm64', 'ia32', 'armv7l'].map((one) => {
        const url = `sg-session-1.4.0-${getArtifactArchName(archFromString(one), end)}.${end}`
        return { one, file: { ...file, url } }
      })
      const files = named.map((one) => one.file)
      const verdict = judge({ files }, { machine: { fileEnd: `.${end}`, arch, bucket: 0 } })
      const wanted = named.find(({ one }) => one === arch)?.file.url
      expect(verdict.kind === 'update' && verdict.release.url.pathname.split('/').at(-1)).toBe(wanted)
    }
  })

  test.each([
    ['the same version', { version: '1.3.2' }, {}, 'same'],
    ['an older version', { version: '1.3.1' }, {}, 'older'],
    [
      'the release of the running pre-release, which is older',
      { version: '1.3.1' },
      { runningVersion: '1.3.2-test' },
      'older',
    ],
    [
      'one for 0 % of the machines',
      { stagingPercentage: 0 },
      { machine: { fileEnd: '.AppImage', arch: 'x64', bucket: 0 } },
      'staged',
    ],
    ['one for the 42 % below this machine', { stagingPercentage: 42 }, {}, 'staged'],
  ])('offers nothing with %s', (_what, change, expected, because) => {
    expect(judge(change, expected)).toMatchObject({ kind: 'none', because })
  })

  test.each([
    ['for 43 % of the machines', { stagingPercentage: 43 }, {}],
    ['for all', { stagingPercentage: 100 }, { machine: { fileEnd: '.AppImage', arch: 'x64', bucket: 99 } }],
    ['that is as new as the newest that was seen', {}, { newestIssuedAt: now - day }],
    ['signed on a machine whose clock is an hour ahead', { issued: iso(now + 3600_000) }, {}],
    ['a pre-release, where the channel takes them', { version: '1.4.0-beta.1' }, { takesPreReleases: true }],
    ['in a folder of the feed', { files: [{ ...file, url: '1.4.0/sg-session.AppImage' }] }, {}],
    ['by its whole address', { files: [{ ...file, url: 'https://updates.studio.example/a.AppImage' }] }, {}],
    ['with more in it than is known', { releaseNotes: 'x', sha512, path: 'x', releaseDate: iso(now) }, {}],
  ])('offers one %s', (_what, change, expected) => expect(judge(change, expected).kind).toBe('update'))
})

describe('a feed is refused', () => {
  const bytes = bytesOf(metadata())
  test.each<[string, string, string | undefined, Buffer?]>([
    ['without a signature', 'unsigned', undefined],
    ['with an empty one', 'wrong_signature', ''],
    ['with another key’s', 'wrong_signature', signed(bytes, others.privateKey)],
    [
      'with one byte changed',
      'wrong_signature',
      signed(bytes),
      Buffer.from(bytes.toString().replace('1.4.0', '1.4.1')),
    ],
    ['with a byte more', 'wrong_signature', signed(bytes), Buffer.concat([bytes, Buffer.from('\n')])],
    ['with a shortened signature', 'wrong_signature', signed(bytes).slice(0, 40)],
    ['with something that is no base64', 'wrong_signature', `-${signed(bytes)}`],
    ['with more signatures than keys there can be', 'wrong_signature', signed(bytes).repeat(5)],
  ])('%s', (_what, because, signatures, read = bytes) => {
    expect(judgeFeed(read, signatures, expectations())).toMatchObject({ kind: 'refused', because })
  })

  test('where the configured key is none', () => {
    const verdict = judgeFeed(bytes, signed(bytes), expectations({ publicKey: 'AAAA' }))
    expect(verdict).toMatchObject({ because: 'wrong_signature' })
  })

  test('before anything of it is parsed', () => {
    const verdict = judgeFeed(Buffer.from('{'), undefined, expectations())
    expect(verdict).toMatchObject({ because: 'unsigned' })
  })

  test.each<[string, Record<string, unknown>, Partial<FeedExpectations>, string]>([
    ['for another system', { metadataOf: 'latest-mac.yml' }, {}, 'other_metadata'],
    ['for another channel', { metadataOf: 'beta-linux.yml' }, {}, 'other_metadata'],
    ['that has expired', { expires: iso(now) }, {}, 'expired'],
    ['of the day after tomorrow', { issued: iso(now + 2 * day) }, {}, 'not_yet_valid'],
    ['that is older than one that was seen', {}, { newestIssuedAt: now - day + 1 }, 'replayed'],
    ['with a pre-release', { version: '1.4.0-beta.1' }, {}, 'pre_release'],
    [
      'with a file on another origin',
      { files: [{ ...file, url: 'https://evil.example/a.AppImage' }] },
      {},
      'foreign_address',
    ],
    [
      'with a file on another port',
      { files: [{ ...file, url: 'https://updates.studio.example:8443/a.AppImage' }] },
      {},
      'foreign_address',
    ],
    [
      'with a file over http',
      { files: [{ ...file, url: 'http://updates.studio.example/a.AppImage' }] },
      {},
      'foreign_address',
    ],
    ['with a file of this machine', { files: [{ ...file, url: 'file:///tmp/a.AppImage' }] }, {}, 'foreign_address'],
    [
      'with a file on another host without a scheme',
      { files: [{ ...file, url: '//evil.example/a.AppImage' }] },
      {},
      'foreign_address',
    ],
    [
      'with a file behind a password',
      { files: [{ ...file, url: 'https://a:b@updates.studio.example/a.AppImage' }] },
      {},
      'foreign_address',
    ],
    ['without a file for this system', { files: [{ ...file, url: 'sg-session.exe' }] }, {}, 'no_file'],
    ['without files', { files: [] }, {}, 'malformed'],
    ['without the size of a file', { files: [{ url: file.url, sha512 }] }, {}, 'malformed'],
    ['without the hash of a file', { files: [{ url: file.url, size: 1 }] }, {}, 'malformed'],
    [
      'with a hash of another length',
      { files: [{ ...file, sha512: Buffer.alloc(32).toString('base64') }] },
      {},
      'malformed',
    ],
    ['without an end', { expires: undefined }, {}, 'malformed'],
    ['without a date of issue', { issued: undefined }, {}, 'malformed'],
    ['with a day instead of a moment', { expires: '2027-01-01' }, {}, 'malformed'],
    ['with a version that is none', { version: '1.4' }, {}, 'malformed'],
    ['for more than all machines', { stagingPercentage: 101 }, {}, 'malformed'],
    ['for a part of the machines that is no number', { stagingPercentage: '100' }, {}, 'malformed'],
  ])('%s', (_what, change, expected, because) => {
    expect(judge(change, expected)).toMatchObject({ kind: 'refused', because })
  })

  test('that is no JSON', () => {
    const text = Buffer.from('version: 1.4.0\n')
    expect(judgeFeed(text, signed(text), expectations())).toMatchObject({ because: 'malformed' })
  })
})
