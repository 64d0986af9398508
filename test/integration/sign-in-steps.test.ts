import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import type { OpenBrowser } from '../../src/ports.ts'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { codeOf, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

const noBrowser: OpenBrowser = async () => Promise.reject(new Error('no browser here'))

describe('while a sign-in waits for the browser', () => {
  test('its address can be had, and the browser be sent there again', async () => {
    const opened: string[] = []
    const agent = world.agent('artist', {
      openBrowser: async (url) => {
        opened.push(url.href)
        if (opened.length === 2) await world.browserOf('artist')(url)
      },
    })
    expect(agent.signInAddress()).toBeUndefined()
    expect(await codeOf(agent.openBrowserAgain())).toBe('invalid_request')
    const done = agent.signIn(undefined)
    await vi.waitFor(() => expect(opened).toHaveLength(1), 20_000)
    expect(agent.signInAddress(world.site.url)?.href).toBe(opened[0])
    await agent.openBrowserAgain()
    expect(opened[1]).toBe(opened[0])
    expect(await done).toMatchObject({ state: 'signed_in' })
    expect(agent.signInAddress()).toBeUndefined()
    expect(await codeOf(agent.openBrowserAgain())).toBe('invalid_request')
    expect(await codeOf(agent.openBrowserAgain('https://elsewhere.example'))).toBe('site_unknown')
  })

  test('who listens hears its address, also when a plug-in started it over the socket', async () => {
    const agent = world.agent('artist')
    const heard: [string, string][] = []
    agent.onSignInStep(() => {
      throw new Error('a listener’s own trouble')
    })
    const stop = agent.onSignInStep((site, step) =>
      heard.push([site, step.kind === 'browser' ? step.url.origin : step.kind]),
    )
    const files = [`${world.folder}/sg-session/endpoint.json`]
    const claimed = await claimEndpoint(files, () => agent.listen())
    const client = new AgentClient({ endpointFiles: files, caller: { name: 'maya', version: '2026' } })
    await client.getSession({ interactive: true })
    expect(heard).toEqual([[world.site.url, world.identity.issuer]])
    await client.signOut()
    stop()
    await client.getSession({ interactive: true })
    expect(heard).toHaveLength(1)
    client.close()
    await claimed.release()
  })

  test('a browser that does not start is told of, and the sign-in goes on', async () => {
    const agent = world.agent('artist', { openBrowser: noBrowser })
    const failed: string[] = []
    agent.onBrowserFailed((site) => failed.push(site))
    const done = codeOf(agent.signIn(undefined))
    await vi.waitFor(() => expect(failed).toEqual([world.site.url]), 20_000)
    expect(agent.status()).toMatchObject([{ state: 'signing_in' }])
    // Joining asks for the browser again; asking outright is answered outright.
    const joined = codeOf(agent.signIn(undefined))
    await vi.waitFor(() => expect(failed).toHaveLength(2), 20_000)
    await expect(agent.openBrowserAgain()).rejects.toThrow('no browser here')
    agent.cancelSignIn(undefined)
    expect([await done, await joined]).toEqual(['sign_in_cancelled', 'sign_in_cancelled'])
    expect(failed).toHaveLength(2)
  })

  test('a browser that fails only after the sign-in is over is nobody’s trouble', async () => {
    let fail: (error: Error) => void = () => undefined
    const agent = world.agent('artist', { openBrowser: () => new Promise((_, reject) => (fail = reject)) })
    const failed = vi.fn()
    agent.onBrowserFailed(failed)
    const done = codeOf(agent.signIn(undefined))
    await vi.waitFor(() => expect(agent.signInAddress()).toBeDefined(), 20_000)
    agent.cancelSignIn(undefined)
    await done
    fail(new Error('ended with status 3'))
    await Promise.resolve()
    expect(failed).not.toHaveBeenCalled()
  })
})

describe('ending sessions', () => {
  test('because the screen was locked revokes the tokens, cancels sign-ins, and says so to everybody', async () => {
    const agent = world.agent('artist')
    await agent.signIn(undefined)
    const heard: unknown[] = []
    agent.onChange(({ state, reason }) => heard.push([state, reason]))
    const revocations = world.identity.calls.get('revoke') ?? 0
    await agent.endSessions('screen_locked')
    expect(world.identity.calls.get('revoke')).toBe(revocations + 2)
    expect(heard).toEqual([['signed_out', 'screen_locked']])
    expect(await codeOf(agent.session(undefined, 0, false))).toBe('login_required')
  })

  test('because the machine slept too long cancels a sign-in under way', async () => {
    const agent = world.agent('artist', { openBrowser: async () => undefined })
    const done = codeOf(agent.signIn(undefined))
    await vi.waitFor(() => expect(agent.signInAddress()).toBeDefined(), 20_000)
    await agent.endSessions('slept_too_long')
    expect(await done).toBe('sign_in_cancelled')
    expect(agent.signInAddress()).toBeUndefined()
  })
})
