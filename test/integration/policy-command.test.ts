import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig, readPolicy, writeSettings } from '../../src/config/config-files.ts'
import type { RunProgram } from '../../src/config/registry-policy.ts'
import { judgePolicy } from '../../src/policy/judge-policy.ts'
import { policyFiles } from '../../src/policy/policy-files.ts'
import { standardPaths } from '../../src/system/paths.ts'
import { commandLineProgram, compileCache, finished, startProcess } from '../sandbox/processes.ts'

const isRoot = process.getuid?.() === 0
const rules = { insecureLoopback: false }
const site = 'https://studio.example'

let root: string
let file: string
beforeEach(async () => {
  // Root's home: every folder above it is root's alone, unlike the system's temporary folder.
  root = await mkdtemp(join(isRoot ? homedir() : tmpdir(), '.sg-session-policy-'))
  file = join(root, 'etc', 'sg-session', 'policy.json')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const run = (...args: string[]) => {
  const env = { ...process.env, ...compileCache, HOME: root } as Record<string, string>
  return finished(startProcess(process.execPath, [commandLineProgram, 'policy', ...args], env))
}
const write = (...args: string[]) => run('write', '--file', file, ...args)
const written = async (): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))

describe.runIf(isRoot)('sg-session policy write', () => {
  test('makes a policy that counts, for everybody to read, and an artist’s first start then asks nothing', async () => {
    const values = ['--site', site, '--broker', 'https://broker.example', '--client-id', 'app', '--consent', 'prompt']
    const { status, stdout } = await write(...values, '--start-at-login', '--json')
    expect([status, JSON.parse(stdout)]).toEqual([0, { file, written: true, warnings: [] }])
    for (const [path, mode] of [
      [file, 0o644],
      [dirname(file), 0o755],
    ] as const) {
      const found = await lstat(path)
      expect([found.uid, found.gid, found.mode & 0o777]).toEqual([0, 0, mode])
    }
    expect(await readdir(dirname(file))).toEqual(['policy.json'])
    const paths = { ...standardPaths(), policyFile: file, settingsFile: join(root, 'settings.json') }
    const { config, sources } = await readConfig(paths, rules)
    expect(config).toMatchObject({
      identity: { clientId: 'app' },
      tools: { consent: 'prompt' },
      app: { startAtLogin: true },
    })
    expect(config.sites).toEqual([{ url: site, signIn: 'auto', broker: 'https://broker.example' }])
    expect(sources.get('sites')).toEqual({ source: 'locked', file })
  })

  test('writes defaults where they are asked for, with any umask', async () => {
    const script = `umask 077; exec "$0" "$@"`
    const args = [
      '-c',
      script,
      process.execPath,
      commandLineProgram,
      'policy',
      'write',
      '--file',
      file,
      '--start-at-login',
      'no',
      '--default',
    ]
    execFileSync('sh', args, { env: { ...process.env, ...compileCache } })
    expect(await written()).toEqual({ defaults: { app: { startAtLogin: false } } })
    expect(((await lstat(file)).mode & 0o777).toString(8)).toBe('644')
    expect(((await lstat(dirname(file))).mode & 0o777).toString(8)).toBe('755')
  })

  test('replaces none that is there unless told, and says nothing is to do where that is wanted', async () => {
    await write('--site', site)
    const refusal = await write('--site', 'https://other.example', '--json')
    expect(refusal.status).not.toBe(0)
    expect(JSON.parse(refusal.stdout)).toMatchObject({
      error: {
        code: 'config_invalid',
        message: `${file}: there is a policy already`,
        advice: expect.stringContaining('--replace'),
      },
    })
    const kept = await write('--site', 'https://other.example', '--if-none', '--json')
    expect([kept.status, JSON.parse(kept.stdout)]).toEqual([0, { file, written: false, warnings: [] }])
    expect(await written()).toMatchObject({ locked: { sites: [{ url: site }] } })
    expect((await write('--site', 'https://other.example', '--replace')).status).toBe(0)
    expect(await written()).toMatchObject({ locked: { sites: [{ url: 'https://other.example' }] } })
  })

  test('keeps none that an artist could have written: the agents would refuse it, and the installer is to hear of it', async () => {
    expect((await write('--site', site)).status).toBe(0)
    await chown(file, 65_534, 65_534)
    const kept = await write('--site', site, '--if-none')
    expect(kept).toMatchObject({ status: 71, stderr: expect.stringContaining('must be owned by root') })
  })

  test('takes a whole policy as it stands, and none that is wrong', async () => {
    const from = join(root, 'from.json')
    const text = '\ufeff{ "$schema": "x",\n  "defaults": { "session": { "maxAgeHours": 8 } } }'
    await writeFile(from, text)
    expect((await write('--from', from)).status).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(text)
    await writeFile(from, '{ "locked": { "session": { "maxAgeHour": 99 } } }')
    const { status, stderr } = await write('--from', from, '--replace')
    expect([status === 0, stderr]).toEqual([false, expect.stringContaining('Did you mean "maxAgeHours"?')])
    expect(await readFile(file, 'utf8')).toBe(text)
    expect((await write('--from', join(root, 'nothing.json'), '--replace')).stderr).toContain('there is no such file')
  })

  test('writes nothing where something is missing, wrong or not understood', async () => {
    const wrong: [string[], RegExp][] = [
      [['--broker', 'https://b.example'], /"broker" is of a site/],
      [['--site', site, '--broker', 'https://b.example'], /"identity\.clientId": is needed/],
      [['--site', 'studio.example'], /must be a whole URL/],
      [[], /no value is given/],
    ]
    const misused = [
      ['--site', site, '--from', 'x.json'],
      ['--site', site, '--if-none', '--replace'],
      ['--site', site, '--lock', '--default'],
      ['--site', site, '--start-at-login', 'perhaps'],
      ['--consent', 'never'],
    ]
    const refusals = await Promise.all(wrong.map(async ([args, message]) => ({ ...(await write(...args)), message })))
    for (const { status, stderr, message } of refusals) {
      expect(stderr).toMatch(message)
      expect([0, 2]).not.toContain(status)
    }
    const misuses = await Promise.all(misused.map((args) => write(...args)))
    expect(misuses.map(({ status }) => status)).toEqual(misused.map(() => 2))
    expect(await lstat(dirname(file)).catch(() => 'none')).toBe('none')
  })

  test('writes into no folder that somebody else could write to, and follows no link', async () => {
    await mkdir(dirname(file), { recursive: true })
    await chown(dirname(file), 65_534, 65_534)
    expect((await write('--site', site)).stderr).toContain('must be owned by root')
    await chown(dirname(file), 0, 0)
    await chmod(dirname(file), 0o777)
    expect((await write('--site', site)).stderr).toContain('must not be writable by group or others')
    await chmod(dirname(file), 0o755)
    const elsewhere = join(root, 'elsewhere')
    await writeFile(elsewhere, 'as it was')
    await symlink(elsewhere, file)
    expect((await write('--site', site, '--replace')).stderr).toContain('must not be reached through a link')
    expect(await readFile(elsewhere, 'utf8')).toBe('as it was')
    await rm(file)
    // One that a user wrote is replaced by root's.
    await writeFile(file, '{}')
    await chown(file, 65_534, 65_534)
    expect((await write('--site', site, '--replace')).status).toBe(0)
    expect((await lstat(file)).uid).toBe(0)
  })

  test('is for root', async () => {
    await chmod(root, 0o755)
    const script = `process.setgid(65534); process.setuid(65534)
      const { writePolicy } = await import(${JSON.stringify(join(process.cwd(), 'src/policy/write-policy.ts'))})
      await writePolicy(${JSON.stringify(file)}, '{}', { ifThere: 'refuse', rules: { insecureLoopback: false } }).catch((error) => console.log(error.message))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(stdout).toContain(`${file}: only root can write a policy that counts`)
  })
})

describe('sg-session policy check', () => {
  test('says what is wrong and what would count, for people and for programs', async () => {
    const draft = join(root, 'draft.json')
    await writeFile(draft, JSON.stringify({ locked: { session: { maxAgeHour: 8 } } }))
    const wrong = await run('check', draft)
    expect(wrong.status).toBe(3)
    expect(wrong.stdout).toMatch(
      /^failed {3}"locked\.session\.maxAgeHour" is not a key sg-session knows\n +→ Did you mean "maxAgeHours"\?$/m,
    )
    await writeFile(
      draft,
      JSON.stringify({ $schema: 'x', locked: { session: { maxAgeHours: 8 } }, defaults: { app: { language: 'fr' } } }),
    )
    const right = await run('check', draft)
    expect([right.status, right.stdout]).toEqual([
      0,
      expect.stringMatching(/^session\.maxAgeHours +locked +locked +8$/m),
    ])
    expect(right.stdout).toContain('sg-session starts with it')
    const { values, ok } = JSON.parse((await run('check', draft, '--json')).stdout) as {
      values: unknown[]
      ok: boolean
    }
    expect([ok, values]).toEqual([
      true,
      [
        { key: 'app.language', value: 'fr', source: 'default', file: draft, artist: 'window' },
        { key: 'session.maxAgeHours', value: '8', source: 'locked', file: draft, artist: 'locked' },
      ],
    ])
  })

  test('only warns of a file that others may write to while it is not in place, and names one that is not there', async () => {
    const draft = join(root, 'draft.json')
    await writeFile(draft, '{}')
    await chmod(draft, 0o666)
    const { status, stdout } = await run('check', draft)
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^warning .*must (not be writable|be owned by root)/m)])
    const none = await run('check', join(root, 'none.json'))
    expect([none.status === 0, none.stderr]).toEqual([
      false,
      expect.stringContaining('none.json: there is no such file'),
    ])
  })
})

describe('the files for IT', () => {
  let folder: string
  const python = (script: string, ...args: string[]): string =>
    execFileSync('python3', ['-c', script, ...args], { encoding: 'utf8' }).trim()
  beforeEach(async () => {
    folder = join(root, 'out')
    for (const [name, text] of policyFiles(new Date())) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
  })

  test('are printed by the command line as they are', async () => {
    const printed = [
      [['schema'], 'policy.schema.json'],
      [['schema', '--settings'], 'settings.schema.json'],
      [['example'], 'policy.json.example'],
      [['admx'], 'windows/sg-session.admx'],
      [['adml', '--language', 'fr-FR'], 'windows/fr-FR/sg-session.adml'],
      [['mobileconfig'], 'macos/sg-session.mobileconfig'],
    ] as const
    const texts = await Promise.all(printed.map(async ([args]) => (await run(...args)).stdout))
    for (const [index, [, name]] of printed.entries())
      expect(texts[index], name).toBe(await readFile(join(folder, name), 'utf8'))
  })

  test('are XML to another reader, and the profile is a property list that holds the example', async () => {
    const xml = ['windows/sg-session.admx', 'windows/en-US/sg-session.adml', 'windows/fr-FR/sg-session.adml']
    const script =
      'import sys, xml.etree.ElementTree as e\nfor f in sys.argv[1:]: print(e.parse(f).getroot().tag.split("}")[1])'
    expect(python(script, ...xml.map((name) => join(folder, name))).split('\n')).toEqual([
      'policyDefinitions',
      'policyDefinitionResources',
      'policyDefinitionResources',
    ])
    const plist = 'import sys, json, plistlib\nprint(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))'
    const profile = JSON.parse(python(plist, join(folder, 'macos/sg-session.mobileconfig'))) as {
      PayloadScope: string
      PayloadContent: Record<string, unknown>[]
    }
    expect(profile).toMatchObject({ PayloadType: 'Configuration', PayloadScope: 'System', PayloadVersion: 1 })
    const [payload = {}] = profile.PayloadContent
    expect(payload['PayloadType']).toBe('org.sg-session.app')
    const { $schema: _, ...example } = JSON.parse(
      await readFile(join(folder, 'policy.json.example'), 'utf8'),
    ) as Record<string, unknown>
    expect({ locked: payload['locked'], defaults: payload['defaults'] }).toEqual(example)
    expect(judgePolicy('example', JSON.stringify(example), rules).findings.map(({ state }) => state)).toEqual([
      'warning',
    ])
  })

  const mandoc = spawnSync('mandoc', ['-T', 'lint', '/dev/null']).error === undefined
  test.runIf(mandoc)('have a manual page that mandoc finds no fault with but long lines', () => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', join(folder, 'man/sg-session-policy.5')], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
  })
})

describe.runIf(isRoot)('managed preferences', () => {
  const asked: string[][] = []
  const plutil: RunProgram = async (command, args) => {
    asked.push([command, ...args])
    const path = args.at(-1) ?? ''
    const script = 'import sys, json, plistlib\nprint(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))'
    const { status, stdout } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' })
    return { status: status ?? undefined, stdout, isLate: false, isWhole: true }
  }
  const plist = (): string => join(root, 'org.sg-session.app.plist')
  const read = () =>
    readPolicy({ policyFile: file, nativePolicy: { kind: 'managed-preferences', file: plist() } }, plutil)
  /** As the system leaves it: in its binary form. */
  const leave = (content: object): void => {
    const script =
      'import sys, json, plistlib\nplistlib.dump(json.loads(sys.argv[2]), open(sys.argv[1], "wb"), fmt=plistlib.FMT_BINARY)'
    execFileSync('python3', ['-c', script, plist(), JSON.stringify(content)])
  }

  test('beat the policy file within the same rank, each value with its place', async () => {
    leave({ locked: { session: { maxAgeHours: 8 } }, defaults: { app: { language: 'fr' } } })
    await mkdir(dirname(file), { recursive: true })
    await writeFile(
      file,
      JSON.stringify({ locked: { session: { maxAgeHours: 10, endOnScreenLock: true }, app: { language: 'de' } } }),
    )
    expect((await read()).map(({ source, file: from }) => [source, from])).toEqual([
      ['locked', file],
      ['default', plist()],
      ['locked', plist()],
    ])
    expect(asked.at(-1)).toEqual(['/usr/bin/plutil', '-convert', 'json', '-o', '-', '--', plist()])
  })

  test('are none where there is no file, and an error where a user could have written it or it is none', async () => {
    expect(await read()).toEqual([])
    leave({ locked: {} })
    await chown(plist(), 65_534, 65_534)
    await expect(read()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('must be owned by root'),
    })
    await chown(plist(), 0, 0)
    await writeFile(plist(), 'no plist')
    await expect(read()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('is no property list'),
    })
  })
})

test('a settings file may name its schema: it is ignored, and kept when the app writes', async () => {
  const settingsFile = join(root, 'settings.json')
  await writeFile(settingsFile, '{ "$schema": "./settings.schema.json", "session": { "maxAgeHours": 8 } }')
  const paths = { ...standardPaths(), policyFile: file, settingsFile }
  expect((await readConfig(paths, rules)).config.session.maxAgeHours).toBe(8)
  await writeSettings(paths, { app: { language: 'fr' } })
  expect(JSON.parse(await readFile(settingsFile, 'utf8'))).toEqual({
    $schema: './settings.schema.json',
    session: { maxAgeHours: 8 },
    app: { language: 'fr' },
  })
  await writeFile(settingsFile, '{ "$schema": 1 }')
  await expect(readConfig(paths, rules)).rejects.toMatchObject({
    message: expect.stringContaining('"$schema" is not a key'),
  })
})
