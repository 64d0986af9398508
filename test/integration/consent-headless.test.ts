import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { commandLineProgram, finished } from '../sandbox/processes.ts'
import { type ConsentStage, pythonTool, saidBy, startConsentStage } from './consent-stage.ts'
import { codeOf } from './world.ts'

let stage: ConsentStage
beforeAll(async () => {
  stage = await startConsentStage()
})
afterAll(() => stage.close())

const anyone = (): AgentClient =>
  new AgentClient({ endpointFiles: [stage.endpointFile], caller: { name: 'anyone', version: '1' } })

describe('without a screen', () => {
  const waiting = async (): Promise<string> => {
    const client = anyone()
    let id: string | undefined
    await expect
      .poll(
        async () => {
          id = (await client.pendingQuestions())[0]?.id
          return id
        },
        { timeout: 40_000 },
      )
      .toBeDefined()
    client.close()
    return id ?? ''
  }

  test('a question waits in the list and is answered from the command line', async () => {
    await stage.restart()
    const tool = await stage.startPython('headless.py', pythonTool, 'wait')
    const id = await waiting()
    const pending = await finished(stage.sgSession('tools', 'pending'))
    expect(pending.stdout).toContain(`${id}  ${join(stage.folder, 'headless.py')} in `)
    expect(pending.stdout).toContain('calls itself "python"')
    const approved = await finished(stage.sgSession('tools', 'approve', id, '--yes', '--json'))
    expect(approved).toMatchObject({ status: 0, stdout: expect.stringContaining('headless.py') })
    expect(await saidBy(tool)).toEqual({ login: 'artist@studio.example' })
    const listed = await finished(stage.sgSession('tools', 'list'))
    expect(listed.stdout).toMatch(
      /Allowed:\n(.*\n)*[0-9a-f]{10} {2}\S+headless\.py in \S+python3[\d.]*\n {2}http\S+: the session, since (today|\d+ \w+ \d+)/,
    )
  })

  test('a no is a no; an id that nobody asked about is said', async () => {
    await stage.restart()
    const tool = await stage.startPython('denied.py', pythonTool, 'wait')
    expect((await finished(stage.sgSession('tools', 'deny', await waiting()))).status).toBe(0)
    expect(await saidBy(tool)).toMatchObject({ code: 'consent_denied' })
    const [listed, unknown] = await Promise.all([
      finished(stage.sgSession('tools', 'list')),
      finished(stage.sgSession('tools', 'approve', 'none', '--yes')),
    ])
    expect(listed.stdout).toMatch(
      /Refused, or without an answer:\n\S+denied\.py in \S+\n {2}http\S+: not asked about until (\w{3} )?\d\d:\d\d/,
    )
    expect(unknown).toMatchObject({ status: 37, stderr: expect.stringContaining('no question "none" waits') })
  })

  test('a program is allowed before it asks, and revoked by its path', async () => {
    const agent = await stage.restart()
    const program = await stage.startPython('batch.py', 'pass')
    await program.ended
    const file = join(stage.folder, 'batch.py')
    const python = agent.consent.allowed().find(({ script }) => script?.endsWith('headless.py'))?.executable ?? ''
    expect(await finished(stage.sgSession('tools', 'allow', python, '--script', file, '--yes'))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('batch.py in '),
    })
    expect(await saidBy(await stage.startPython('batch.py', pythonTool))).toEqual({ login: 'artist@studio.example' })
    expect(await finished(stage.sgSession('tools', 'revoke', file))).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Revoked:\n/),
    })
    expect(await saidBy(await stage.startPython('batch.py', pythonTool))).toMatchObject({
      code: 'interaction_required',
    })
    const [noFile, noProgram] = await Promise.all([
      finished(stage.sgSession('tools', 'allow', join(stage.folder, 'nothing'), '--yes')),
      finished(stage.sgSession('tools', 'revoke', 'nothing')),
    ])
    expect(noFile).toMatchObject({ status: 37, stderr: expect.stringContaining('is no file') })
    expect(noProgram).toMatchObject({ status: 37, stderr: expect.stringContaining('no program "nothing" is allowed') })
  })

  test('nothing is allowed without a terminal, unless told not to ask', async () => {
    await stage.restart()
    void stage.startPython('piped.py', pythonTool)
    const id = await waiting()
    const refused = await Promise.all([
      finished(stage.sgSession('tools', 'approve', id)),
      finished(stage.sgSession('tools', 'allow', process.execPath, '--script', commandLineProgram)),
    ])
    for (const one of refused)
      expect(one).toMatchObject({ status: 11, stderr: expect.stringMatching(/no terminal to ask at.*\n.*--yes/) })
    expect(await waiting()).toBe(id)
  })

  test('a program cannot approve itself through a command that it starts', async () => {
    const agent = await stage.restart()
    const before = agent.consent.allowed().length
    const code = `
import json, subprocess, sys, sg_session
client = sg_session.Client("self")
try:
    client.get_session()
except sg_session.SgSessionError as error:
    id = error.advice.split("approve ")[1].split('"')[0]
done = subprocess.run([${JSON.stringify(process.execPath)}, ${JSON.stringify(commandLineProgram)}, "tools", "approve", id, "--yes", "--json"],
    stdout=subprocess.PIPE)
allow = subprocess.run([${JSON.stringify(process.execPath)}, ${JSON.stringify(commandLineProgram)}, "tools", "allow", sys.argv[1], "--script",
    __file__, "--yes", "--json"], stdout=subprocess.PIPE)
print(json.dumps({"approve": json.loads(done.stdout)["error"], "allow": json.loads(allow.stdout)["error"]}))
`
    const python = agent.consent.allowed().find(({ script }) => script?.endsWith('headless.py'))?.executable ?? ''
    const said = await saidBy(await stage.startPython('self.py', code, python))
    const refused = {
      code: 'consent_denied',
      message: 'a program cannot be allowed by a command that it started itself',
    }
    expect(said).toMatchObject({ approve: refused, allow: refused })
    expect(agent.consent.allowed()).toHaveLength(before)
  })

  test('no other program decides about programs, and the list itself is open', async () => {
    const agent = await stage.restart()
    void stage.startPython('waits.py', pythonTool)
    const id = await waiting()
    const client = anyone()
    const [allowed] = (await client.listTools()).allowed
    expect(allowed).toBeDefined()
    expect(await codeOf(client.answerQuestion(id, 'always'))).toBe('consent_denied')
    expect(await codeOf(client.answerQuestion(id, 'deny'))).toBe('consent_denied')
    expect(await codeOf(client.revokeTool(allowed?.id ?? ''))).toBe('consent_denied')
    expect(await codeOf(client.allowTool({ executable: '/bin/true' }))).toBe('consent_denied')
    expect(await client.pendingQuestions()).toMatchObject([{ id }])
    client.close()
    // Where no command line is known to be ours, nobody’s counts.
    await stage.restart({}, { ownCommand: { scripts: ['/nowhere/sg-session.js'] } })
    expect(await finished(stage.sgSession('tools', 'revoke', allowed?.id ?? ''))).toMatchObject({
      status: 30,
      stderr: expect.stringContaining('Use the window of sg-session'),
    })
    expect(agent.consent.allowed().length).toBeGreaterThan(0)
  })

  test('sg-session’s own `get` is asked about each time', async () => {
    await stage.restart()
    const get = stage.sgSession('get', '--interactive', '--json')
    await finished(stage.sgSession('tools', 'approve', await waiting(), '--yes'))
    expect(JSON.parse((await finished(get)).stdout)).toMatchObject({ login: 'artist@studio.example' })
    expect((await finished(stage.sgSession('get', '--json'))).stdout).toContain('interaction_required')
  })
})
