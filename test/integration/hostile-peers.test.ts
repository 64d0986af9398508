import { createServer, type Server } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config/config.ts'
import type { OpenBrowser } from '../../src/ports.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { grantType, metadataPath, sessionTokenType } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { codeOf, nodeFetch, rules, silentLog, startWorld, type World } from './world.ts'

/** Peers that lie. What the agent believes must not depend on their good will. */
let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())
afterEach(() => world.identity.faults.clear())

describe('a broker that lies', () => {
  let broker: Server
  let url: string
  let answers: Record<string, unknown>
  let agent: Agent
  beforeEach(async () => {
    const [port = 0] = await freePorts(1)
    url = `http://127.0.0.1:${port}`
    answers = {
      [metadataPath]: {
        issuer: url,
        token_endpoint: `${url}/token`,
        challenge_endpoint: `${url}/challenge`,
        sites_supported: [world.site.url],
        grant_types_supported: [grantType],
        dpop_signing_alg_values_supported: ['ES256'],
      },
      '/challenge': { challenge: 'c'.repeat(43), expires_in: 600 },
      '/token': {
        access_token: world.site.mintSession('artist'),
        issued_token_type: sessionTokenType,
        token_type: 'N_A',
        expires_in: 3600,
        site: world.site.url,
        login: 'artist@studio.example',
        user_id: world.site.person('artist').id,
        name: 'Plain Artist',
      },
    }
    broker = createServer((request, response) => {
      request.resume()
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[request.url ?? ''] ?? null))
    })
    await new Promise<void>((resolve) => broker.listen(port, '127.0.0.1', resolve))
    const { identity, sites } = world.config
    const content = { identity: { ...identity }, sites: sites.map((site) => ({ url: site.url, broker: url })) }
    const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
    const ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser: world.browserOf('artist') }
    agent = new Agent(config, ports, rules)
  })
  afterEach(async () => {
    await agent.close()
    broker.closeAllConnections()
    broker.close()
  })

  const change = (path: string, members: object): void => {
    answers[path] = { ...(answers[path] as object), ...members }
  }

  test('is believed while it tells the truth, as a control', async () => {
    expect(await agent.signIn(undefined)).toMatchObject({ state: 'signed_in', login: 'artist@studio.example' })
  })

  test.each<[string, () => object]>([
    ['of another person', () => ({ access_token: world.site.mintSession('supervisor') })],
    ['under another person’s number', () => ({ user_id: world.site.person('supervisor').id })],
    ['that the site does not know', () => ({ access_token: '0'.repeat(32) })],
    ['of another site', () => ({ site: 'https://other.example' })],
  ])('has a session %s refused', async (_name, members) => {
    change('/token', members())
    expect(await codeOf(agent.signIn(undefined))).toBe('session_owner_mismatch')
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
  })

  test.each<[string, object]>([
    ['an answer without a session', { access_token: '' }],
    ['an answer that is a bearer token', { token_type: 'Bearer' }],
    ['an answer of another token type', { issued_token_type: 'urn:x' }],
    ['a session without an end', { expires_in: 0 }],
  ])('has %s refused', async (_name, members) => {
    change('/token', members)
    expect(await codeOf(agent.signIn(undefined))).toBe('broker_unreachable')
  })

  test('cannot send the tokens elsewhere', async () => {
    for (const members of [
      { token_endpoint: 'https://evil.example/token' },
      { challenge_endpoint: 'http://127.0.0.1:1/c' },
      { issuer: 'https://evil.example' },
    ]) {
      change(metadataPath, {
        ...(answers[metadataPath] as object),
        token_endpoint: `${url}/token`,
        issuer: url,
        ...members,
      })
      expect(await codeOf(agent.signIn(undefined))).toBe('broker_unreachable')
    }
  })

  test('that does not serve the site is told from one that is down', async () => {
    change(metadataPath, { sites_supported: ['https://other.example'] })
    expect(await codeOf(agent.signIn(undefined))).toBe('site_unknown')
  })
})

describe('metadata of Autodesk that lies', () => {
  test.each([
    ['another host', 'https://evil.example/authorize'],
    ['a file', 'file:///etc/passwd'],
    ['a script', 'javascript:alert(1)'],
    ['a program', 'ms-settings:network'],
    ['another port', 'ISSUER0/authorize'],
  ])('and names %s for signing in opens nothing', async (_name, endpoint) => {
    const answer = await fetch(`${world.identity.issuer}/.well-known/openid-configuration`)
    const metadata = (await answer.json()) as object
    const named = endpoint.replace('ISSUER', world.identity.issuer)
    const body = JSON.stringify({ ...metadata, authorization_endpoint: named })
    world.identity.faults.inject({ path: '/.well-known', does: { kind: 'status', status: 200, body } })
    const openBrowser = vi.fn<OpenBrowser>()
    const onStep = vi.fn()
    expect(await codeOf(world.agent('artist', { openBrowser }).signIn(undefined, { onStep }))).toMatch(
      /^identity_(rejected|unreachable)$/,
    )
    expect(openBrowser).not.toHaveBeenCalled()
    expect(onStep).not.toHaveBeenCalled()
  })

  test('and is another issuer’s is not believed', async () => {
    const answer = await fetch(`${world.identity.issuer}/.well-known/openid-configuration`)
    const body = JSON.stringify({ ...((await answer.json()) as object), issuer: 'https://evil.example' })
    world.identity.faults.inject({ path: '/.well-known', does: { kind: 'status', status: 200, body } })
    expect(await codeOf(world.agent('artist').signIn(undefined))).toBe('identity_rejected')
  })
})
