import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes, errorTable } from '../../src/errors.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { findSecret } from './find-secret.ts'
import { type Scene, setScene } from './scene.ts'

let scene: Scene
const run = (...args: string[]) => scene.studio.sgSession(...args)
beforeAll(async () => {
  scene = await setScene()
})
afterAll(() => scene.close())

describe('sg-session', () => {
  test('explains itself, with every exit status', async () => {
    const { status, stdout } = await run('--help')
    expect(status).toBe(0)
    for (const command of ['agent', 'sign-in', 'sign-out', 'status', 'get', 'watch', 'exec', 'preflight', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    for (const code of errorCodes) expect(stdout).toMatch(new RegExp(`^ +${errorTable[code].exit}  ${code}$`, 'm'))
    expect((await run('--version')).stdout.trim()).toBe(
      (JSON.parse(await readFile('package.json', 'utf8')) as { version: string }).version,
    )
  })

  test.each([
    ['nonsense'],
    ['get', '--nonsense'],
    ['get', '--min-validity', 'x'],
    ['agent', '--log-level', 'loud'],
    [],
  ])('ends with 2 for wrong usage: %s %s', async (...args) => {
    const { status, stderr } = await run(...args)
    expect(status).toBe(2)
    expect(stderr).not.toBe('')
  })

  test('says what to do when no agent runs, for people and for programs', async () => {
    for (const command of ['get', 'status', 'sign-in', 'sign-out']) {
      const { status, stdout, stderr } = await run(command)
      expect([status, stdout, stderr]).toEqual([
        33,
        '',
        expect.stringMatching(/^sg-session: sg-session is not running\. \(.*\)\nStart sg-session\.\n$/),
      ])
      const json = await run(command, '--json')
      expect([json.status, json.stderr]).toEqual([33, ''])
      expect(JSON.parse(json.stdout)).toMatchObject({
        error: { code: 'agent_not_running', advice: 'Start sg-session.' },
      })
    }
  })

  test('names file and key of a wrong configuration', async () => {
    const file = join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
    const good = await readFile(file, 'utf8')
    for (const [text, said] of [
      ['{', /settings\.json: is not JSON/],
      [good.replace('"sites"', '"sitess"'), /settings\.json: "sitess" is not a key/],
      [good.replace('http://127', 'ftp://127'), /settings\.json: "sites\.0\.url": must be an https URL/],
      ['{}', /no site is configured/],
    ] as const) {
      await writeFile(file, text)
      const { status, stderr } = await run('agent', '--allow-insecure-loopback')
      expect([status, stderr]).toEqual([71, expect.stringMatching(said)])
    }
    await writeFile(file, good)
    expect((await run('agent')).stderr).toMatch(/must be an https URL/)
  })

  test('goes the whole way, and shows the token only to who asks for it', async () => {
    const broker = await scene.studio.startBroker()
    const agent = await scene.studio.startAgent()
    expect((await run('agent', '--allow-insecure-loopback')).status).toBe(34)
    expect(await run('status')).toMatchObject({ status: 0, stdout: `${scene.site.url}: signed out\n` })
    expect((await run('get')).status).toBe(10)
    expect((await run('get', '--site', 'https://elsewhere.example')).status).toBe(50)

    await scene.signIn()
    const token = (await run('get')).stdout.trim()
    expect(token).toMatch(/^[0-9a-f]{32}$/)
    expect(JSON.parse((await run('get', '--json')).stdout)).toMatchObject({
      sessionToken: token,
      login: 'artist@studio.example',
    })
    const status = await run('status')
    expect(status.stdout).toMatch(/signed in as Plain Artist \(artist@studio\.example\), until (\w{3} )?\d\d:\d\d\n$/)
    expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject({
      agent: { pid: agent.pid },
      sites: [{ state: 'signed_in' }],
    })

    const out = await run('sign-out')
    expect(out.stdout).toMatch(
      /signed out\n {2}at the site the session lives on until (\w{3} )?\d\d:\d\d, if nobody uses it\n {2}ShotGrid has no call that ends a session\. .*administrator.*\n$/,
    )
    expect((await run('get')).status).toBe(10)
    for (const text of [status.stdout, out.stdout, agent.stdout(), agent.stderr()]) expect(text).not.toContain(token)
    expect(await findSecret(token, scene.studio.folder, agent.pid)).toEqual([])

    expect(await agent.stop()).toBe(0)
    expect((await run('status')).status).toBe(33)
    expect(await broker.stop()).toBe(0)
  })

  test('signs in without a browser of its own: the address on paper, the answer by hand', async () => {
    const broker = await scene.studio.startBroker()
    const agent = await scene.studio.startAgent()
    const running = scene.studio.startSgSession('sign-in', '--no-browser')
    let address: string | undefined
    while (!address) {
      await new Promise((wake) => setTimeout(wake, 20))
      address = /^ {2}(http:\S+)$/m.exec(running.stderr())?.[1]
    }
    const url = new URL(address)
    const account = { email: 'supervisor@studio.example', password: 'autodesk-password' }
    const browser = new HeadlessBrowser()
    await browser.send(await browser.signIn(url, account, url.searchParams.get('redirect_uri') ?? ''))
    expect(await running.ended).toBe(0)
    expect(running.stdout()).toContain('signed in as Old Login (supervisor)')
    const way = 'in your browser, through the studio’s broker: a broker is configured for the site.'
    expect(running.stderr()).toContain(`Signing in to ${scene.site.url} ${way}\n`)
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })

  test('Ctrl-C cancels the sign-in itself', async () => {
    const broker = await scene.studio.startBroker()
    const agent = await scene.studio.startAgent()
    const running = scene.studio.startSgSession('sign-in')
    await scene.studio.openedAddress()
    process.kill(running.pid, 'SIGINT')
    expect(await running.ended).toBe(12)
    expect(running.stderr()).toContain('The sign-in was cancelled.')
    expect((await run('status')).stdout).toContain('signed out – The sign-in was cancelled.')
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })
})

describe('sg-broker', () => {
  const file = () => join(scene.studio.folder, 'broker', 'broker.json')

  test('names file and key of a wrong configuration', async () => {
    const { brokerProgram, startProcess, finished } = await import('../sandbox/processes.ts')
    const broker = (...args: string[]) =>
      finished(startProcess(process.execPath, [brokerProgram, ...args], scene.studio.env))
    const good = await readFile(file(), 'utf8')
    for (const [text, said] of [
      ['{', /broker\.json: is not JSON/],
      [good.replace('"listen"', '"lisen"'), /broker\.json: .*lisen/],
      [good.replace('"listen": {', '"listen": { "host": "0.0.0.0",'), /tokens do not cross a network in clear/],
      [good.replace('script.key', 'missing.key'), /missing\.key: cannot be read/],
      [good.replace('broker.sqlite', 'missing/broker.sqlite'), /"database\.file": .*missing\/broker\.sqlite/],
      [good.replace('broker.sqlite', 'script.key'), /"database\.file": .*not a database/],
    ] as const) {
      await writeFile(file(), text)
      expect(await broker('serve', '--config', file(), '--allow-insecure-loopback')).toMatchObject({
        status: 71,
        stderr: expect.stringMatching(said),
      })
    }
    await writeFile(file(), good)
    expect((await broker('serve', '--config', file())).stderr).toMatch(/must be an https URL/)
    const key = join(scene.studio.folder, 'broker', 'script.key')
    await chmod(key, 0o604)
    expect((await broker('serve', '--config', file(), '--allow-insecure-loopback')).stderr).toMatch(
      /script\.key: .*must not be open to every user/,
    )
    await writeFile(key, 'OTHER=1\n', { mode: 0o600 })
    await chmod(key, 0o600)
    expect((await broker('serve')).status).not.toBe(0)
  })

  test('reads the script key from an environment file too, and keeps it to itself', async () => {
    const key = join(scene.studio.folder, 'broker', 'script.key')
    await writeFile(key, '# for sg-broker\nSG_BROKER_SCRIPT_KEY="script-key-with-sudo"\n')
    const broker = await scene.studio.startBroker()
    await expect(scene.studio.startBroker()).rejects.toThrow(
      /ended with 71: .*cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/s,
    )
    const agent = await scene.studio.startAgent()
    await scene.signIn()
    expect(await readFile(`/proc/${broker.pid}/environ`, 'utf8')).not.toContain('script-key')
    expect(broker.stdout() + broker.stderr()).not.toContain('script-key')
    expect(await broker.stop()).toBe(0)
    expect(await agent.stop()).toBe(0)
  })
})

test('the programs that package.json names are built and start', async () => {
  const { startProcess, finished } = await import('../sandbox/processes.ts')
  const env = { PATH: process.env['PATH'] ?? '' }
  const built = await finished(startProcess('node_modules/.bin/tsc', ['-b'], env))
  expect([built.status, built.stdout]).toEqual([0, ''])
  const { bin, version } = JSON.parse(await readFile('package.json', 'utf8')) as {
    bin: Record<string, string>
    version: string
  }
  for (const file of Object.values(bin)) {
    expect(await finished(startProcess(process.execPath, [file, '--version'], env))).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
    })
  }
})
