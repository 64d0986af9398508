import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { getConfig, validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { DebugLogger } from 'builder-util'
import type { Configuration } from 'electron-builder'
import { afterAll, describe, expect, test } from 'vitest'
import { icnsSizes, icoSizes } from '../../build/icons/containers.ts'
import { renderAppIcons } from '../../build/icons/render.ts'
import { complete, policyProperties } from '../../build/msi/complete-project.mjs'
import { signingOf } from '../../build/sign-installers.ts'

// What cannot be built on this system is judged by its own tools where they exist here; the Windows installer really runs in
// test/packages/windows-installer.test.ts.

const folder = mkdtempSync(join(tmpdir(), 'sg-packaging-'))
afterAll(() => rmSync(folder, { recursive: true }))
const configuration = (await getConfig(process.cwd(), 'electron-builder.yml', null)) as Configuration
const lacks = (program: string): boolean => spawnSync(program, ['--version']).error !== undefined
const read = (path: string): string => readFileSync(path, 'utf8')

describe('what electron-builder.yml names', () => {
  test.for([
    configuration.mac?.entitlements,
    configuration.mac?.entitlementsInherit,
    configuration.nsis?.include,
    configuration.msiProjectCreated,
    `build/${configuration.pkg?.scripts}/postinstall`,
  ])('%s is there', (path) => {
    expect(existsSync(String(path))).toBe(true)
  })

  test('and the icons are those that build/icons/write.ts writes', () => {
    const written = renderAppIcons().map(({ name }) => name)
    expect([configuration.win?.icon, configuration.mac?.icon].map((icon) => basename(String(icon)))).toEqual(written)
  })

  test('the MSI and the NSIS installer are for the whole machine', () => {
    expect([configuration.nsis?.perMachine, configuration.msi?.perMachine]).toEqual([true, true])
  })

  test('on macOS one place, and no copy of the app elsewhere is taken for it', () => {
    expect(configuration.pkg).toMatchObject({
      installLocation: '/Applications',
      isRelocatable: false,
      allowCurrentUserHome: false,
    })
    expect(configuration.mac).toMatchObject({ hardenedRuntime: true, extendInfo: { LSUIElement: true } })
  })
})

describe('icons', () => {
  const files = new Map(renderAppIcons().map(({ name, content }) => [name, Buffer.from(content)]))
  const icon = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0)

  test('app.ico has every size, each where its entry says', () => {
    const ico = icon('app.ico')
    expect(ico.readUInt16LE(4)).toBe(icoSizes.length)
    const seen = icoSizes.map((_, index) => {
      const entry = 6 + 16 * index
      const offset = ico.readUInt32LE(entry + 12)
      expect(offset + ico.readUInt32LE(entry + 8)).toBeLessThanOrEqual(ico.length)
      return ico.readUInt32LE(offset) === 40 ? ico.readInt32LE(offset + 4) : ico.readUInt32BE(offset + 16)
    })
    expect(seen).toEqual([...icoSizes])
  })

  test('a half transparent edge keeps its colour: it is not multiplied with its alpha', () => {
    const ico = icon('app.ico')
    const pixels = ico.subarray(ico.readUInt32LE(6 + 12) + 40)
    const edges = Array.from({ length: 16 * 16 }, (_, index) => pixels.subarray(index * 4, index * 4 + 4)).filter(
      ([, , , alpha = 0]) => alpha > 20 && alpha < 60,
    )
    expect(edges.length).toBeGreaterThan(0)
    for (const [blue = 0, , , alpha = 0] of edges) expect(blue).toBeGreaterThan(alpha)
  })

  test('app.icns has every size in chunks that fill it', () => {
    const icns = icon('app.icns')
    expect(icns.readUInt32BE(4)).toBe(icns.length)
    const sizes = new Set<number>()
    for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) sizes.add(icns.readUInt32BE(at + 8 + 16))
    expect([...sizes]).toEqual([...icnsSizes])
  })

  test.skipIf(lacks('icotool'))('icotool and icns2png read them', () => {
    for (const [name, content] of files) writeFileSync(join(folder, name), content)
    const listed = spawnSync('icotool', ['-l', join(folder, 'app.ico')], { encoding: 'utf8' }).stdout
    expect([...listed.matchAll(/--width=(\d+) .*--bit-depth=32/g)].map(([, width]) => Number(width))).toEqual([
      ...icoSizes,
    ])
    const icns = spawnSync('icns2png', ['-l', join(folder, 'app.icns')], { encoding: 'utf8' })
    expect(icns.error === undefined ? icns.stdout : '8 elements total found').toContain('8 elements total found')
  })
})

describe('macOS', () => {
  test.for(['entitlements.plist', 'entitlements.inherit.plist'])('%s allows what V8 needs and nothing else', (name) => {
    const plist = readPlist(`build/macos/${name}`)
    expect(plist).toEqual({ 'com.apple.security.cs.allow-jit': true })
  })

  test('the start at login names the app where the pkg puts it, and says that it is one', () => {
    expect(readPlist('build/macos/org.sg-session.app.start-at-login.plist')).toEqual({
      Label: 'org.sg-session.app.start-at-login',
      ProgramArguments: [
        `${configuration.pkg?.installLocation}/${configuration.productName}.app/Contents/MacOS/sg-session`,
        '--autostart',
      ],
      RunAtLoad: true,
      LimitLoadToSessionType: 'Aqua',
      ProcessType: 'Interactive',
    })
  })

  const scripts = ['build/macos/scripts/postinstall', 'build/macos/uninstall.sh', 'build/macos/judge-packages.sh']
  test.for(scripts)('%s may be run', (path) => {
    expect(statSync(path).mode & 0o111).toBe(0o111)
  })

  test.skipIf(lacks('shellcheck'))('shellcheck finds nothing in the scripts', () => {
    expect(spawnSync('shellcheck', scripts, { encoding: 'utf8' }).stdout).toBe('')
  })

  test('what the pkg puts down the uninstaller takes away', () => {
    const removed = read('build/macos/uninstall.sh')
    for (const place of ['/Library/LaunchAgents/', '/usr/local/bin/sg-session', '/Applications/sg-session.app']) {
      expect(read('build/macos/scripts/postinstall')).toContain(place)
      expect(removed).toContain(place)
    }
  })
})

/** ejs has no types of its own. */
const { render: renderTemplate } = createRequire(import.meta.url)('ejs') as {
  render(template: string, values: object): string
}

/** As Python reads it, which on a workstation of macOS is Apple's own grammar. */
function readPlist(path: string): unknown {
  const script = 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))'
  const { stdout, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' })
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout)
}

describe('the MSI project', () => {
  // As MsiTarget fills in electron-builder's template.
  const template = read('node_modules/app-builder-lib/templates/msi/template.xml')
    .replaceAll('{{', '<%')
    .replaceAll('}}', '%>')
    .replaceAll(/\${([^}]+)}/g, '<%=$1%>')
  const project = renderTemplate(template, {
    productName: 'sg-session',
    upgradeCode: '00000000-0000-0000-0000-000000000000',
    version: '0.1.0.0',
    manufacturer: 'sg-session',
    compressionLevel: 'high',
    installationDirectoryWixName: 'sg-session',
    iconPath: null,
    iconId: 'icon',
    isRunAfterFinish: false,
    isAssisted: false,
    isPerMachine: true,
    isCreateDesktopShortcut: false,
    isCreateStartMenuShortcut: true,
    programFilesId: 'ProgramFiles64Folder',
    menuCategory: null,
    dirs: '',
    files: '',
  })
  const completed = complete(project)

  test('is well formed', () => {
    const script = 'import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.stdin.buffer.read())'
    const { status, stderr } = spawnSync('python3', ['-c', script], { input: completed, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('every action that is scheduled is there once, and every one there is scheduled', () => {
    const made = [...completed.matchAll(/<CustomAction Id="(\w+)"/g)].map(([, id]) => id)
    const scheduled = [...completed.matchAll(/<Custom Action="(\w+)"/g)].map(([, id]) => id)
    expect(new Set(made).size).toBe(made.length)
    expect(scheduled.sort()).toEqual(made.sort())
  })

  test('every directory it names is one that it declares', () => {
    const known = new Set([...completed.matchAll(/<Directory Id="(\w+)"/g)].map(([, id]) => id))
    for (const [, id] of completed.matchAll(/ Directory="(\w+)"/g)) expect([...known]).toContain(id)
  })

  test('each property of the policy is declared, passed on, and only when it is given', () => {
    for (const [name, option] of Object.entries(policyProperties)) {
      expect(completed).toContain(`<Property Id="${name}" Secure="yes"/>`)
      expect(completed).toContain(`Value="[POLICYARGUMENTS] ${option} &quot;[${name}]&quot;"`)
      expect(completed).toContain(
        `<Custom Action="Tell${name}" Before="InstallInitialize">${name} AND NOT Installed</Custom>`,
      )
    }
  })

  test('a policy is written by an installation alone: any user may start a repair', () => {
    expect(completed).toContain('Before="InstallFinalize">POLICYARGUMENTS AND NOT Installed</Custom>')
  })

  test('the version before may be put over a newer one', () => {
    expect(completed.match(/<MajorUpgrade [^>]*>/g)).toEqual(['<MajorUpgrade AllowDowngrades="yes"/>'])
  })

  test('its properties are the switches of the other installer', () => {
    const switches = [...read('build/nsis/switches.nsh').matchAll(/insertmacro sgOption (\w+) (--[\w-]+)/g)]
    expect(Object.fromEntries(switches.map(([, name, option]) => [name, option]))).toEqual(policyProperties)
  })

  test('both give the folder of the policy the same access list', () => {
    const access = /SG_POLICY_SDDL "(.+)"/.exec(read('build/nsis/policy-folder.nsh'))?.[1]
    expect(completed).toContain(`<PermissionEx Sddl="${access}"/>`)
  })

  test('an upgrade keeps the policy', () => {
    expect(completed).toMatch(/<Custom Action="RemovePolicy".*NOT UPGRADINGPRODUCTCODE/)
  })

  test('a template of electron-builder that has changed is an error, not an MSI without our parts', () => {
    expect(() => complete(project.replace('<!-- Files -->', ''))).toThrow(/no single '<!-- Files -->'/)
    expect(() => complete(`${project}<!-- Files -->`)).toThrow(/no single/)
    expect(() => complete(project.replace('MajorUpgrade', 'Upgrade'))).toThrow(/no single MajorUpgrade/)
  })
})

describe('signing', () => {
  const certificate = { WIN_CSC_LINK: 'certificate', WIN_CSC_KEY_PASSWORD: 'word' }
  const apple = {
    CSC_LINK: 'certificate',
    CSC_KEY_PASSWORD: 'word',
    APPLE_API_KEY: 'file',
    APPLE_API_KEY_ID: 'id',
    APPLE_API_ISSUER: 'issuer',
  }
  const azure = {
    publisherName: 'Studio',
    endpoint: 'https://weu.codesigning.azure.net',
    certificateProfileName: 'profile',
    codeSigningAccountName: 'account',
  }
  const entra = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'word' }

  test.for([
    ['win', 'WIN_CSC_LINK', { ...certificate, WIN_CSC_LINK: '' }],
    ['win', 'WIN_CSC_KEY_PASSWORD', { ...certificate, WIN_CSC_KEY_PASSWORD: undefined }],
    [
      'win',
      'AZURE_CLIENT_SECRET',
      { ...entra, AZURE_CLIENT_SECRET: '', SG_SESSION_AZURE_SIGNING: JSON.stringify(azure) },
    ],
    ['win', 'endpoint', { ...entra, SG_SESSION_AZURE_SIGNING: JSON.stringify({ ...azure, endpoint: 7 }) }],
    ['win', 'password', { ...entra, SG_SESSION_AZURE_SIGNING: JSON.stringify({ ...azure, password: 'x' }) }],
    ['win', 'must be JSON', { ...entra, SG_SESSION_AZURE_SIGNING: 'account' }],
    ...Object.keys(apple).map((name) => ['mac', name, { ...apple, [name]: '' }] as const),
  ] as const)('a release for "%s" is refused for want of "%s"', ([system, name, env]) => {
    expect(() => signingOf(system, false, env)).toThrow(name)
  })

  test('a release is signed or electron-builder fails', async () => {
    const signings = [
      signingOf('win', false, certificate),
      signingOf('mac', false, apple),
      signingOf('win', false, { ...entra, SG_SESSION_AZURE_SIGNING: JSON.stringify(azure) }),
    ]
    for (const signing of signings) {
      expect(signing.forceCodeSigning).toBe(true)
      await validateConfiguration({ ...configuration, ...signing }, new DebugLogger(false))
      // Secrets stay in the environment.
      expect(JSON.stringify(signing)).not.toContain('word')
    }
    expect(signings[2]?.win?.azureSignOptions).toEqual(azure)
  })

  test('a test build needs nothing, and every file of it says that nobody has signed it', () => {
    const { nsis, msi } = signingOf('win', true, {})
    const { mac } = signingOf('mac', true, {})
    for (const name of [nsis?.artifactName, msi?.artifactName, mac?.artifactName])
      expect(name).toContain('-test-build-unsigned-')
  })
})
