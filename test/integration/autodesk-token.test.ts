import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import type { AgentError } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'
import { claimFolder, writeEndpointFile } from '../../src/socket/endpoint-file.ts'
import { Keychain } from './keychain.ts'
import { startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, refusalOf, startWorld, TestClock, type World } from './world.ts'

const minute = 60_000

let world: World
let clock: TestClock
beforeAll(async () => {
  world = await startWorld({
    agentIdentity: { serveAccessToken: true, scopes: ['openid', 'user-profile:read', 'data:read'] },
    session: { rememberSignIn: true },
  })
})
afterAll(() => world.close())
afterEach(() => {
  world.identity.faults.clear()
  Object.assign(world.identity.switches, { refreshRotates: 'kill-family', refreshGraceMs: 0, accessTokenS: 3599 })
})

const refreshes = (): number => world.identity.calls.get('token:refresh_token') ?? 0
const revocations = (): number => world.identity.calls.get('revoke') ?? 0

async function signedIn(person = 'artist', fetch: Fetch = nodeFetch): Promise<Agent> {
  clock = new TestClock()
  const agent = world.agent(person, { clock, fetch })
  await agent.signIn(undefined)
  return agent
}

async function tokenOf(agent: Agent, minValidityMs = 5 * minute): Promise<string> {
  return (await agent.autodeskToken(undefined, minValidityMs)).accessToken.reveal()
}

async function errorOf(promise: Promise<unknown>): Promise<AgentError> {
  return promise.then(
    () => expect.unreachable('it was served'),
    (error: AgentError) => error,
  )
}

/** What Autodesk says of a token: whose it is, or 401. */
async function ownerOf(accessToken: string): Promise<string | number> {
  const answer = await fetch(world.identity.userinfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })
  return answer.ok ? ((await answer.json()) as { email: string }).email : answer.status
}

describe('a tool that asks for the Autodesk token', () => {
  test('gets one that Autodesk takes as the artist’s, of the scopes that IT has set, from the one sign-in', async () => {
    const authorized = world.identity.calls.get('authorize') ?? 0
    const agent = await signedIn()
    const endpoint = await agent.listen()
    const client = await clientOf(endpoint)
    const token = await client.getAutodeskToken()
    expect(await ownerOf(token.accessToken)).toBe('artist@studio.example')
    expect(token.site).toBe(world.site.url)
    expect([...(token.scopes ?? [])].sort()).toEqual(['data:read', 'openid', 'user-profile:read'])
    expect(token.expiresAt - clock.now() / 1000).toBeGreaterThan(59 * 60)
    expect(token.expiresAt - clock.now() / 1000).toBeLessThanOrEqual(3599)
    expect((world.identity.calls.get('authorize') ?? 0) - authorized).toBe(1)
    client.close()
  })

  test('is noted as one that was handed something, or refused it', async () => {
    const agent = await signedIn()
    const client = await clientOf(await agent.listen())
    const refused: string[] = []
    agent.calls.tools.refusals.listen(({ name, code }) => void refused.push(`${name} ${code}`))
    await client.getAutodeskToken()
    expect(agent.calls.tools.today()).toMatchObject([{ name: 'flow-tool', site: world.site.url, count: 1 }])
    await agent.signOut(undefined)
    expect(await codeOf(client.getAutodeskToken())).toBe('login_required')
    expect(refused).toEqual(['flow-tool login_required'])
    client.close()
  })

  test('gets the same one again as long as enough of it is left', async () => {
    const agent = await signedIn()
    const [before, r] = [await tokenOf(agent), refreshes()]
    clock.advance(54 * minute)
    expect(await tokenOf(agent)).toBe(before)
    expect(refreshes()).toBe(r)
  })

  test('gets the next one when less than it wants is left: one refresh for thirty', async () => {
    const agent = await signedIn()
    const [before, r] = [await tokenOf(agent), refreshes()]
    clock.advance(56 * minute)
    const tokens = await Promise.all(Array.from({ length: 30 }, () => tokenOf(agent)))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(before)
    expect(refreshes() - r).toBe(1)
    expect(await ownerOf(tokens[0] ?? '')).toBe('artist@studio.example')
  })

  test('shares that refresh with a renewal of the session', async () => {
    const agent = await signedIn()
    const { generation } = await agent.session(undefined, 0, false)
    world.site.expireSessions({ login: 'artist@studio.example' })
    clock.advance(56 * minute)
    world.identity.faults.inject({ path: '/authentication/v2/token', times: 1, does: { kind: 'delay', ms: 300 } })
    const r = refreshes()
    const renewed = agent.reportRejected(undefined, generation)
    await vi.waitFor(() => expect(world.identity.faults.list()).toEqual([]), 20_000)
    await Promise.all([renewed, ...Array.from({ length: 10 }, () => tokenOf(agent))])
    expect(refreshes() - r).toBe(1)
  })

  test('that wants more than Autodesk grants uses up no refresh token with every call', async () => {
    const agent = await signedIn()
    const [before, r] = [await tokenOf(agent), refreshes()]
    expect(await tokenOf(agent, 600 * minute)).toBe(before)
    clock.advance(31 * minute)
    const next = await tokenOf(agent, 600 * minute)
    expect(next).not.toBe(before)
    expect(await tokenOf(agent, 600 * minute)).toBe(next)
    expect(refreshes() - r).toBe(1)
  })

  test('gets none that a clock set back would make look good', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(50 * minute)
    clock.jump(-120 * minute)
    clock.advance(11 * minute)
    expect(await tokenOf(agent)).not.toBe(before)
  })

  test('gets the one there is while Autodesk is down, and why not once it is over', async () => {
    const agent = await signedIn()
    const before = await tokenOf(agent)
    clock.advance(56 * minute)
    world.identity.faults.inject({ path: '/authentication/v2/token', does: { kind: 'status', status: 503 } })
    expect(await tokenOf(agent)).toBe(before)
    clock.advance(5 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('identity_unreachable')
    const asked = world.identity.web.requests.length
    expect(await codeOf(tokenOf(agent))).toBe('identity_unreachable')
    expect(world.identity.web.requests.length, 'asked again within the pause').toBe(asked)
    world.identity.faults.clear()
    clock.advance(2_000)
    expect(await ownerOf(await tokenOf(agent))).toBe('artist@studio.example')
  })

  test('is told when Autodesk has ended the sign-in, even while the old token would have time left', async () => {
    const agent = await signedIn()
    await tokenOf(agent)
    await world.identity.revokeAll('artist')
    clock.advance(56 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('identity_rejected')
    expect(await codeOf(tokenOf(agent))).toMatch(/^(identity_rejected|login_required)$/)
  })

  test('never gets one of an answer that was another account’s', async () => {
    world.identity.switches.refreshReturnsIdToken = true
    const foreign = await world.identity.forgeIdToken({
      ...{ iss: world.identity.issuer, aud: 'sg-session-tray', sub: 'SUPERV000002' },
      ...{ iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 3600 },
    })
    const agent = await signedIn('artist', async (url, init) => {
      const answer = await nodeFetch(url, init)
      if (!String(init.body).includes('grant_type=refresh_token')) return answer
      return Response.json({ ...((await answer.json()) as object), access_token: 'foreign', id_token: foreign })
    })
    await tokenOf(agent)
    clock.advance(56 * minute)
    expect(await codeOf(tokenOf(agent))).toBe('identity_rejected')
    expect(await codeOf(tokenOf(agent)), 'nor later').toMatch(/^(identity_rejected|login_required)$/)
    world.identity.switches.refreshReturnsIdToken = false
  })
})

describe('a sign-out', () => {
  test('takes the token back that a tool was given', async () => {
    const agent = await signedIn()
    const token = await tokenOf(agent)
    expect(await ownerOf(token)).toBe('artist@studio.example')
    await agent.signOut(undefined)
    expect(await ownerOf(token)).toBe(401)
    expect(await codeOf(tokenOf(agent))).toBe('login_required')
  })

  test('takes back each one that a tool may still have, not the newest alone', async () => {
    const agent = await signedIn()
    const first = await tokenOf(agent)
    clock.advance(31 * minute)
    const second = await tokenOf(agent, 40 * minute)
    expect(second).not.toBe(first)
    const r = revocations()
    await agent.signOut(undefined)
    expect(revocations() - r, 'refresh token, second and first access token').toBe(3)
    expect([await ownerOf(first), await ownerOf(second)]).toEqual([401, 401])
  })

  test('while the token is refreshed lets nobody have it, and revokes what comes', async () => {
    world.identity.switches.refreshRotates = 'no-kill'
    const brought: string[] = []
    const agent = await signedIn('artist', slowRefresh(brought, 300))
    await tokenOf(agent)
    clock.advance(61 * minute)
    const asked = codeOf(tokenOf(agent))
    await vi.waitFor(() => expect(brought).toHaveLength(1), 20_000)
    await agent.signOut(undefined)
    expect(await asked).toBe('login_required')
    await vi.waitFor(async () => expect(await ownerOf(brought[0] ?? '')).toBe(401), 20_000)
  })
})

describe('somebody who signs in meanwhile', () => {
  test('does not answer for who was there before', async () => {
    const brought: string[] = []
    let who = 'artist'
    clock = new TestClock()
    const openBrowser = (url: URL) => world.browserOf(who)(url)
    const agent = world.agent('artist', { clock, openBrowser, fetch: slowRefresh(brought, 1_500) })
    await agent.signIn(undefined)
    clock.advance(61 * minute)
    const asked = refusalOf(tokenOf(agent))
    await vi.waitFor(() => expect(brought).toHaveLength(1), 20_000)
    who = 'supervisor'
    await agent.signIn(undefined, { switchUser: true })
    expect(await asked).toMatch(/^login_required: somebody else has signed in/)
    expect(await ownerOf(await tokenOf(agent))).toBe('supervisor@studio.example')
  })

  test('as the same person does: the tool gets the token of the new sign-in', async () => {
    const brought: string[] = []
    const agent = await signedIn('artist', slowRefresh(brought, 1_500))
    clock.advance(61 * minute)
    const asked = tokenOf(agent)
    await vi.waitFor(() => expect(brought).toHaveLength(1), 20_000)
    await agent.signIn(undefined)
    expect(await asked).not.toBe(brought[0])
    expect(await ownerOf(await asked)).toBe('artist@studio.example')
  })
})

describe('a sign-in of an earlier run', () => {
  test('serves it as well, without a browser', async () => {
    const keychain = new Keychain()
    clock = new TestClock()
    const first = world.agent('artist', { clock, secretStore: keychain })
    await first.signIn(undefined)
    await first.close()
    const noBrowser = async (): Promise<void> => Promise.reject(new Error('no browser may open here'))
    const next = world.agent('artist', { clock, secretStore: keychain, openBrowser: noBrowser })
    await next.resume()
    expect(await ownerOf(await tokenOf(next))).toBe('artist@studio.example')
    await next.signOut(undefined)
  })
})

describe('there is no token', () => {
  test('where the configuration does not allow it, whoever is signed in', async () => {
    const closed = await startWorld()
    const agent = closed.agent('artist')
    expect(closed.config.identity.serveAccessToken).toBe(false)
    await agent.signIn(undefined)
    const error = await errorOf(agent.autodeskToken(undefined, 0))
    expect(error).toMatchObject({
      code: 'autodesk_token_unavailable',
      message: 'the configuration does not allow tools to have the Autodesk access token',
    })
    expect(error.advice).toContain('"identity.serveAccessToken"')
    await closed.close()
  })

  test('where nobody is signed in', async () => {
    const refusal = await refusalOf(world.agent('artist').autodeskToken(undefined, 0))
    expect(refusal).toBe(`login_required: nobody is signed in to "${world.site.url}"`)
  })

  test('of a site that is not configured', async () => {
    expect(await codeOf(world.agent('artist').autodeskToken('https://elsewhere.example', 0))).toBe('site_unknown')
  })

  test('where the artist signed in at the site itself, which knows none', async () => {
    const stage = await startSiteStage({}, { serveAccessToken: true })
    const agent = stage.agent('artist', 'web')
    await agent.signIn(undefined)
    const error = await errorOf(agent.autodeskToken(undefined, 0))
    expect(error).toMatchObject({ code: 'autodesk_token_unavailable' })
    expect(error.message).toContain('was obtained by "web"')
    expect(error.advice).toContain('a broker for this site')
    await stage.close()
  })
})

async function clientOf(endpoint: Awaited<ReturnType<Agent['listen']>>): Promise<AgentClient> {
  const folder = join(world.folder, String(endpoint.port))
  await claimFolder(folder)
  const file = join(folder, 'endpoint.json')
  await writeEndpointFile(file, endpoint)
  return new AgentClient({ endpointFiles: [file], caller: { name: 'flow-tool', version: '1' } })
}

/** Brings the answers to refreshes home late, after they took effect; `brought` hears of them at once. */
function slowRefresh(brought: string[], ms: number): Fetch {
  return async (url, init) => {
    const answer = await nodeFetch(url, init)
    if (String(init.body).includes('grant_type=refresh_token')) {
      brought.push(((await answer.clone().json()) as { access_token: string }).access_token)
      await new Promise((resolve) => setTimeout(resolve, ms))
    }
    return answer
  }
}
