import { afterEach, describe, expect, test } from 'vitest'
import { find } from '../sandbox/site/shotgun-api3-wire.ts'
import { codeOf, nodeFetch, startWorld, type World, type WorldOptions } from './world.ts'

let world: World
afterEach(() => world.close())

const open = async (options: WorldOptions = {}): Promise<World> => {
  world = await startWorld({
    ...options,
    site: { sudoSessionOwner: 'script', ...options.site },
    broker: { issue: 'auto', ...options.broker },
  })
  return world
}
const sessionOf = async (agent: ReturnType<World['agent']>) => (await agent.session(undefined, 0, false)).session

describe('an agent at a site whose sudo sessions are the script’s', () => {
  test('holds a session that is good at the broker’s address, and a bearer for there', async () => {
    const agent = (await open()).agent('artist')
    await agent.signIn(undefined)
    const { apiUrl, sessionToken } = await sessionOf(agent)
    expect(apiUrl).toBe(world.broker.url)
    expect(await find(apiUrl, { session_token: sessionToken.reveal() }, 'Project', [])).toHaveLength(2)
    const rest = await agent.restToken(undefined)
    expect(rest).toMatchObject({ site: world.site.url, apiUrl: world.broker.url })
    const headers = { authorization: `Bearer ${rest.accessToken.reveal()}` }
    const answer = await fetch(`${rest.apiUrl}/api/v1/entity/projects`, { headers })
    expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(2)
  })

  test('told that the session is refused, asks the broker, and renews one that has ended', async () => {
    const agent = (await open()).agent('artist')
    await agent.signIn(undefined)
    const first = await sessionOf(agent)
    await agent.reportRejected(undefined, undefined)
    expect((await sessionOf(agent)).sessionToken.reveal()).toBe(first.sessionToken.reveal())
    await world.broker.database.updateTable('gateway_session').set({ ended_at: 1 }).execute()
    await agent.reportRejected(undefined, undefined)
    const second = await sessionOf(agent)
    expect(second.sessionToken.reveal()).not.toBe(first.sessionToken.reveal())
    expect(await find(second.apiUrl, { session_token: second.sessionToken.reveal() }, 'Project', [])).toHaveLength(2)
  })

  test('keeps its session while the broker is away', async () => {
    const agent = (await open()).agent('artist')
    await agent.signIn(undefined)
    const first = await sessionOf(agent)
    await world.stopBroker()
    expect(await codeOf(agent.reportRejected(undefined, undefined))).not.toBe('login_required')
    expect((await sessionOf(agent)).sessionToken.reveal()).toBe(first.sessionToken.reveal())
  })

  test('is signed out when the person is not to be signed in any more', async () => {
    const agent = (await open()).agent('artist')
    await agent.signIn(undefined)
    const { apiUrl, sessionToken } = await sessionOf(agent)
    world.site.person('artist').status = 'dis'
    await expect(find(apiUrl, { session_token: sessionToken.reveal() }, 'Project', [])).rejects.toMatchObject({
      code: 102,
    })
    expect(await codeOf(agent.reportRejected(undefined, undefined))).toBe('account_disabled')
    expect(agent.status()).toMatchObject([{ state: 'signed_out', reason: 'account_disabled' }])
  })

  test('remembers which shape the site has, and why', async () => {
    const agent = (await open()).agent('artist')
    await agent.signIn(undefined)
    const shapes = await world.broker.database.selectFrom('site_shape').selectAll().execute()
    expect(shapes).toMatchObject([
      { site: world.site.url, shape: 'gateway', reason: expect.stringContaining('script') },
    ])
    expect(await codeOf(world.agent('admin').signIn(undefined))).toBe('privileged_account')
  })
})

describe('an answer that says where the session is good', () => {
  test('is believed for a gateway the broker lists', async () => {
    const agent = (await open({ gatewayName: 'localhost' })).agent('artist')
    await agent.signIn(undefined)
    const { apiUrl, sessionToken } = await sessionOf(agent)
    expect(apiUrl).toBe(`http://localhost:${new URL(world.broker.url).port}`)
    const auth = { session_token: sessionToken.reveal() }
    expect(await find(apiUrl, auth, 'Project', [])).toHaveLength(2)
    // The broker's own address is not the gateway's now.
    await expect(find(world.broker.url, auth, 'Project', [])).rejects.toThrow('HTTP 404')
  })

  test.each(['https://evil.example', 'http://127.0.0.1:1', 'http://localhost:1'])(
    'is not believed for "%s": the session goes nowhere',
    async (evil) => {
      await open()
      const asked: string[] = []
      const agent = world.agent('artist', {
        fetch: async (url, init) => {
          asked.push(url)
          const answer = await nodeFetch(url, init)
          if (!url.endsWith('/token') || !url.startsWith(world.broker.url)) return answer
          return Response.json({ ...((await answer.json()) as object), api_url: evil })
        },
      })
      expect(await codeOf(agent.signIn(undefined))).toBe('broker_unreachable')
      expect(asked.filter((url) => new URL(url).origin === evil)).toEqual([])
      expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
    },
  )
})
