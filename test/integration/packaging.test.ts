import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getConfig, validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { DebugLogger } from 'builder-util'
import type { Configuration } from 'electron-builder'
import { expect, type TestContext, test } from 'vitest'
import { iconSizes } from '../../build/linux/tree.ts'

const given = () => getConfig(process.cwd(), 'electron-builder.yml', null) as Promise<Configuration>
const scripts = ['after-install.sh', 'before-remove.sh', 'after-remove.sh'].map((name) => join('build', 'linux', name))

test('electron-builder.yml is a configuration that electron-builder accepts', async () => {
  const configuration = await given()
  await validateConfiguration(configuration, new DebugLogger(false))
  expect(configuration.appId).toBe('org.sg-session.app')
})

test('and electron-builder would say what is wrong with another', async () => {
  const configuration = { ...(await given()), asarr: true }
  await expect(validateConfiguration(configuration, new DebugLogger(false))).rejects.toThrow(/asarr/)
})

test('what it names for Linux is there, or is what the build makes', async () => {
  const { deb, rpm, beforeBuild, afterPack, linux } = await given()
  for (const options of [deb, rpm]) {
    const inOptions = (options?.fpm ?? []).flatMap((one) => /=(build\/.*)$/.exec(one)?.[1] ?? [])
    expect(inOptions, 'the script that ends what runs').toEqual(['build/linux/before-remove.sh'])
    for (const file of [options?.afterInstall, options?.afterRemove, options?.appArmorProfile, ...inOptions])
      expect(existsSync(String(file)), String(file)).toBe(true)
  }
  expect([existsSync(String(beforeBuild)), existsSync(String(afterPack))]).toEqual([true, true])
  expect(linux?.icon).toBe('out/linux/icons')
  expect(iconSizes).toEqual([...iconSizes].sort((one, other) => one - other))
})

test('nothing but the bundle, its manifest and keytar’s native part is named for the archive', async () => {
  const files = (await given()).files as { from?: string; filter: string[] }[]
  const wanted = files.flatMap(({ from, filter }) => filter.map((name) => (from ? `${from}/${name}` : name)))
  expect(wanted).toEqual([
    'out/app/**',
    'package.json',
    '!**/*.map',
    'node_modules/keytar/package.json',
    'node_modules/keytar/LICENSE.md',
    'node_modules/keytar/lib/keytar.js',
    'node_modules/keytar/build/Release/keytar.node',
  ])
})

test.for(scripts)('%s holds nothing that a packager would replace', (file) => {
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^#!\/bin\/sh\n/)
  expect(text, 'electron-builder').not.toMatch(/\$\{[a-zA-Z]+\}|<%/)
  expect(text, 'rpm').not.toContain('%')
})

test.for(scripts)('%s is what a shell of POSIX understands', (file, context) => {
  expect(judgedBy(context, 'shellcheck', ['--severity=style', file])).toEqual({ status: 0, said: '' })
})

test('an installer’s script does nothing when it is called for another step than its own', () => {
  for (const [file, words] of [
    ['after-install.sh', ['abort-upgrade', '0', '']],
    ['before-remove.sh', ['upgrade', '1', 'failed-upgrade', '']],
    ['after-remove.sh', ['upgrade', '1', 'disappear', '']],
  ] as const) {
    for (const word of words) {
      // With no program to call, whatever it did would fail.
      const { status, stderr } = spawnSync('/bin/sh', [join('build', 'linux', file), word], {
        env: { PATH: '/nowhere' },
      })
      expect([file, word, status, String(stderr)]).toEqual([file, word, 0, ''])
    }
  }
})

test('what an installer calls as root gets its wishes, and nothing of the environment', (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can give the sandbox to root')
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-installed-'))
  try {
    const script = readFileSync(join('build', 'linux', 'after-install.sh'), 'utf8')
      .replace('here=/opt/sg-session\n', `here=${folder}\n`)
      .replace('policy=/etc/sg-session/policy.json\n', `policy=${folder}/policy.json\n`)
      .replaceAll('/usr/share/icons', `${folder}/icons`)
      .replace('/proc/sys/kernel/apparmor_restrict_unprivileged_userns', `${folder}/restricted`)
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'chrome-sandbox'), '')
    const command = `#!/bin/sh\n{ echo "$*"; env; } >${folder}/called\necho {} >${folder}/policy.json\n`
    writeFileSync(join(folder, 'bin', 'sg-session'), command, { mode: 0o755 })
    const wishes = { SG_SESSION_SITE: 'https://studio.example', SG_SESSION_CONSENT: 'prompt' }
    const foreign = {
      NODE_OPTIONS: '--require=/tmp/x',
      OPENSSL_CONF: '/tmp/x',
      NODE_EXTRA_CA_CERTS: '/tmp/x',
      HOME: '/tmp/x',
    }
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...wishes, ...foreign }
    const { status, stderr } = spawnSync('/bin/sh', ['-s', 'configure'], { input: script, env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    const [called, ...variables] = readFileSync(join(folder, 'called'), 'utf8').trim().split('\n')
    expect(called).toBe('policy write --if-none --site https://studio.example --consent prompt')
    const names = variables.map((line) => line.split('=')[0])
    expect(names.filter((name) => !['PATH', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name ?? ''))).toEqual([])
    expect(statSync(join(folder, 'chrome-sandbox')).mode & 0o7777).toBe(0o4755)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the autostart entry is one, and starts the app as one that the login started', (context) => {
  const file = join('build', 'linux', 'autostart.desktop')
  expect(readFileSync(file, 'utf8')).toContain('\nExec=/opt/sg-session/sg-session-app --autostart\n')
  expect(judgedBy(context, 'desktop-file-validate', [file])).toEqual({ status: 0, said: '' })
})

test('the AppStream metadata is accepted', (context) => {
  const file = join('build', 'linux', 'org.sg-session.app.metainfo.xml')
  expect(judgedBy(context, 'appstreamcli', ['validate', '--no-net', file]).status).toBe(0)
})

test('the AppArmor profile is one, but for what older parsers do not know', (context) => {
  const profile = readFileSync(join('build', 'linux', 'apparmor-profile'), 'utf8')
  expect(profile).toContain('abi <abi/4.0>,\n')
  expect(profile).toContain('  userns,\n')
  // AppArmor 3 parses all but these two lines; where it is 4, the installer has it parse the whole.
  const older = profile.replace('abi <abi/4.0>,\n', '').replace('  userns,\n', '')
  const options = ['--skip-kernel-load', '--skip-cache', '--stdout']
  expect(judgedBy(context, 'apparmor_parser', options, older).status).toBe(0)
  expect(judgedBy(context, 'apparmor_parser', options, older.replace('flags=', 'flag=')).status).not.toBe(0)
})

/** What a system's own checker says; skips where it is not installed. */
function judgedBy(
  context: TestContext,
  program: string,
  args: string[],
  input = '',
): { status: number | null; said: string } {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'latin1', input, env })
  if (error) context.skip(`${program} is not installed here`)
  return { status, said: `${stdout}${stderr}`.trim() }
}
