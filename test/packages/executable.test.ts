import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Scene, setScene } from '../e2e/scene.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Finished, finished, type Running, startProcess, untilSaid } from '../sandbox/processes.ts'
import { keep } from './stage.ts'

/** The command line as one executable, laid out as the packages do, in an environment in which there is no program to be found. */
let scene: Scene
let folder: string
let executable: string
let agent: Running
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sg-session-executable-')))
  const env = { ...process.env }
  delete env['SG_SESSION_BUILD_VERSION']
  execFileSync(process.execPath, ['build/single-executable.ts', 'sg-session'], { env, stdio: 'pipe' })
  executable = join(folder, 'bin', 'sg-session')
  await mkdir(join(folder, 'bin'))
  await cp(resolve('out', 'bin', 'sg-session'), executable)
  await cp(resolve('src', 'client', 'python', 'sg_session'), join(folder, 'python', 'sg_session'), { recursive: true })
  scene = await setScene({ tools: { consent: 'prompt' } })
  await scene.studio.startBroker()
  agent = start(executable, 'agent', '--allow-insecure-loopback')
  await untilSaid(agent, 'is ready', 30_000)
})
afterAll(async () => {
  await agent?.stop()
  await scene?.close()
  await rm(folder, { recursive: true, force: true })
})

function start(program: string, ...args: string[]): Running {
  // What is in NODE_OPTIONS is for Node, and must not reach into this program.
  const options: Record<string, string> = program === process.execPath ? {} : { NODE_OPTIONS: '--no-such-option' }
  const env: Record<string, string> = { ...scene.studio.env, PATH: '/nonexistent', ...options }
  delete env['PYTHONPATH']
  return startProcess(program, args, env)
}

const run = (...args: string[]): Promise<Finished> => finished(start(executable, ...args))

test('says its version', async () => {
  const { version } = JSON.parse(execFileSync('cat', ['package.json'], { encoding: 'utf8' })) as { version: string }
  expect(await run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

test('runs as the agent, and signs in', async () => {
  const running = start(executable, 'sign-in', '--no-browser')
  await untilSaid(running, '  http', 30_000)
  const url = new URL(/^ {2}(http:\S+)$/m.exec(running.stderr())?.[1] ?? '')
  const browser = new HeadlessBrowser()
  const account = { email: 'artist@studio.example', password: 'autodesk-password' }
  await browser.send(await browser.signIn(url, account, url.searchParams.get('redirect_uri') ?? ''))
  expect(await running.ended, running.stderr()).toBe(0)
  expect((await run('status')).stdout).toContain('signed in as Plain Artist')
})

test('decides about programs, which a copy of it somewhere else may not, nor the scripts of the sources', async () => {
  const allow = ['tools', 'allow', '/usr/bin/env', '--yes']
  expect(await run(...allow)).toMatchObject({ status: 0, stdout: expect.stringContaining('/usr/bin/env') })
  const copy = join(folder, 'sg-session')
  await cp(executable, copy)
  const said = `"${executable}"`
  for (const other of [start(copy, ...allow), start(process.execPath, 'src/cli/sg-session.ts', ...allow)])
    expect(await finished(other)).toMatchObject({ status: 30, stderr: expect.stringContaining(said) })
})

test('gets the session when a person says, while it asks, that it may: what it prints is anybody’s', async () => {
  const getting = start(executable, 'get', '--interactive')
  let id: string | undefined
  const deadline = performance.now() + 30_000
  while (id === undefined && performance.now() < deadline) {
    const { stdout } = await run('tools', 'pending', '--json')
    const { questions } = JSON.parse(stdout) as { questions: { id: string; pid: number }[] }
    id = questions.find(({ pid }) => pid === getting.pid)?.id
  }
  expect((await run('tools', 'approve', id ?? 'none', '--once', '--yes')).status).toBe(0)
  expect([await getting.ended, getting.stderr()]).toEqual([0, ''])
  expect(getting.stdout()).toMatch(/^[0-9a-f]{32}\n$/)
})

test('runs a command that finds the Python client beside the folder of the executable', async () => {
  const program = 'import sg_session; print(sg_session.__file__)'
  const { status, stdout, stderr } = await run('exec', '--', python, '-c', program)
  expect([status, stdout, stderr]).toEqual([0, `${join(folder, 'python', 'sg_session', '__init__.py')}\n`, ''])
})

test('looks at everything, and at what a person has', async () => {
  const doctor = await run('doctor', '--json', '--allow-insecure-loopback')
  expect(doctor.stderr).toBe('')
  const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string; found: string }[] }
  expect(findings.find(({ check }) => check === 'versions')?.found).toContain(`Node ${process.version}`)
  expect(findings.find(({ check }) => check === 'agent')?.state).toBe('ok')
  const preflight = await run('preflight', '--json', '--no-try-legacy', '--allow-insecure-loopback')
  expect([0, 3]).toContain(preflight.status)
  expect(JSON.parse(preflight.stdout)).toMatchObject({ site: scene.site.url })
})

test('no signal opens it to a debugger', async () => {
  process.kill(agent.pid, 'SIGUSR1')
  expect((await run('status')).status).toBe(0)
  expect(agent.stderr()).not.toContain('Debugger')
})

/** User and system time of a program to its end, in ms, the least of several runs: what else the machine does counts little in it. */
async function processorMs(...command: string[]): Promise<number> {
  const script = join(folder, 'time.sh')
  await writeFile(script, '"$@" >/dev/null\ntimes\n')
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 7; round += 1) {
    const env = { ...scene.studio.env, PATH: '/nonexistent' }
    const { stdout } = await finished(startProcess('/bin/sh', [script, ...command], env))
    const [, user, system] = /\n(\d+m[\d.]+)s (\d+m[\d.]+)s\s*$/.exec(stdout) ?? []
    least = Math.min(least, ms(user) + ms(system))
  }
  return least
}

function ms(text = ''): number {
  const [minutes, seconds] = text.split('m').map(Number)
  return ((minutes ?? 0) * 60 + (seconds ?? 0)) * 1000
}

test('its start costs little more than that of Node itself', async () => {
  const node = await processorMs(process.execPath, '-e', '0')
  const version = await processorMs(executable, '--version')
  const status = await processorMs(executable, 'status')
  await keep('start.txt', `processor time in ms: node -e 0 ${node}, --version ${version}, status ${status}\n`)
  // Between three and seven times as much on a machine that is busy with much else; what it loads is test/unit/cli's.
  expect(version).toBeLessThan(4 * node)
  expect(status).toBeLessThan(12 * node)
})
