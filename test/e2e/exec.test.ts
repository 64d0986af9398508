import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandLineProgram, startProcess, untilSaid } from '../sandbox/processes.ts'
import { shapesOf } from './find-secret.ts'
import { type Scene, setScene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await setScene()
  await scene.studio.startBroker()
  await scene.studio.startAgent()
})
afterAll(() => scene.close())

const run = (...args: string[]) => scene.studio.sgSession('exec', ...args)
const cli = (...args: string[]) =>
  startProcess(process.execPath, [commandLineProgram, 'exec', ...args], { ...scene.studio.env })

describe('sg-session exec', () => {
  test('without a sign-in starts nothing while nobody is signed in', async () => {
    const file = join(scene.studio.folder, 'must-not-be')
    const { status, stdout, stderr } = await run('--no-sign-in', '--', 'touch', file)
    expect([status, stdout]).toEqual([10, ''])
    expect(stderr).toContain('Nobody is signed in to this site.')
    expect(existsSync(file)).toBe(false)
  })

  test('starts nothing for a site that is not configured, and opens no browser', async () => {
    const { status, stderr } = await run('--site', 'https://elsewhere.example', '--', 'true')
    expect([status, stderr]).toEqual([
      50,
      expect.stringContaining('"https://elsewhere.example" is none of the configured'),
    ])
  })

  test('signs in first; what the command prints is the command’s alone', async () => {
    const running = scene.studio.startSgSession('exec', '--', 'echo', 'from the command')
    await scene.answerBrowser()
    expect(await running.ended, running.stderr()).toBe(0)
    expect(running.stdout()).toBe('from the command\n')
    expect(running.stderr()).toContain('signed in as Plain Artist')
  })

  test('gives a Python the session, and no token to its environment or arguments', async () => {
    const token = (await scene.studio.sgSession('get')).stdout.trim()
    const ready = join(scene.studio.folder, 'ready')
    const program = [
      'import os, sg_session, time',
      'assert sg_session.get_session().session_token',
      `open(${JSON.stringify(ready)}, "w").write("%d %s" % (os.getpid(), sg_session.__file__))`,
      'time.sleep(60)',
    ].join('\n')
    const env: Record<string, string> = { ...scene.studio.env }
    // As a desktop starts it, where nothing has prepared the way.
    delete env['PYTHONPATH']
    const running = startProcess(
      process.execPath,
      [commandLineProgram, 'exec', '--site', scene.site.url.toUpperCase(), '--', 'python3', '-c', program],
      env,
    )
    let said = ''
    while (!said) {
      await new Promise((wake) => setTimeout(wake, 20))
      said = await readFile(ready, 'utf8').catch(() => '')
    }
    const [pid, file] = said.split(' ')
    expect(file).toBe(join(process.cwd(), 'src', 'client', 'python', 'sg_session', '__init__.py'))
    const environ = await readFile(`/proc/${pid}/environ`)
    for (const name of ['environ', 'cmdline']) {
      for (const process of [pid, running.pid]) {
        const content = await readFile(`/proc/${process}/${name}`)
        for (const shape of shapesOf(token)) expect(content.includes(shape)).toBe(false)
      }
    }
    expect(environ.toString().split('\0')).toContain(`SG_SESSION_SITE=${scene.site.url}`)
    expect(environ.toString().split('\0')).toContain(
      `SG_SESSION_ENDPOINT=${join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')}`,
    )
    expect(await running.stop('SIGTERM')).toBe(128 + 15)
  })

  test('what the command finds in PYTHONPATH comes after the client', async () => {
    const { stdout } = await run('--', 'sh', '-c', 'echo "$PYTHONPATH"')
    const ours = join(process.cwd(), 'src', 'client', 'python')
    expect(stdout).toBe(`${ours}:${scene.studio.env['PYTHONPATH']}\n`)
  })

  test('the command line inside it means the same site and agent', async () => {
    const env = { ...scene.studio.env, XDG_RUNTIME_DIR: '/nowhere' }
    const endpoint = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
    const inside = `${process.execPath} ${commandLineProgram}`
    const running = startProcess(
      process.execPath,
      [
        commandLineProgram,
        'exec',
        '--',
        'sh',
        '-c',
        `${inside} status; SG_SESSION_SITE=https://x.example ${inside} get`,
      ],
      { ...env, SG_SESSION_ENDPOINT: endpoint },
    )
    expect(await running.ended).toBe(50)
    expect(running.stdout()).toContain('signed in as Plain Artist')
    expect(running.stderr()).toContain('"https://x.example" is none of the configured sites')
  })

  test.each([
    ['its exit status', ['sh', '-c', 'exit 7'], 7],
    ['128 + n when signal n ended it', ['sh', '-c', 'kill -SEGV $$'], 139],
    [
      'arguments as they are, no shell between',
      ['sh', '-c', `[ "$1 $2" = '-- "a b" $HOME' ]`, 'x', '--', '"a b" $HOME'],
      0,
    ],
    [
      'options that are ours too',
      ['sh', '-c', '[ "$1 $2" = "--site --no-sign-in" ]', 'x', '--site', '--no-sign-in'],
      0,
    ],
  ])('hands on %s', async (_what, command, expected) => {
    expect((await run('--', ...command)).status).toBe(expected)
  })

  test('hands standard input and output on', async () => {
    const file = join(scene.studio.folder, 'input')
    await writeFile(file, 'a line\nand a second\n')
    const inside = `'${process.execPath}' '${commandLineProgram}' exec -- cat < '${file}' | sort`
    const running = startProcess('sh', ['-c', inside], { ...scene.studio.env })
    expect([await running.ended, running.stdout()]).toEqual([0, 'a line\nand a second\n'])
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'hands %s on and waits for what the command makes of it',
    async (signal) => {
      const name = signal.slice(3)
      const running = cli(
        '--',
        'sh',
        '-c',
        `trap 'echo heard ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`,
      )
      await untilSaid(running, 'ready', 60_000)
      expect(await running.stop(signal)).toBe(9)
      expect(running.stdout()).toContain(`heard ${name}`)
    },
  )

  test('hands on a signal that comes while the command starts', async () => {
    // The start is made long enough for a command to send one in the middle of it.
    const slowStart = `
      import childProcess from 'node:child_process'
      import { syncBuiltinESMExports } from 'node:module'
      const { spawn } = childProcess
      childProcess.spawn = (...args) => {
        const child = spawn(...args)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
        return child
      }
      syncBuiltinESMExports()`
    const program = "trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.05; done"
    const running = startProcess(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(slowStart)}`,
        commandLineProgram,
        'exec',
        '--',
        'sh',
        '-c',
        program,
      ],
      { ...scene.studio.env },
    )
    expect(await running.ended, running.stderr()).toBe(9)
  })

  test('an unknown command is 127, one that cannot be run 126, each with a sentence', async () => {
    const unknown = await run('--', 'no-such-command')
    expect([unknown.status, unknown.stderr]).toEqual([
      127,
      'sg-session: "no-such-command": there is no command of that name. Check it, or give its whole path.\n',
    ])
    const folder = await run('--', scene.studio.folder)
    expect([folder.status, folder.stderr]).toEqual([126, expect.stringContaining('cannot be run (EACCES)')])
    // What the system says of it before there is a process.
    const below = await run('--', join(commandLineProgram, 'below'))
    expect([below.status, below.stderr]).toEqual([126, expect.stringContaining('cannot be run (ENOTDIR)')])
  })

  test('without a command it is wrong usage', async () => {
    expect((await run()).status).toBe(2)
    expect((await run('--')).status).toBe(2)
  })
})
