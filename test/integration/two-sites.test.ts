import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { startWorld, type World } from './world.ts'

let world: World
let agent: Agent
let second: string
beforeAll(async () => {
  world = await startWorld({ twoSites: true })
  agent = world.agent('artist')
  second = world.secondSite?.url ?? ''
})
afterAll(() => world.close())

test('each site has a sign-in of its own, and a session is for its site only', async () => {
  await agent.signIn(undefined)
  await expect(agent.session(second, 0, false)).rejects.toMatchObject({ code: 'login_required' })
  await agent.signIn(second)
  const [a, b] = await Promise.all([agent.session(world.site.url, 0, false), agent.session(second, 0, false)])
  expect([a.session.site, b.session.site]).toEqual([world.site.url, second])
  expect(a.session.sessionToken.reveal()).not.toBe(b.session.sessionToken.reveal())
  const endings = (site = world.site) => site.sessions().map(({ tokenEnding }) => tokenEnding)
  expect(endings().some((ending) => a.session.sessionToken.reveal().endsWith(ending))).toBe(true)
  expect(endings(world.secondSite).some((ending) => b.session.sessionToken.reveal().endsWith(ending))).toBe(true)
})

test('two sign-ins may wait for the browser at once, and neither takes the other’s answer', async () => {
  const both = world.agent('supervisor')
  const [a, b] = await Promise.all([both.signIn(world.site.url), both.signIn(second)])
  expect([a, b]).toMatchObject([
    { site: world.site.url, state: 'signed_in', login: 'supervisor' },
    { site: second, state: 'signed_in', login: 'supervisor' },
  ])
})

test('signing out of one leaves the other alone', async () => {
  await agent.signOut(world.site.url)
  expect(agent.status()).toMatchObject([{ state: 'signed_out' }, { state: 'signed_in' }])
})
