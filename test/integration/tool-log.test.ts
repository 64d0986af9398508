import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import type { ToolRefusal, ToolUse } from '../../src/socket/tool-log.ts'
import { codeOf, startWorld, TestClock, type World } from './world.ts'

const clock = new TestClock()
const clients: AgentClient[] = []
let world: World
let agent: Agent
let files: string[]
let claimed: ClaimedEndpoint
beforeAll(async () => {
  world = await startWorld()
  agent = world.agent('artist', { clock })
  files = [join(world.folder, 'sg-session', 'endpoint.json')]
  claimed = await claimEndpoint(files, () => agent.listen())
})
afterAll(async () => {
  for (const client of clients) client.close()
  await claimed.release()
  await world.close()
})

function tool(name: string, version = '1'): AgentClient {
  const client = new AgentClient({ endpointFiles: files, caller: { name, version } })
  clients.push(client)
  return client
}

test('who asks while nobody is signed in is told of, with the site and why', async () => {
  const refusals: ToolRefusal[] = []
  const stop = agent.calls.tools.refusals.listen((refusal) => refusals.push(refusal))
  const maya = tool('maya\u202e', '2026')
  await codeOf(maya.getSession())
  await codeOf(maya.getRestToken(world.site.url))
  await codeOf(maya.getSession({ site: 'https://elsewhere.example' }))
  await codeOf(maya.getSession({ minValidityS: -1 }))
  // Asking about something else is no refusal of a session.
  await codeOf(maya.reportRejected({}))
  await maya.status()
  stop()
  const program = { executable: await realpath(process.execPath), script: expect.stringContaining('vitest') }
  const who = { name: 'maya', version: '2026', pid: process.pid, ...program }
  expect(refusals).toEqual([
    { ...who, site: world.site.url, code: 'login_required' },
    { ...who, site: world.site.url, code: 'login_required' },
    { ...who, code: 'site_unknown' },
    { ...who, site: world.site.url, code: 'invalid_request' },
  ])
  expect(agent.calls.tools.today()).toEqual([])
})

test('who gets the session is on the list of today, the command line like any other', async () => {
  await agent.signIn(undefined)
  const uses: ToolUse[] = []
  const stop = agent.calls.tools.uses.listen((use) => uses.push(use))
  const maya = tool('maya', '2026')
  await maya.getSession()
  await maya.getRestToken()
  await maya.status()
  await tool('sg-session-cli').getSession()
  stop()
  expect(uses.map(({ name, count }) => [name, count])).toEqual([
    ['maya', 1],
    ['maya', 2],
    ['sg-session-cli', 1],
  ])
  expect(agent.calls.tools.today()).toMatchObject([
    { name: 'sg-session-cli', site: world.site.url, pid: process.pid, count: 1 },
    { name: 'maya', version: '2026', site: world.site.url, count: 2 },
  ])
  expect(JSON.stringify(agent.calls.tools.today())).not.toContain((await maya.getSession()).sessionToken)
  clock.advance(24 * 3600_000)
  expect(agent.calls.tools.today()).toEqual([])
})
