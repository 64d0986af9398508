import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type Endpoint, readEndpointFile } from '../../src/socket/endpoint-file.ts'
import { commandLineProgram, finished, untilSaid } from '../sandbox/processes.ts'
import { artist, type ConsentStage, nodeTool, pythonTool, saidBy, startConsentStage } from './consent-stage.ts'
import { RawLine } from './raw-line.ts'
import { codeOf } from './world.ts'

let stage: ConsentStage
beforeAll(async () => {
  stage = await startConsentStage()
})
afterAll(() => stage.close())

const present = async (): Promise<Endpoint> => {
  const endpoint = await readEndpointFile(stage.endpointFile)
  if (!endpoint) throw new Error('no agent is there')
  return endpoint
}

const anyone = (): AgentClient =>
  new AgentClient({ endpointFiles: [stage.endpointFile], caller: { name: 'anyone', version: '1' } })

describe('at a screen', () => {
  test('two programs get the artist’s two answers, asked with what the system knows of them', async () => {
    const { ask, asked } = artist({ 'publish.py': 'always', 'tool.ts': 'deny' })
    await stage.restart({}, { askConsent: ask })
    const [python, node] = await Promise.all([
      stage.startPython('publish.py', pythonTool, 'wait'),
      stage.startNode('tool.ts', nodeTool),
    ])
    const [toPython, toNode] = await Promise.all([saidBy(python), saidBy(node)])
    expect(toPython).toEqual({ login: 'artist@studio.example' })
    expect(toNode).toMatchObject({ code: 'consent_denied' })
    const byScript = Object.fromEntries(
      asked.map(({ tool: { identified, claim }, ...question }) => {
        if (identified.kind === 'unknown') throw new Error('a question about nobody')
        const { script = '', pid, executable, parents } = identified.peer
        return [script.split('/').at(-1), { ...question, script, pid, executable, parents, claim }]
      }),
    )
    expect(Object.keys(byScript).sort()).toEqual(['publish.py', 'tool.ts'])
    expect(byScript['publish.py']).toMatchObject({
      site: stage.site,
      scope: 'rest',
      script: join(stage.folder, 'publish.py'),
      executable: expect.stringMatching(/\/python3[\d.]*$/),
    })
    expect(byScript['tool.ts']).toMatchObject({
      pid: node.pid,
      executable: await realpath(process.execPath),
      claim: { name: 'node-tool' },
    })
    expect(byScript['tool.ts']?.parents[0]?.pid).toBe(process.pid)
  })

  test('the answer is remembered over a restart, and the file that remembers it holds no secret', async () => {
    const { ask, asked } = artist({})
    const agent = await stage.restart({}, { askConsent: ask })
    expect(await saidBy(await stage.startPython('publish.py', pythonTool))).toEqual({ login: 'artist@studio.example' })
    expect(asked).toEqual([])
    expect(agent.consent.allowed()).toMatchObject([
      { script: join(stage.folder, 'publish.py'), site: stage.site, scope: 'rest' },
    ])
    const state = join(stage.folder, 'state')
    expect(await readdir(state)).toEqual(expect.arrayContaining(['tools.json']))
    const kept = await readFile(join(state, 'tools.json'), 'utf8')
    const { session } = await agent.session(undefined, 0, false)
    expect(kept).not.toContain(session.sessionToken.reveal())
    expect(kept).toContain('publish.py')
  })

  test('a revoked program loses its connection and is asked about again', async () => {
    const { ask, asked } = artist({ 'stays.ts': 'always' })
    const agent = await stage.restart({}, { askConsent: ask })
    const told: number[] = []
    const note = (): unknown => told.push(agent.consent.allowed().length)
    const stops = [agent.consent.allowedNow.listen(note), agent.consent.revokedNow.listen(note)]
    const before = agent.consent.allowed().length
    const stays = await stage.startNode(
      'stays.ts',
      nodeTool.replace(
        'client.close()',
        `await client.watch((status) => console.log(status ? 'connected' : 'cut off'), AbortSignal.timeout(30_000)).catch(() => undefined)`,
      ),
    )
    await untilSaid(stays, 'connected', 20_000)
    const tool = agent.consent.allowed().find(({ script }) => script?.endsWith('stays.ts'))
    await agent.consent.revoke(tool?.id ?? '')
    // The watch comes back by itself: its connection ended, what it may ask for is another matter.
    await expect.poll(() => stays.stdout().split('connected').length, { timeout: 20_000 }).toBe(3)
    await stays.stop()
    for (const stop of stops) stop()
    expect(told).toEqual([before + 1, before])
    expect(await codeOf(agent.consent.revoke(tool?.id ?? ''))).toBe('invalid_request')
    expect(asked).toHaveLength(1)
    expect(await saidBy(await stage.startNode('stays.ts', nodeTool))).toEqual({ login: 'artist@studio.example' })
    expect(asked).toHaveLength(2)
  })

  test('one that does not wait hears what to do, and the yes as `session/changed`', async () => {
    let say: (answer: 'always') => void = () => undefined
    const agent = await stage.restart(
      {},
      {
        askConsent: () =>
          new Promise((resolve) => {
            say = resolve
          }),
      },
    )
    const endpoint = await readEndpointFile(stage.endpointFile)
    if (!endpoint) throw new Error('no agent is announced')
    const line = await RawLine.greeted(endpoint)
    line.send({ jsonrpc: '2.0', id: 2, method: 'session/watch' })
    expect(await line.message()).toMatchObject({ id: 2 })
    line.send({ jsonrpc: '2.0', id: 3, method: 'session/get', params: {} })
    expect(await line.message()).toMatchObject({ id: 3, error: { data: { code: 'interaction_required' } } })
    say('always')
    expect(await line.message()).toMatchObject({
      method: 'session/changed',
      params: { site: stage.site, state: 'signed_in' },
    })
    line.send({ jsonrpc: '2.0', id: 4, method: 'session/get', params: {} })
    expect(await line.message()).toMatchObject({ id: 4, result: { login: 'artist@studio.example' } })
    line.close()
    expect(agent.consent.allowed().length).toBeGreaterThan(0)
  })

  test('nobody answers: the Python client raises a typed error with what to do', async () => {
    const { ask } = artist({ 'late.py': 'nothing' })
    await stage.restart({}, { askConsent: ask, consentLimits: { answerMs: 200 } })
    expect(await saidBy(await stage.startPython('late.py', pythonTool, 'wait'))).toMatchObject({
      type: 'NotAllowed',
      code: 'consent_timeout',
      advice: 'Ask again and answer the question on the screen.',
    })
    expect(await saidBy(await stage.startPython('late.py', pythonTool, 'wait'))).toMatchObject({
      type: 'NotAllowed',
      code: 'consent_denied',
      advice: expect.stringMatching(/^sg-session asks again after \d\d:\d\d:\d\d\. /),
    })
  })

  test('a locked screen asks nobody; the question of one that does not wait is a typed error too', async () => {
    let isScreenLocked = true
    const { ask, asked } = artist({ 'early.py': 'nothing' })
    await stage.restart({}, { askConsent: ask, isScreenLocked: () => isScreenLocked })
    expect(await saidBy(await stage.startPython('early.py', pythonTool, 'wait'))).toMatchObject({
      code: 'consent_denied',
      advice: 'Unlock the screen and try again.',
    })
    expect(asked).toEqual([])
    isScreenLocked = false
    expect(await saidBy(await stage.startPython('early.py', pythonTool))).toMatchObject({
      type: 'LoginRequired',
      code: 'interaction_required',
      advice: 'Answer the question on the screen, then try again.',
    })
    expect(asked).toHaveLength(1)
  })

  test('a flood of programs is refused, but for the first', async () => {
    const { ask } = artist({ 'first.py': 'nothing' })
    const agent = await stage.restart({}, { askConsent: ask, consentLimits: { waiting: 1 } })
    expect(await saidBy(await stage.startPython('first.py', pythonTool))).toMatchObject({
      code: 'interaction_required',
    })
    expect(await saidBy(await stage.startPython('second.py', pythonTool))).toMatchObject({
      code: 'consent_denied',
      said: '1 other questions wait for their answers',
    })
    expect(agent.consent.refused()).toEqual([])
  })
})

describe('by the policy, without a question', () => {
  test('what it names passes, what it names as refused does not', async () => {
    const { ask, asked } = artist({})
    const python = { executable: '**/python3*' }
    await stage.restart(
      { consent: 'allow-list', allow: [{ ...python, script: '**/farm*.py' }], deny: [{ script: '**/farm-old.py' }] },
      { askConsent: ask },
    )
    expect(await saidBy(await stage.startPython('farm.py', pythonTool))).toEqual({ login: 'artist@studio.example' })
    expect(await saidBy(await stage.startPython('farm-old.py', pythonTool))).toMatchObject({ code: 'consent_denied' })
    // Remembered from before, and of no account where a list decides.
    expect(await saidBy(await stage.startPython('publish.py', pythonTool))).toMatchObject({ code: 'consent_denied' })
    expect(asked).toEqual([])
  })

  test('what is refused for a site is refused for it also where the site is left out', async () => {
    const agent = await stage.restart({ consent: 'allow-all', deny: [{ client: 'test', sites: [stage.site] }] })
    const line = await RawLine.greeted(await present())
    for (const method of [
      'signOut',
      'signIn',
      'signIn/way',
      'signIn/cancel',
      'session/reportRejected',
      'session/get',
    ]) {
      for (const params of [{ site: stage.site }, {}]) {
        line.send({ jsonrpc: '2.0', id: method, method, params })
        expect(await line.message()).toMatchObject({ id: method, error: { data: { code: 'consent_denied' } } })
      }
    }
    line.close()
    expect(agent.status()).toMatchObject([{ state: 'signed_in' }])
  })
})

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
      /Allowed:\n(.*\n)*[0-9a-f]{10} {2}\S+headless\.py in \S+python3[\d.]*\n {2}http\S+: the session, since today/,
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
