import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { billOfMaterials } from '../../../build/bill-of-materials.ts'
import { packageFolder } from '../../../build/bundled-packages.ts'
import { judgeDistArguments } from '../../../build/dist-arguments.ts'
import { judgeElectron } from '../../../build/dist-electron.ts'
import { readManifest } from '../../../build/dist-steps.ts'

const pinned = readManifest().devDependencies['electron'] ?? ''
let folder: string
let electron: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-dist-'))
  electron = join(folder, 'electron')
  await writeFile(electron, '#!/bin/sh\necho \'{"chrome":"130.0.1","node":"20.18.1"}\'\n', { mode: 0o755 })
})
afterAll(() => rm(folder, { recursive: true }))

describe.skipIf(process.platform === 'win32')('the Electron of a release', () => {
  test('is the pinned one, and what it carries is known', async () => {
    await writeFile(join(folder, 'version'), pinned)
    expect(judgeElectron(electron, false)).toMatchObject({ folder, version: pinned, closed: false })
    expect(judgeElectron(electron, false).carries.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'chromium 130.0.1',
      'node 20.18.1',
    ])
  })

  test('is no other version; a test build may have one', async () => {
    await writeFile(join(folder, 'version'), '33.2.1')
    expect(() => judgeElectron(electron, false)).toThrow(
      `a release is not packaged with Electron 33.2.1 in "${folder}"`,
    )
    expect(judgeElectron(electron, true)).toMatchObject({ version: '33.2.1', closed: false })
  })

  test('is never the one of a closed network, whatever version it says it is; a test build may have it', async () => {
    await writeFile(join(folder, 'version'), pinned)
    await writeFile(join(folder, 'sg-session.json'), '{}')
    expect(() => judgeElectron(electron, false)).toThrow(`not packaged with the closed-network Electron ${pinned}`)
    expect(judgeElectron(electron, true)).toMatchObject({ closed: true })
  })

  test('must be named', () => {
    expect(() => judgeElectron(undefined, true)).toThrow('"SG_SESSION_ELECTRON" is not set')
  })
})

test.for([
  [['linux', '--version', '1.0.0'], '"--version" is for test builds'],
  [['linux', '--test-build', '--version', '1.0'], '"--version" must be X.Y.Z, not "1.0"'],
  [['linux', '--test-build', '--version', '1.0.0-beta'], '"--version" must be X.Y.Z'],
  [['linux', '--maintainer', 'nobody'], '"--maintainer" must be NAME <ADDRESS>, not "nobody"'],
  [['solaris'], '"solaris" is none of linux, mac, win'],
  [['win'], 'packages for "win" are made on that system'],
  [['linux', '--fats'], "'--fats'"],
  [['linux', 'twice'], "'twice'"],
] as const)('dist %j is refused', ([args, said]) => {
  expect(() => judgeDistArguments(args, 'linux')).toThrow(said)
})

test('a release is what is made when nothing is said', () => {
  expect(judgeDistArguments(['linux'], 'linux')).toMatchObject({ system: 'linux', testBuild: false, fast: false })
  const args = ['linux', '--test-build', '--fast', '--version', '1.2.3', '--maintainer', 'IT <it@studio.example>']
  expect(judgeDistArguments(args, 'linux')).toMatchObject({ testBuild: true, fast: true, version: '1.2.3' })
})

describe('the bill of materials', () => {
  const runtimes = [{ name: 'electron', version: '1.2.3', license: 'MIT' }]
  const bill = (at = 1_000_000_000) =>
    billOfMaterials('0.1.0-test', ['node_modules/zod', 'node_modules/@peculiar/x509'], runtimes, at)

  test('names Electron and each package with its version, licence and what the registry gave', () => {
    const { bomFormat, specVersion, metadata, components } = JSON.parse(bill()) as Record<string, never>
    expect({ bomFormat, specVersion, metadata }).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      metadata: { timestamp: '2001-09-09T01:46:40.000Z', component: { name: 'sg-session', version: '0.1.0-test' } },
    })
    expect(components).toMatchObject([
      { type: 'framework', purl: 'pkg:generic/electron@1.2.3' },
      { type: 'library', name: 'zod', licenses: [{ license: { id: 'MIT' } }], hashes: [{ alg: 'SHA-512' }] },
      { type: 'library', purl: expect.stringMatching(/^pkg:npm\/%40peculiar\/x509@\d/), hashes: [{ alg: 'SHA-512' }] },
    ])
  })

  test('is the same for the same content, and has a number of its own for other content', () => {
    const number = (text: string) => (JSON.parse(text) as { serialNumber: string }).serialNumber
    expect(bill()).toBe(bill())
    expect(number(bill(1))).not.toBe(number(bill()))
    expect(number(bill())).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('takes a package from where its module lies', () => {
    const here = process.cwd()
    expect(packageFolder(join(here, 'node_modules/zod/v4/core.js'))).toBe('node_modules/zod')
    expect(packageFolder(join(here, 'node_modules/@peculiar/x509/build/x.js?commonjs'))).toBe(
      'node_modules/@peculiar/x509',
    )
    expect(packageFolder(`\0${join(here, 'node_modules/a/node_modules/b/c.js')}`)).toBe('node_modules/a/node_modules/b')
    expect(packageFolder(join(here, 'src/agent.ts'))).toBeUndefined()
    expect(packageFolder('\0virtual:node_modules/x')).toBeUndefined()
  })
})
