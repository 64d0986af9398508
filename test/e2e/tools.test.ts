import { realpathSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandLineProgram } from '../sandbox/processes.ts'
import { runAtTerminal, typeAt } from './at-terminal.ts'
import { type Scene, setScene } from './scene.ts'

/** The real agent, asked by real programs that nobody has decided about, and a person at a terminal. */
let scene: Scene
let tool: string
let env: Record<string, string>
beforeAll(async () => {
  scene = await setScene({ tools: { consent: 'prompt' } })
  await scene.studio.startBroker()
  await scene.studio.startAgent()
  await scene.signIn()
  tool = join(realpathSync(scene.studio.folder), 'publish.py')
  await writeFile(tool, 'import sg_session\nprint(sg_session.get_session().login)\n')
  env = { ...scene.studio.env }
})
afterAll(() => scene.close())

const sgSession = (...args: string[]): string[] => [process.execPath, commandLineProgram, ...args]
const questions = async (): Promise<{ id: string; script?: string }[]> =>
  JSON.parse((await scene.studio.sgSession('tools', 'pending', '--json')).stdout).questions

describe('sg-session tools', () => {
  test('a command that is run by exec is asked about by its own name, and exec is not', async () => {
    const { status, stderr } = await scene.studio.sgSession('exec', '--', 'python3', tool)
    expect(status).toBe(1)
    expect(stderr).toMatch(/LoginRequired: sg-session asks whether ".*publish\.py" in ".*python3[\d.]*" may use/)
    expect((await questions()).map(({ script }) => script)).toEqual([tool])
  })

  test('whoever says no at the terminal changes nothing, whoever says yes lets the program in', async () => {
    const [question] = await questions()
    const no = runAtTerminal(sgSession('tools', 'approve', question?.id ?? ''), env)
    await typeAt(no, ['Let this program use your session until you take it back? [y/N]', 'n'])
    expect(await no.ended).toBe(30)
    expect(no.shown()).toContain('Nothing was changed.')
    expect(await questions()).toEqual([question])
    const yes = runAtTerminal(sgSession('tools', 'approve', question?.id ?? ''), env)
    await typeAt(yes, ['[y/N]', 'y'])
    expect(await yes.ended).toBe(0)
    expect(yes.shown()).toContain(`${tool} in `)
    expect(await scene.studio.python('python3', tool)).toMatchObject({ status: 0, stdout: 'artist@studio.example\n' })
  })

  test('what is kept of it is in the artist’s own state folder, without the session', async () => {
    const { sessionToken } = JSON.parse((await approvedGet()) || '{}') as { sessionToken: string }
    const kept = await readFile(join(env['HOME'] ?? '', '.local', 'state', 'sg-session', 'state', 'tools.json'), 'utf8')
    expect(kept).toContain(tool)
    expect(sessionToken.length).toBeGreaterThan(10)
    expect(kept).not.toContain(sessionToken)
    expect(kept).not.toContain(basename(commandLineProgram))
  })

  test('a name with hidden letters shows them at the terminal', async () => {
    const hidden = join(scene.studio.folder, 'gpj\u202eyp.exe')
    await writeFile(hidden, '#!/bin/sh\n')
    const asking = runAtTerminal(sgSession('tools', 'allow', hidden), env)
    await typeAt(asking, ['[y/N]', 'n'])
    await asking.ended
    expect(asking.shown()).toContain('gpj\\u{202e}yp.exe')
    expect(asking.shown()).not.toContain('\u202e')
  })

  test('says how it is used', async () => {
    expect((await scene.studio.sgSession('tools', '--help')).stdout).toMatch(
      /list[\s\S]*pending[\s\S]*approve[\s\S]*deny[\s\S]*allow[\s\S]*revoke/,
    )
    expect((await scene.studio.sgSession('tools', 'approve')).status).toBe(2)
  })
})

/** What `sg-session get` prints when its question is answered with yes. */
async function approvedGet(): Promise<string> {
  const get = scene.studio.startSgSession('get', '--interactive', '--json')
  let id: string | undefined
  await expect
    .poll(
      async () => {
        id = (await questions())[0]?.id
        return id
      },
      { timeout: 20_000 },
    )
    .toBeDefined()
  await scene.studio.sgSession('tools', 'approve', id ?? '', '--yes')
  await get.ended
  return get.stdout()
}
