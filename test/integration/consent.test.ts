import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Endpoint, readEndpointFile } from '../../src/socket/endpoint-file.ts'
import { untilSaid } from '../sandbox/processes.ts'
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
