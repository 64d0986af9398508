import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const day = 86_400
const use = (token: string) => callRpc(site.url, { session_token: token, reject_if_expired: true }, 'preferences_read')
const withCookie = (token: string, init: RequestInit = {}) => ({ ...init, headers: { cookie: `_session_id=${token}` } })
const read = (token: string) => fetch(`${site.url}/internal_api/session`, withCookie(token))
const renew = (token: string) => fetch(`${site.url}/internal_api/session`, withCookie(token, { method: 'POST' }))
const mint = (token: string) =>
  fetch(`${site.url}/api/v1/auth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'session_token', session_token: token }),
  })
const expiresAt = (token: string) =>
  site.sessions().find(({ tokenEnding }) => tokenEnding === token.slice(-4))?.expiresAtS ?? 0

describe('the sliding window', () => {
  test('use moves the end at most once in 300 seconds', async () => {
    const token = site.mintSession('artist')
    const start = expiresAt(token)
    site.clock.advance(299_000)
    await use(token)
    expect(expiresAt(token)).toBe(start)
    site.clock.advance(2_000)
    await use(token)
    expect(expiresAt(token)).toBeGreaterThanOrEqual(start + 301)
  })

  test('minting a bearer is use; ten mints 30 seconds apart move it once', async () => {
    const token = site.mintSession('artist')
    const start = expiresAt(token)
    const moves = new Set<number>()
    for (let at = 0; at < 10; at += 1) {
      expect((await mint(token)).status).toBe(200)
      moves.add(expiresAt(token))
      site.clock.advance(30_500)
    }
    expect(moves.size).toBe(1)
    await mint(token)
    expect(expiresAt(token)).toBeGreaterThanOrEqual(start + 300)
  })

  test('reading the session never moves it, renewing it always does', async () => {
    const token = site.mintSession('artist')
    const start = expiresAt(token)
    site.clock.advance(400_000)
    expect((await read(token)).status).toBe(200)
    expect(expiresAt(token)).toBe(start)
    site.clock.advance(2_000)
    expect(await (await renew(token)).json()).toEqual({ message: 'OK' })
    site.clock.advance(2_000)
    await renew(token)
    expect(expiresAt(token)).toBeGreaterThanOrEqual(start + 404)
  })

  test('a window of ten seconds behaves like a window of a day, with five seconds for 300', async () => {
    site.switches.sessionWindowS = 10
    const token = site.mintSession('artist')
    site.clock.advance(4_000)
    await use(token)
    site.clock.advance(5_000)
    await use(token)
    site.clock.advance(9_000)
    await use(token)
    site.clock.advance(10_000)
    await expect(use(token)).rejects.toMatchObject({ code: 102 })
  })

  test('a session used once per window never ends, one left alone does', async () => {
    const [used, idle] = [site.mintSession('artist'), site.mintSession('artist')]
    for (let at = 0; at < 5; at += 1) {
      site.clock.advance(0.6 * day * 1000)
      await use(used)
    }
    await expect(use(idle)).rejects.toMatchObject({ code: 102 })
  })
})

describe('an ended session', () => {
  test.each(['by time', 'by hand', 'with the account'])('that ended %s is refused everywhere alike', async (how) => {
    const token = site.mintSession('artist')
    if (how === 'by time') site.clock.advance(day * 1000)
    if (how === 'by hand') expect(site.expireSessions({ login: 'artist@studio.example' })).toBe(1)
    if (how === 'with the account') site.person('artist').retired = true
    await expect(use(token)).rejects.toMatchObject({
      code: 102,
      message: `Can't authenticate session token ending with '${token.slice(-4)}'`,
    })
    const minted = await mint(token)
    expect(minted.status).toBe(400)
    expect(await minted.json()).toMatchObject({
      errors: [{ status: 400, code: 102, title: `Can't authenticate session token ending with '${token.slice(-4)}'` }],
    })
    for (const answer of [await read(token), await renew(token)]) {
      expect(answer.status).toBe(401)
      expect(await answer.json()).toEqual({ message: 'Unauthorized' })
    }
    expect(site.sessions()).toMatchObject([{ ended: true }])
  })

  test('does not come back when it is renewed', async () => {
    const token = site.mintSession('artist')
    site.expireSessions()
    await renew(token)
    await expect(use(token)).rejects.toMatchObject({ code: 102 })
  })

  test('of somebody else leaves mine alone', async () => {
    const mine = site.mintSession('artist')
    site.mintSession('supervisor')
    expect(site.expireSessions({ login: 'supervisor' })).toBe(1)
    await expect(use(mine)).resolves.toBeTypeOf('object')
  })
})

describe('GET /internal_api/session', () => {
  test('tells both clocks in epoch seconds', async () => {
    const now = site.clock.nowS()
    const token = site.mintSession('artist')
    const body = await (await read(token)).json()
    expect(body).toEqual({
      app: { createdAt: expect.any(Number), expiresAt: expect.any(Number), forceExpiresAt: null },
      license: { createdAt: expect.any(Number), expiresAt: expect.any(Number) },
      expirationReason: 'session',
      expired: false,
      expiresAt: body.app.expiresAt,
      notifyAt: body.app.expiresAt - 900,
      sessionInitUrl: expect.stringContaining(site.url),
    })
    expect(body.app.expiresAt - body.app.createdAt).toBe(day)
    expect(body.license.expiresAt - body.license.createdAt).toBe(day)
    expect(body.app.createdAt - now).toBeLessThan(3)
  })

  test('wants the cookie: a bearer alone, or nothing, is 401', async () => {
    const { access_token: bearer } = await (await mint(site.mintSession('artist'))).json()
    const headers = { authorization: `Bearer ${bearer}` }
    expect((await fetch(`${site.url}/internal_api/session`, { headers })).status).toBe(401)
    expect((await fetch(`${site.url}/internal_api/session`)).status).toBe(401)
  })

  test('is gone when the switch says the site has no such endpoint', async () => {
    const token = site.mintSession('artist')
    site.switches.sessionEndpoint = false
    for (const answer of [await read(token), await renew(token)]) {
      expect(answer.status).toBe(404)
      expect(await answer.json()).toEqual({ message: 'Not Found' })
    }
  })

  test('says so when the licence lease has ended first, and the renewal brings both clocks back', async () => {
    const token = site.mintSession('artist')
    site.clock.advance(0.7 * day * 1000)
    await use(token)
    site.clock.advance(0.5 * day * 1000)
    expect(await (await read(token)).json()).toMatchObject({ expired: true, expirationReason: 'license' })
    await expect(use(token)).resolves.toBeTypeOf('object')
    const url = `${site.url}/internal_api/autodesk_identity/license_renewal`
    expect(await (await fetch(url, withCookie(token, { method: 'POST' }))).json()).toEqual({ message: 'OK' })
    expect(await (await read(token)).json()).toMatchObject({ expired: false, expirationReason: 'session' })
    expect((await fetch(url, { method: 'POST' })).status).toBe(401)
    const unrouted = await fetch(url)
    expect(unrouted.status).toBe(404)
    expect(await unrouted.json()).toMatchObject({ errors: [{ code: 103 }] })
  })
})

test('mintSession refuses people who could not sign in, and names who is unknown', () => {
  expect(() => site.mintSession('disabled')).toThrow('"disabled" cannot sign in')
  expect(() => site.mintSession('retired')).toThrow('"retired" cannot sign in')
  expect(() => site.mintSession('stranger')).toThrow('nobody called "stranger"')
})
