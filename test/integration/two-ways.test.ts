import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { mergeConfig } from '../../src/config/config.ts'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, rules, silentLog, startWorld, type World } from './world.ts'

/** One agent, three sites, and a way in of its own to each. */
let world: World
let web: SiteStage
let legacy: SiteStage
let agent: Agent
let client: AgentClient
let release: () => Promise<void>
beforeAll(async () => {
  world = await startWorld()
  web = await startSiteStage({ mode: 'saml2' })
  legacy = await startSiteStage({ mode: 'default', launcher: false })
  const [studio] = world.config.sites
  if (!studio) throw new Error('the world has no site')
  const content = {
    sites: [studio, { url: web.site.url }, { url: legacy.site.url }],
    identity: { ...world.config.identity, redirectPorts: [...world.config.identity.redirectPorts] },
    tools: { consent: 'allow-all' },
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const openBrowser = (url: URL) =>
    url.origin === web.site.url ? web.answers('approve', 'supervisor')(url) : world.browserOf('artist')(url)
  agent = new Agent(config, { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser }, rules)
  const files = [`${world.folder}/sg-session/endpoint.json`]
  const claimed = await claimEndpoint(files, () => agent.listen())
  client = new AgentClient({ endpointFiles: files, caller: { name: 'maya', version: '2026' } })
  release = () => claimed.release()
})
afterAll(async () => {
  client.close()
  await release()
  await agent.close()
  await Promise.all([world, web, legacy].map((one) => one.close()))
})

test('auto takes the best way each site has, and says why', async () => {
  const choices = await Promise.all(
    [world.site, web.site, legacy.site].map(({ url }) => agent.wayIn(url, AbortSignal.timeout(5_000))),
  )
  expect(choices.map(({ way }) => way)).toEqual(['broker', 'web', 'legacy'])
  for (const { because } of choices) expect(because).toMatch(/^(a broker is|no broker is) configured/)
})

test('three sign-ins at once, each its own way, end in three people’s sessions', async () => {
  const passphrase = 'legacy-passphrase'
  const signingIn = Promise.all([
    client.getSession({ site: world.site.url, interactive: true }),
    client.getSession({ site: web.site.url, interactive: true }),
    client.getSession({ site: legacy.site.url, interactive: true }),
  ])
  await vi.waitFor(() => expect(agent.signInStep(legacy.site.url)).toMatchObject({ kind: 'credentials' }), 20_000)
  await client.submitCredentials({ site: legacy.site.url, login: 'case-lower', passphrase })
  expect(await signingIn).toMatchObject([
    { site: world.site.url, login: 'artist@studio.example', obtainedBy: 'broker' },
    { site: web.site.url, login: 'supervisor', obtainedBy: 'web' },
    { site: legacy.site.url, login: 'case-lower', obtainedBy: 'legacy' },
  ])
})

test('a session is for exactly the site that was named; the first is meant when none is', async () => {
  expect((await client.getSession()).site).toBe(world.site.url)
  expect((await client.getSession({ site: new URL(web.site.url).href })).site).toBe(web.site.url)
  for (const site of ['https://elsewhere.example', `${web.site.url}0`, new URL(web.site.url).hostname, '']) {
    expect(await codeOf(client.getSession({ site })), site).toMatch(/^(site_unknown|invalid_request)$/)
  }
})

test('a token of one site is none of another', async () => {
  const { sessionToken } = await client.getSession({ site: web.site.url })
  const form = new URLSearchParams({ grant_type: 'session_token', session_token: sessionToken })
  const asked = await Promise.all(
    [world.site, web.site, legacy.site].map(({ url }) =>
      fetch(`${url}/api/v1/auth/access_token`, { method: 'POST', body: form }),
    ),
  )
  expect(asked.map(({ status }) => status)).toEqual([400, 200, 400])
})

test('signing out of one, and somebody else signing in to another, leaves the third alone', async () => {
  const before = await client.getSession({ site: world.site.url })
  await client.signOut(legacy.site.url)
  expect(await codeOf(client.getSession({ site: legacy.site.url }))).toBe('login_required')
  await client.signIn({ site: web.site.url, switchUser: true })
  const statuses = (await client.status()).sites
  expect(statuses).toMatchObject([{ state: 'signed_in' }, { state: 'signed_in' }, { state: 'signed_out' }])
  expect((await client.getSession({ site: world.site.url })).sessionToken).toBe(before.sessionToken)
})
