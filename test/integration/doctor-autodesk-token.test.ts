import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import type { Fetch } from '../../src/ports.ts'
import { type DoctorStage, row, startDoctorStage, troubles } from './doctor-stage.ts'
import { nodeFetch } from './world.ts'

let stage: DoctorStage
let client: AgentClient
let agent: { stop(): Promise<void> }
/** Every bearer that went out, by the path it went to. */
let bearers: { path: string; bearer: string }[]
beforeAll(async () => {
  stage = await startDoctorStage({ agentIdentity: { serveAccessToken: true } })
})
afterAll(() => stage.close())
beforeEach(async () => {
  bearers = []
  agent = await stage.startAgent()
  client = new AgentClient({ endpointFiles: stage.paths.endpointFiles, caller: { name: 'test', version: '1' } })
  await configure(true)
})
afterEach(async () => {
  stage.world.site.switches.bearerFromAutodesk = false
  stage.world.site.faults.clear()
  client.close()
  await agent.stop()
})

const configure = (serveAccessToken: boolean): Promise<void> =>
  stage.writeSettings({ ...stage.settings, identity: { ...stage.settings.identity, serveAccessToken } })

async function examined() {
  const watching: Fetch = (url, init) => {
    const [, bearer] = /^Bearer (.+)$/.exec(new Headers(init.headers).get('authorization') ?? '') ?? []
    if (bearer) bearers.push({ path: new URL(url).pathname, bearer })
    return nodeFetch(url, init)
  }
  const report = await stage.examine({ wayOut: { fetch: watching, proxyFor: async () => undefined } })
  expect(troubles(report)).toEqual([])
  const { state, found } = row(report, 'autodesk-token')
  return { said: `${state}: ${found}`, report }
}

const notAsked = 'skipped: not asked: whether the site takes an Autodesk access token needs a sign-in'

describe('whether the site takes an Autodesk access token', () => {
  test.each([
    [true, 'ok: accepted: the site takes the Autodesk access token of this sign-in'],
    [false, 'skipped: refused: the site does not take the Autodesk access token of this sign-in'],
  ])('is asked with the token of the sign-in (a site that does: %s)', async (takesIt, expected) => {
    stage.world.site.switches.bearerFromAutodesk = takesIt
    await client.signIn({})
    const { said, report } = await examined()
    expect(said).toBe(expected)
    const { accessToken } = await client.getAutodeskToken()
    expect([...new Set(bearers.map(({ bearer }) => bearer))]).toEqual([accessToken])
    expect([...new Set(bearers.map(({ path }) => path))]).toEqual(['/api/v1/entity/human_users/_search'])
    expect(JSON.stringify(report)).not.toContain(accessToken)
  })

  test('stays open where something else answers', async () => {
    await client.signIn({})
    stage.world.site.faults.inject({ path: '/api/', times: 9, does: { kind: 'status', status: 502, body: 'sorry' } })
    expect((await examined()).said).toBe(
      'skipped: does not tell whether it takes the Autodesk access token of this sign-in',
    )
  })

  test('stays open where the site does not answer in time, and the other rows are there', async () => {
    await client.signIn({})
    stage.world.site.faults.inject({ path: '/api/', times: 9, does: { kind: 'delay', ms: 6_000 } })
    expect((await examined()).said).toContain('does not tell')
  })

  test('is not asked while nobody is signed in', async () => {
    expect((await examined()).said).toBe(notAsked)
    expect(bearers).toEqual([])
  })

  test('is not asked where the configuration keeps the token from tools', async () => {
    await configure(false)
    await client.signIn({})
    expect((await examined()).said).toBe(notAsked)
    expect(bearers).toEqual([])
  })

  test('is not asked where no agent runs', async () => {
    await agent.stop()
    const report = await stage.examine()
    expect(row(report, 'autodesk-token').found).toContain('not asked')
    agent = await stage.startAgent()
  })
})
