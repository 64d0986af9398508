import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingPrograms, WindowsStage } from './windows/wine.ts'

const environment = 'SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment'
const runKey = 'Software\\Microsoft\\Windows\\CurrentVersion\\Run'
const missing = missingPrograms()

// The installer is ours and electron-builder's own; the system is wine. What only a Windows shows: docs/release.md.
describe.skipIf(missing)(missing ?? 'the Windows installer', () => {
  let stage: WindowsStage
  let strict: string
  let first: string
  let second: string

  beforeAll(async () => {
    stage = new WindowsStage()
    strict = await stage.makeInstaller('0.1.0', { trustsWine: false })
    first = await stage.makeInstaller('0.1.0', { trustsWine: true })
    second = await stage.makeInstaller('0.2.0', { trustsWine: true })
  }, 600_000)
  afterAll(() => stage?.close())

  const program = (name: string) => stage.path(`Program Files\\sg-session\\${name}`)
  const policy = (name: string) => stage.path(`ProgramData\\sg-session\\${name}`)

  test.for([
    ['a switch that nobody knows', '/SITES=https://studio.example'],
    ['a switch without a value', '/SITE='],
    ['a quotation mark', '/SITE=https://studio.example" --lock x'],
    ['a backslash at the end', '/CLIENTID=abc\\'],
    ['a policy file that is not there', '/POLICY=C:\\nowhere\\policy.json'],
    ['a value longer than NSIS can hold', `/SITE=https://${'a'.repeat(2000)}`],
    ['switches that are too long together', `/SITE=${'a'.repeat(500)}`, `/BROKER=${'b'.repeat(500)}`],
  ])('refuses %s with exit status 10 and changes nothing', ([, ...args]) => {
    expect(stage.run(first, ['/S', ...args]).status).toBe(10)
    expect(existsSync(program(''))).toBe(false)
    expect(existsSync(policy(''))).toBe(false)
    expect(stage.takeCalls()).toEqual([])
  })

  test("refuses a folder for the policy that is somebody else's, with exit status 12, and changes nothing", () => {
    mkdirSync(policy(''), { recursive: true })
    expect(stage.run(strict, ['/S']).status).toBe(12)
    expect(existsSync(program(''))).toBe(false)
    rmSync(policy(''), { recursive: true })
  })

  test('installs without a question, and hands the switches to the command, spaces, slashes and all', () => {
    const before = stage.registry(environment, 'Path')
    const args = [
      '/SITE=https://studio.example/x',
      '/broker=https://b.example',
      '/CLIENTID=a b',
      '/CONSENT=prompt',
      '/STARTATLOGIN=true',
    ]
    expect(stage.run(first, ['/S', ...args]).status).toBe(0)
    expect(existsSync(program('sg-session.exe'))).toBe(true)
    expect(existsSync(program('bin\\sg-session.exe'))).toBe(true)
    expect(stage.takeCalls()).toEqual([
      'policy | write | --if-none | --site | https://studio.example/x | --broker | https://b.example | --client-id | a b | --consent | prompt | --start-at-login | true',
    ])
    expect(readFileSync(policy('install.log'), 'latin1')).toMatch(/sg-session 0\.1\.0: policy write: 0\r\ndone/)
    expect(stage.registry(runKey, 'sg-session')).toEqual({
      type: 'REG_SZ',
      value: '"C:\\Program Files\\sg-session\\sg-session.exe" --autostart',
    })
    expect(stage.registry(environment, 'Path')).toEqual({
      type: before?.type,
      value: `${before?.value};C:\\Program Files\\sg-session\\bin`,
    })
  })

  test('installed again, PATH has the folder once, and without a switch no policy is asked for', () => {
    expect(stage.run(first, ['/S']).status).toBe(0)
    expect(stage.registry(environment, 'Path')?.value.match(/sg-session\\bin/g)).toHaveLength(1)
    expect(stage.takeCalls()).toEqual([])
  })

  test('what the command refuses is exit status 11, and the reason stands in the log', () => {
    expect(stage.run(first, ['/S', '/SITE=https://refused.example']).status).toBe(11)
    expect(existsSync(program('sg-session.exe'))).toBe(true)
    expect(readFileSync(policy('install.log'), 'latin1')).toContain(
      'policy write: 2\r\nsg-session: "refused" is no address',
    )
    stage.takeCalls()
  })

  test('takes policy.json beside the installer, unless a switch says something', () => {
    const folder = stage.path('setup')
    mkdirSync(folder)
    copyFileSync(first, join(folder, 'setup.exe'))
    writeFileSync(join(folder, 'policy.json'), '{}')
    expect(stage.run('C:\\setup\\setup.exe', ['/S']).status).toBe(0)
    expect(stage.takeCalls()).toEqual(['policy | write | --if-none | --from | C:\\setup\\policy.json'])
    expect(stage.run('C:\\setup\\setup.exe', ['/S', '/POLICY=C:\\setup\\policy.json', '/CONSENT=prompt']).status).toBe(
      0,
    )
    expect(stage.takeCalls()).toEqual([
      'policy | write | --if-none | --from | C:\\setup\\policy.json | --consent | prompt',
    ])
    expect(stage.run('C:\\setup\\setup.exe', ['/S', '/SITE=https://studio.example']).status).toBe(0)
    expect(stage.takeCalls()).toEqual(['policy | write | --if-none | --site | https://studio.example'])
  })

  test('an upgrade keeps the policy; also to another folder, PATH names one', () => {
    writeFileSync(policy('policy.json'), '{"locked":{}}')
    expect(stage.run(second, ['/S', '/D=C:\\Studio Tools\\sg-session']).status).toBe(0)
    expect(stage.takeCalls()).toEqual([])
    expect(readFileSync(policy('policy.json'), 'utf8')).toBe('{"locked":{}}')
    expect(existsSync(program('sg-session.exe'))).toBe(false)
    expect(stage.registry(environment, 'Path')?.value).toMatch(/;C:\\Studio Tools\\sg-session\\bin$/)
    expect(stage.registry(environment, 'Path')?.value).not.toContain('Program Files\\sg-session')
    expect(stage.registry(runKey, 'sg-session')?.value).toContain('C:\\Studio Tools\\sg-session\\sg-session.exe')
    expect(stage.run(second, ['/S', '/D=C:\\Program Files\\sg-session']).status).toBe(0)
  })

  test('a PATH longer than a string of NSIS stays whole, keeps its type, and loses our folder alone', () => {
    const long = Array.from({ length: 120 }, (_, index) => `%SystemRoot%\\tools\\${index}`).join(';')
    expect(long.length).toBeGreaterThan(2048)
    const ours = 'C:\\Program Files\\sg-session\\bin'
    stage.setRegistry(environment, 'Path', 'REG_EXPAND_SZ', `${ours};${long};${ours.toLowerCase()};C:\\last\\`)
    expect(stage.uninstall(['/S']).status).toBe(0)
    expect(stage.registry(environment, 'Path')).toEqual({ type: 'REG_EXPAND_SZ', value: `${long};C:\\last\\` })
    expect(stage.run(first, ['/S']).status).toBe(0)
    expect(stage.registry(environment, 'Path')).toEqual({ type: 'REG_EXPAND_SZ', value: `${long};C:\\last\\;${ours}` })
  })

  test('a PATH that cmd.exe could not read with our folder is left alone', () => {
    const long = `C:\\${'a'.repeat(8180)}`
    stage.setRegistry(environment, 'Path', 'REG_SZ', long)
    expect(stage.run(first, ['/S']).status).toBe(0)
    expect(stage.registry(environment, 'Path')).toEqual({ type: 'REG_SZ', value: long })
    stage.setRegistry(environment, 'Path', 'REG_SZ', 'C:\\windows')
  })

  test('the uninstaller refuses a switch that it does not know with exit status 10, and removes nothing', () => {
    expect(stage.uninstall(['/S', '/ERASE=all']).status).toBe(10)
    expect(existsSync(program('sg-session.exe'))).toBe(true)
  })

  test('where the version before cannot be removed, a silent upgrade ends with exit status 2: no box waits for anybody', () => {
    // What stands in for the command fails where it reads "refused", and the folder says it.
    expect(stage.run(first, ['/S', '/D=C:\\refused']).status).toBe(0)
    const uninstaller = stage.path('refused\\Uninstall sg-session.exe')
    const own = readFileSync(uninstaller)
    copyFileSync(stage.path('refused\\bin\\sg-session.exe'), uninstaller)
    expect(stage.run(second, ['/S']).status).toBe(2)
    writeFileSync(uninstaller, own)
    expect(stage.run(second, ['/S', '/D=C:\\Program Files\\sg-session']).status).toBe(0)
  })

  test('removal leaves nothing of the installation, and asks the command nothing', () => {
    expect(stage.run(first, ['/S']).status).toBe(0)
    stage.takeCalls()
    writeFileSync(policy('policy.json'), '{}')
    expect(stage.uninstall(['/S']).status).toBe(0)
    expect(stage.takeCalls()).toEqual([])
    expect(existsSync(program('sg-session.exe'))).toBe(false)
    expect(existsSync(policy(''))).toBe(false)
    expect(stage.registry(runKey, 'sg-session')).toBeUndefined()
    expect(stage.registry(environment, 'Path')).toEqual({ type: 'REG_SZ', value: 'C:\\windows' })
  })

  test('what somebody else keeps beside the policy stays', () => {
    expect(stage.run(first, ['/S']).status).toBe(0)
    writeFileSync(policy('notes.txt'), 'mine')
    expect(stage.uninstall(['/S']).status).toBe(0)
    expect(readFileSync(policy('notes.txt'), 'utf8')).toBe('mine')
  })
})
