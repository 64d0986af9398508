import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { erase } from '../../src/erase/erase.ts'
import { standardPaths } from '../../src/system/paths.ts'
import { otherUserMissing } from '../integration/other-user.ts'
import { commandLineProgram, finished, type Running, startProcess } from '../sandbox/processes.ts'
import { runAtTerminal, typeAt } from './at-terminal.ts'
import { type Scene, setScene } from './scene.ts'

/** A real agent that somebody is signed in with, and whoever erases what it keeps. */
let scene: Scene
/** Names the one agent of this scene: no other of this machine is looked for. */
let env: Record<string, string>
beforeAll(async () => {
  scene = await setScene()
  const { studio } = scene
  env = { ...studio.env, SG_SESSION_ENDPOINT: join(studio.folder, 'run', 'sg-session', 'endpoint.json') }
  await studio.startBroker()
})
afterAll(() => scene.close())

const sgSession = (...args: string[]): string[] => [process.execPath, commandLineProgram, ...args]
const run = (...args: string[]) => finished(startProcess(process.execPath, sgSession(...args).slice(1), env))
const settingsFile = (): string => join(env['HOME'] ?? '', '.config', 'sg-session', 'settings.json')
const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )
const startAgent = (...nodeFlags: string[]): Promise<Running> =>
  scene.studio.startAgent({ env: { SG_SESSION_ENDPOINT: env['SG_SESSION_ENDPOINT'] }, nodeFlags })

/** What the command does, in less time than it takes for what never ends. */
function eraseSoon(endWithinMs = 500) {
  const { platform } = process
  const paths = standardPaths({ platform, env, home: env['HOME'] ?? '', uid: process.getuid?.() ?? -1 })
  return erase(paths, { keepAudit: false, env: {}, endWithinMs })
}

describe('sg-session erase', () => {
  test('without a terminal it wants --yes, and changes nothing', async () => {
    const { status, stdout } = await run('erase', '--json')
    expect(status).toBe(11)
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'interaction_required',
      advice: expect.stringContaining('--yes'),
    })
    expect(await isThere(settingsFile())).toBe(true)
  })

  test('whoever says no at the terminal keeps everything', async () => {
    const terminal = runAtTerminal(sgSession('erase'), env)
    await typeAt(terminal, ['Remove what sg-session keeps for you on this machine', 'n'])
    expect(await terminal.ended).toBe(30)
    expect(terminal.shown()).toContain('Nothing was changed.')
    expect(await isThere(settingsFile())).toBe(true)
  })

  test('is for root where it is for all users', async (context) => {
    if (otherUserMissing) context.skip(otherUserMissing)
    const nobody = { uid: 65_534, gid: 65_534 }
    const args = sgSession('erase', '--all-users', '--yes').slice(1)
    const { status, stderr } = await finished(startProcess(process.execPath, args, { HOME: '/nonexistent' }, nobody))
    expect(status).toBe(37)
    expect(stderr).toContain('"--all-users" is for root')
  })

  test('an agent that does not end is named, and nothing is removed: it would write it again', async () => {
    const deaf = `data:text/javascript,process.once=new Proxy(process.once,{apply:(f,t,[name,...rest])=>name==='SIGTERM'?t:f.call(t,name,...rest)});process.on('SIGTERM',()=>{})`
    const agent = await startAgent('--import', deaf)
    // It answers first, and a busy machine takes its time for that.
    await expect(eraseSoon(3_000)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      message: `sg-session runs as process ${agent.pid}, which does not end`,
    })
    expect(await isThere(settingsFile())).toBe(true)
    await agent.stop('SIGKILL')
  })

  test('nor is one that stands still told to end: it might be another program by now', async () => {
    const agent = await startAgent()
    process.kill(agent.pid, 'SIGSTOP')
    await expect(eraseSoon()).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      message: `sg-session runs as process ${agent.pid}, which does not answer`,
    })
    process.kill(agent.pid, 'SIGCONT')
    expect(await isThere(settingsFile())).toBe(true)
    await agent.stop()
  })

  test('a yes at the terminal signs out, ends the agent, and leaves nothing of ours', async () => {
    const agent = await startAgent()
    const signIn = startProcess(process.execPath, sgSession('sign-in').slice(1), env)
    await scene.answerBrowser()
    expect(await signIn.ended).toBe(0)
    const revoked = (): number => scene.identity.calls.get('revoke') ?? 0
    const before = revoked()
    const terminal = runAtTerminal(sgSession('erase'), env)
    await typeAt(terminal, ['and end it where it runs? [y/N]', 'y'])
    expect(await terminal.ended, terminal.shown()).toBe(0)
    expect(await agent.ended).toBe(0)
    expect(terminal.shown()).toContain(`ended: process ${agent.pid}`)
    expect(terminal.shown()).toContain(`removed: ${settingsFile()}`)
    for (const place of ['.config/sg-session', '.local/state/sg-session', '../run/sg-session'])
      expect(await isThere(join(env['HOME'] ?? '', place)), place).toBe(false)
    expect(revoked()).toBeGreaterThan(before)
  })

  test('and says that there is nothing more', async () => {
    const { status, stdout } = await run('erase', '--yes', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ended: [], removed: [], left: [] })
  })
})
