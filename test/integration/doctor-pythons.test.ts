import { spawnSync } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { checkPythons } from '../../src/doctor/pythons.ts'
import { version } from '../../src/version.ts'
import { findPython } from '../e2e/pythons.ts'
import { type DoctorStage, startDoctorStage } from './doctor-stage.ts'

/** By its own path: the machines of these tests have nothing of ours on the PATH. */
const real = ((): string | undefined => {
  const found = ['3.11', '3.12', '3.13', '3.10', '3.9', '3.8', '3.7'].map(findPython).find((one) => one !== undefined)
  return found && spawnSync(found, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim()
})()

let stage: DoctorStage
beforeAll(async () => {
  stage = await startDoctorStage()
})
afterAll(() => stage.close())
afterEach(() => rm(stage.bin, { recursive: true, force: true }).then(() => mkdir(stage.bin)))

/** The rows of the Pythons in this machine's `bin`; whatever else is installed here is somebody else's business. */
async function look(env: Record<string, string | undefined> = {}): Promise<Finding[]> {
  const system = { platform: process.platform, env: { ...stage.env, ...env }, home: stage.env['HOME'] ?? '', uid: 0 }
  const checks = [['python', checkPythons]] as const
  const { findings } = await stage.examine({ system }, { checks })
  return findings.filter(({ about, found }) => about?.startsWith(stage.bin) || found.includes(`(${stage.bin}`))
}

/** A folder of packages for PYTHONPATH. */
async function packages(files: Record<string, string>): Promise<string> {
  const folder = join(stage.bin, 'packages')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, name, '__init__.py'), text)
  }
  return folder
}

const run = (name: string): Promise<string> => stage.writeProgram(name, `exec '${real}' "$@"`)

describe.runIf(real)('a Python on this machine', () => {
  test('imports our client; while an agent runs, the two are seen to understand each other', async () => {
    await run('python3')
    const [alone] = await look()
    expect(alone).toMatchObject({ about: join(stage.bin, 'python3'), state: 'ok' })
    expect(alone?.found).toMatch(
      new RegExp(
        `^Python 3\\.\\d+\\.\\d+ imports sg_session ${version.replaceAll('.', '\\.')} from .*__init__\\.pyc?$`,
      ),
    )
    const agent = await stage.startAgent()
    const [both] = await look()
    expect(stage.world.site.sessions()).toEqual([])
    await agent.stop()
    expect(both?.found).toMatch(/; it understands the agent$/)
  })

  test('with an older client is told of', async () => {
    await run('mayapy')
    const PYTHONPATH = await packages({ sg_session: '__version__ = "0.0.1"\ndef status(timeout): return []\n' })
    expect(await look({ PYTHONPATH })).toMatchObject([
      {
        about: join(stage.bin, 'mayapy'),
        state: 'warning',
        found: expect.stringContaining('imports sg_session 0.0.1 from'),
      },
    ])
  })

  test('with a client that the agent does not understand fails', async () => {
    await run('python3')
    const refuse = 'class E(Exception):\n  code = "unsupported_version"\ndef status(timeout): raise E()\n'
    const PYTHONPATH = await packages({ sg_session: `__version__ = "${version}"\n${refuse}` })
    expect(await look({ PYTHONPATH })).toMatchObject([
      { state: 'failed', advice: expect.stringContaining(`Install sg_session ${version} there.`) },
    ])
  })

  test('whose client cannot be imported fails; shotgun_api3 is named beside it', async () => {
    await run('python3')
    const PYTHONPATH = await packages({
      sg_session: 'raise RuntimeError("half an installation")',
      shotgun_api3: '__version__ = "3.9.1"',
    })
    expect(await look({ PYTHONPATH })).toMatchObject([
      {
        state: 'failed',
        found: expect.stringMatching(
          /cannot import sg_session \(RuntimeError: half an installation\); shotgun_api3 3\.9\.1$/,
        ),
      },
    ])
  })

  test('without it shares a row with others, and one that is there twice is named once', async () => {
    await run('python3')
    await run('hython')
    const PYTHONPATH = await packages({ shotgun_api3: 'raise RuntimeError("too old")' })
    const [only, ...others] = await look({ PYTHONPATH })
    expect(others).toEqual([])
    expect(only).toMatchObject({ state: 'skipped', advice: expect.stringContaining('docs/plug-ins.md') })
    expect(only?.found).toMatch(/^without sg_session: .*shotgun_api3 cannot be imported \(RuntimeError: too old\)/)
    expect(only?.found.split(stage.bin)).toHaveLength(2)
  })

  test('gets nothing of the environment but what decides about packages and places, and no input', async () => {
    const said = join(stage.bin, 'environment')
    await stage.writeProgram('python3', `/usr/bin/env > '${said}'; /bin/cat >> '${said}'; exec '${real}' "$@"`)
    await look({ SHOTGRID_API_KEY: 'hunter2', SG_SCRIPT_KEY: 'hunter2', https_proxy: 'http://a:hunter2@p', LANG: 'C' })
    const seen = await readFile(said, 'utf8')
    expect(seen).toContain('PYTHONDONTWRITEBYTECODE=1')
    expect(seen).not.toContain('hunter2')
  })

  test('is Blender’s too', async () => {
    // As Blender takes it: the last argument is what to run.
    await stage.writeProgram('blender', `for last; do :; done; echo 'Blender 4.5'; exec '${real}' -c "$last"`)
    expect(await look()).toMatchObject([{ about: join(stage.bin, 'blender'), state: 'ok' }])
  })
})

test('a program that is no Python, prints nonsense, or never ends costs its time and a row', async () => {
  await stage.writeProgram('python3', 'echo "@sg-session-doctor {}"; echo @sg-session-doctor nonsense')
  await stage.writeProgram('mayapy', 'exit 3')
  // What it starts is ended with it.
  const pidFile = join(stage.bin, 'pid')
  await stage.writeProgram('hython', `/bin/sleep 300 & echo $! > '${pidFile}'; wait`)
  const startedMs = performance.now()
  const rows = await look()
  expect(performance.now() - startedMs).toBeLessThan(14_000)
  expect(rows.map(({ about, state, found }) => [about?.split('/').at(-1), state, found])).toEqual([
    ['hython', 'skipped', 'did not answer within 7 s'],
    ['mayapy', 'skipped', 'cannot be run'],
    ['python3', 'skipped', 'cannot be run'],
  ])
  const pid = Number(await readFile(pidFile, 'utf8'))
  await expect.poll(() => isRunning(pid)).toBe(false)
})

async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // Ended, and not buried yet.
  return status !== '' && !/^\d+ \(.*\) Z/.test(status)
}
