import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import type { AgentError } from '../../src/errors.ts'
import type { Ports } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { probeAutodeskToken } from '../../src/shotgrid/autodesk-token.ts'
import { callRpc, readEntities } from '../../src/shotgrid/json-rpc.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { codeOf, nodeFetch, refusalOf, rules, signInAs, silentLog, TestClock } from './world.ts'

const minute = 60_000
const clientId = 'sg-session-tray'

/** A site that takes Autodesk's access tokens, and no broker anywhere. */
let identity: Identity
let site: Site
let redirectPorts: number[]
const agents: Agent[] = []

beforeAll(async () => {
  redirectPorts = await freePorts(2)
  const redirectUris = redirectPorts.map((port) => `http://localhost:${port}/callback`)
  const other = { clientId: 'other-app', redirectUris: ['http://localhost:4999/callback'] }
  identity = await startIdentity({ clients: [{ clientId, redirectUris }, other] })
  site = await startSite({ autodesk: { issuer: identity.issuer }, switches: { bearerFromAutodesk: true } })
})
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.close()))
  site.faults.clear()
  site.clock.reset()
  identity.faults.clear()
  Object.assign(site.switches, { bearerFromAutodesk: true })
  Object.assign(identity.switches, { accessTokenS: 3599 })
  await changePerson('artist', { status: 'act', email: 'artist@studio.example' })
})
afterAll(async () => {
  await Promise.all([site.close(), identity.close()])
})

function agentOf(person: string, ports: Partial<Ports> = {}, more: PartialConfig['identity'] = {}): Agent {
  const content: PartialConfig = {
    sites: [{ url: site.url, signIn: 'identity-direct' }],
    identity: { issuer: identity.issuer, clientId, redirectPorts, ...more },
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const all: Ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser: signInAs(person), ...ports }
  const agent = new Agent(config, all, rules)
  agents.push(agent)
  return agent
}

async function changePerson(key: string, change: object): Promise<void> {
  const answer = await fetch(`${site.url}/sandbox/people/${key}`, { method: 'PATCH', body: JSON.stringify(change) })
  if (!answer.ok) throw new Error(await answer.text())
}

async function accessTokenOf(person: string): Promise<string> {
  return (await identity.signIn(person, { nonce: 'nonce' })).accessToken
}

/** The status REST answers a bearer with. */
async function restStatus(accessToken: string, path = '/api/v1/entity/projects'): Promise<number> {
  return (await fetch(`${site.url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } })).status
}

function probe(accessToken: string, at: string = site.url): Promise<string> {
  return probeAutodeskToken(nodeFetch, at, new Secret(accessToken), AbortSignal.timeout(20_000))
}

async function errorOf(promise: Promise<unknown>): Promise<AgentError> {
  return promise.then(
    () => expect.unreachable('it worked'),
    (error: AgentError) => error,
  )
}

describe('with the Autodesk token itself', () => {
  test('the artist is signed in as who the site knows them to be, without a broker', async () => {
    const agent = agentOf('supervisor')
    expect(await agent.signIn(undefined)).toMatchObject({
      state: 'signed_in',
      login: 'supervisor',
      userId: site.person('supervisor').id,
      name: 'Old Login',
      account: 'supervisor@studio.example',
      obtainedBy: 'identity-direct',
    })
    expect(await agent.wayIn(undefined, AbortSignal.timeout(5_000))).toMatchObject({ way: 'identity-direct' })
  })

  test('JSON-RPC takes it in the place of a session token, and REST as it is', async () => {
    const agent = agentOf('artist')
    await agent.signIn(undefined)
    const { session } = await agent.session(undefined, 0, false)
    expect(session.apiUrl).toBe(site.url)
    const caller = { kind: 'session', sessionToken: session.sessionToken } as const
    const query = { type: 'Project', filters: [], fields: [], limit: 1, signal: AbortSignal.timeout(5_000) }
    const [project] = await readEntities(nodeFetch, site.url, caller, query)
    const call = { method: 'create', params: noteIn(project), signal: AbortSignal.timeout(5_000) }
    const made = await callRpc(nodeFetch, site.url, caller, call)
    expect(made).toMatchObject({ type: 'Note' })
    expect(site.eventLog().at(-1)?.user).toMatchObject({ type: 'HumanUser', id: site.person('artist').id })
    const bearer = await agent.restToken(undefined)
    expect(bearer.accessToken.reveal()).toBe(session.sessionToken.reveal())
    expect(bearer.expiresAt).toBe(session.expiresAt)
    expect(await restStatus(bearer.accessToken.reveal())).toBe(200)
  })

  test('the session lasts as long as the token, and thirty who ask near its end get one refresh', async () => {
    const clock = new TestClock()
    const agent = agentOf('artist', { clock })
    const { expiresAt, expiry } = await agent.signIn(undefined)
    expect(expiry).toBe('estimated')
    expect((expiresAt ?? 0) - clock.now()).toBeGreaterThan(58 * minute)
    expect((expiresAt ?? 0) - clock.now()).toBeLessThan(60 * minute)
    const tokenOf = async () => (await agent.session(undefined, 5 * minute, false)).session.sessionToken.reveal()
    const before = await tokenOf()
    const refreshes = identity.calls.get('token:refresh_token') ?? 0
    clock.advance(56 * minute)
    const tokens = new Set(await Promise.all(Array.from({ length: 30 }, tokenOf)))
    expect(tokens.size).toBe(1)
    expect([...tokens]).not.toContain(before)
    expect((identity.calls.get('token:refresh_token') ?? 0) - refreshes).toBe(1)
    expect(await restStatus([...tokens][0] ?? '')).toBe(200)
  })

  test('tools may have it as the Autodesk token too, where that is allowed', async () => {
    const agent = agentOf('artist', {}, { serveAccessToken: true })
    await agent.signIn(undefined)
    const { session } = await agent.session(undefined, 0, false)
    const { accessToken } = await agent.autodeskToken(undefined, 0)
    expect(accessToken.reveal()).toBe(session.sessionToken.reveal())
    expect(await codeOf(agentOf('artist').autodeskToken(undefined, 0))).toBe('autodesk_token_unavailable')
  })

  test('a sign-out ends it at the site as well', async () => {
    const agent = agentOf('artist')
    await agent.signIn(undefined)
    const token = (await agent.session(undefined, 0, false)).session.sessionToken.reveal()
    expect(await restStatus(token)).toBe(200)
    await agent.signOut(undefined)
    expect(await restStatus(token)).toBe(401)
  })
})

describe('a sign-in is refused', () => {
  test('by a site that takes no such token, with what to ask IT', async () => {
    site.switches.bearerFromAutodesk = false
    const error = await errorOf(agentOf('artist').signIn(undefined))
    expect(error).toMatchObject({ code: 'web_sign_in_unavailable' })
    expect(error.message).toBe(`"${site.url}" does not take this Autodesk access token`)
    expect(error.advice).toContain('whether it takes Autodesk tokens at all')
  })

  test('by one that takes it over REST alone: tools would have no session', async () => {
    const restOnly: Ports['fetch'] = async (url, init) => {
      if (!String(url).endsWith('/api3/json')) return nodeFetch(url, init)
      return Response.json({ exception: true, message: 'Can’t authenticate session token', error_code: 102 })
    }
    expect(await codeOf(agentOf('artist', { fetch: restOnly }).signIn(undefined))).toBe('web_sign_in_unavailable')
  })

  test('by one whose two interfaces know different people', async () => {
    const twoMinds: Ports['fetch'] = async (url, init) => {
      if (!String(url).endsWith('/api3/json')) return nodeFetch(url, init)
      const row = { type: 'HumanUser', id: site.person('artist').id, login: 'admin', sg_status_list: 'act' }
      return Response.json({ results: { entities: [row] } })
    }
    expect(await codeOf(agentOf('artist', { fetch: twoMinds }).signIn(undefined))).toBe('session_owner_mismatch')
  })

  test.each(['stranger', 'disabled', 'retired', 'shared-a', 'case-lower'])(
    'for "%s", who is no one active person there: the site itself refuses',
    async (person) => {
      expect(await codeOf(agentOf(person).signIn(undefined))).toBe('web_sign_in_unavailable')
    },
  )

  test.each([
    ['nobody', [], 'account_not_mapped'],
    ['somebody with another address', [{ email: 'other@studio.example' }], 'account_not_mapped'],
    ['a disabled user', [{ sg_status_list: 'dis' }], 'account_disabled'],
    ['two active users', [{}, { login: 'second' }], 'account_ambiguous'],
  ])('where the site answers with %s', async (_what, rows, code) => {
    const answering: Ports['fetch'] = async (url, init) => {
      if (!String(url).endsWith('/human_users/_search')) return nodeFetch(url, init)
      const seen = { login: 'artist@studio.example', email: 'Artist@Studio.example', sg_status_list: 'act' }
      const data = rows.map((change, index) => ({
        type: 'HumanUser',
        id: index + 1,
        attributes: { ...seen, ...change },
      }))
      return Response.json({ data })
    }
    expect(await codeOf(agentOf('artist', { fetch: answering }).signIn(undefined))).toBe(code)
  })

  test('while Autodesk has not verified the address', async () => {
    expect(await refusalOf(agentOf('unverified').signIn(undefined))).toBe(
      'account_not_mapped: Autodesk has not verified the address of this account',
    )
  })

  test('and what Autodesk gave for it is revoked', async () => {
    site.switches.bearerFromAutodesk = false
    let accessToken = ''
    const listening: Ports['fetch'] = async (url, init) => {
      const answer = await nodeFetch(url, init)
      const body: unknown = init.method === 'POST' && String(url).endsWith('/token') ? await answer.clone().json() : {}
      accessToken = (body as { access_token?: string }).access_token ?? accessToken
      return answer
    }
    await codeOf(agentOf('artist', { fetch: listening }).signIn(undefined))
    site.switches.bearerFromAutodesk = true
    await expect.poll(() => restStatus(accessToken)).toBe(401)
    expect(await restStatus(await accessTokenOf('artist'))).toBe(200)
  })

  test('while the site is down, and not for good', async () => {
    site.faults.inject({ path: '/api/v1/entity', times: 1, does: { kind: 'status', status: 503 } })
    expect(await codeOf(agentOf('artist').signIn(undefined))).toBe('site_unreachable')
    expect(await codeOf(agentOf('artist').signIn(undefined))).toBe('ok')
  })
})

describe('the session ends', () => {
  async function nearItsEnd(): Promise<{ agent: Agent; clock: TestClock; again: () => Promise<string> }> {
    const clock = new TestClock()
    const agent = agentOf('artist', { clock })
    await agent.signIn(undefined)
    clock.advance(56 * minute)
    return { agent, clock, again: () => codeOf(agent.session(undefined, 5 * minute, false)) }
  }

  test('for a person who was disabled meanwhile', async () => {
    const { agent, again } = await nearItsEnd()
    await changePerson('artist', { status: 'dis' })
    expect(await again()).toBe('session_ended')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'session_ended' }])
  })

  test('not while the site is only down', async () => {
    const { agent, clock, again } = await nearItsEnd()
    site.faults.inject({ path: '/api', does: { kind: 'status', status: 503 } })
    expect(await again()).toBe('ok')
    expect(agent.status()).toMatchObject([{ state: 'signed_in', problem: 'site_unreachable' }])
    site.faults.clear()
    clock.advance(2_000)
    expect(await again()).toBe('ok')
  })

  test('when a tool reports it and the site takes no token of this person any more', async () => {
    const agent = agentOf('artist')
    await agent.signIn(undefined)
    expect(await codeOf(agent.reportRejected(undefined, undefined))).toBe('ok')
    await changePerson('artist', { status: 'dis' })
    expect(await codeOf(agent.reportRejected(undefined, undefined))).toBe('session_ended')
  })

  test('with Autodesk’s own end of the sign-in', async () => {
    const { clock, again } = await nearItsEnd()
    await identity.revokeAll('artist')
    expect(await again()).toBe('ok')
    clock.advance(5 * minute)
    expect(await again()).toBe('login_required')
  })
})

describe('a site of the sandbox', () => {
  test('takes a good token of an active person, over both interfaces', async () => {
    const token = await accessTokenOf('artist')
    expect(await restStatus(token)).toBe(200)
    expect(await rpcOutcome(token)).toBe('ok')
    expect(await probe(token)).toBe('accepted')
  })

  test('takes none unless it is told to, as is every site that is known', async () => {
    site.switches.bearerFromAutodesk = false
    const token = await accessTokenOf('artist')
    expect(await restStatus(token)).toBe(401)
    expect(await rpcOutcome(token)).toBe('102')
    expect(await probe(token)).toBe('refused')
  })

  test('takes none that has expired', async () => {
    const token = await accessTokenOf('artist')
    site.clock.advance(61 * minute)
    expect(await restStatus(token)).toBe(401)
    expect(await rpcOutcome(token)).toBe('102')
  })

  test('takes none that was revoked', async () => {
    const token = await accessTokenOf('artist')
    await identity.revokeAll('artist')
    expect(await restStatus(token)).toBe(401)
  })

  test.each([
    ['another audience', { aud: 'https://elsewhere.example' }, {}],
    ['another issuer', { iss: 'https://elsewhere.example' }, {}],
    ['no end', { exp: undefined }, {}],
    ['no signature', {}, { alg: 'none' }],
    ['a signature with the public key as the secret', {}, { alg: 'HS256' }],
  ])('takes none with %s', async (_what, change, header) => {
    const [, payload = ''] = (await accessTokenOf('artist')).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    expect(await restStatus(await identity.forgeIdToken(claims)), 'the same claims, unchanged').toBe(200)
    expect(await restStatus(await identity.forgeIdToken({ ...claims, ...change }, header))).toBe(401)
  })

  test.each(['stranger', 'disabled', 'shared-a', 'unverified'])('takes none of "%s"', async (person) => {
    const token = await accessTokenOf(person)
    expect(await restStatus(token)).toBe(401)
    expect(await rpcOutcome(token)).toBe('102')
  })

  test('that was started without an issuer takes none, whatever it is told', async () => {
    const alone = await startSite({ switches: { bearerFromAutodesk: true } })
    expect(await probe(await accessTokenOf('artist'), alone.url)).toBe('refused')
    await alone.close()
  })
})

describe('asking a site whether it takes such tokens', () => {
  test('leaves open what a silent or strange one would do', async () => {
    const token = await accessTokenOf('artist')
    expect(await probe(token, 'http://127.0.0.1:9')).toBe('untold')
    for (const does of [{ kind: 'status', status: 503 } as const, { kind: 'status', status: 404 } as const]) {
      site.faults.inject({ path: '/api/v1/entity', times: 3, does })
      expect(await probe(token)).toBe('untold')
      site.faults.clear()
    }
  })

  test('believes what the site says, and nothing that only looks like it', async () => {
    const answering = (answer: () => Response) => {
      const signal = AbortSignal.timeout(20_000)
      return probeAutodeskToken(async () => answer(), site.url, new Secret('token'), signal)
    }
    expect(await answering(() => Response.json({ message: 'Unauthorized' }, { status: 401 }))).toBe('refused')
    const fault = { errors: [{ status: 400, code: 102, title: 'Can’t authenticate' }] }
    expect(await answering(() => Response.json(fault, { status: 400 }))).toBe('refused')
    expect(await answering(() => new Response('<html>Sign in</html>', { status: 401 }))).toBe('untold')
    expect(await answering(() => new Response('<html>Welcome</html>'))).toBe('untold')
    expect(await answering(() => Response.json({ hello: 'world' }))).toBe('untold')
    const permission = { errors: [{ status: 400, code: 104, title: 'not permitted' }] }
    expect(await answering(() => Response.json(permission, { status: 400 }))).toBe('untold')
  })

  test('ends with its signal', async () => {
    const over = AbortSignal.abort(new Error('over'))
    const asked = probeAutodeskToken(nodeFetch, site.url, new Secret('token'), over)
    await expect(asked).rejects.toThrow('over')
  })
})

describe('the configuration', () => {
  const parse = (content: PartialConfig) => mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)

  test('that names this way needs an Autodesk app', () => {
    const sites = [{ url: 'https://studio.example', signIn: 'identity-direct' as const }]
    expect(() => parse({ sites })).toThrow('"identity.clientId": is needed to sign in at Autodesk')
    expect(() => parse({ sites, identity: { clientId } })).not.toThrow()
  })

  test('that leaves the choice open never chooses it, Autodesk app or not', async () => {
    const sites = [{ url: site.url }]
    const { config } = parse({ sites, identity: { issuer: identity.issuer, clientId, redirectPorts } })
    const all: Ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser: signInAs('artist') }
    const agent = new Agent(config, all, rules)
    expect(await agent.wayIn(undefined, AbortSignal.timeout(5_000))).toMatchObject({ way: 'web' })
    site.switches.launcher = false
    expect(await agent.wayIn(undefined, AbortSignal.timeout(5_000))).toMatchObject({ way: 'legacy' })
    site.switches.launcher = true
    await agent.close()
  })
})

function noteIn(project: unknown): object {
  const values = { subject: 'by the artist', project }
  const fields = Object.entries(values).map(([name, value]) => ({ field_name: name, value }))
  return { type: 'Note', fields, return_fields: ['id'] }
}

/** `ok`, or the code of the fault. */
async function rpcOutcome(token: string): Promise<string> {
  const call = {
    method: 'read',
    params: {
      type: 'Project',
      return_fields: ['id'],
      filters: { logical_operator: 'and', conditions: [] },
      paging: { entities_per_page: 1, current_page: 1 },
    },
    signal: AbortSignal.timeout(5_000),
  }
  return callRpc(nodeFetch, site.url, { kind: 'session', sessionToken: new Secret(token) }, call).then(
    () => 'ok',
    (error: { faultCode?: number }) => String(error.faultCode),
  )
}
