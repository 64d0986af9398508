import { setTimeout as sleep } from 'node:timers/promises'
import * as jose from 'jose'
import * as client from 'openid-client'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { ProviderMemory } from '../sandbox/identity/provider-memory.ts'
import { personNamed } from '../sandbox/people.ts'
import { discoverAsNativeClient, keepFaultless, prepareAttempt } from './native-client.ts'

const redirectUri = 'http://localhost:14285/callback'
const artist = { email: personNamed('artist').email, password: 'autodesk-password' }

let identity: Identity
let config: client.Configuration

beforeAll(async () => {
  identity = await startIdentity()
  config = await discoverAsNativeClient(identity.issuer)
})
keepFaultless(() => identity)

const signIn = (clientId = 'sg-session-tray') => identity.signIn('artist', { clientId, nonce: 'n' })
const refresh = (refreshToken: string, parameters?: Record<string, string>) =>
  client.refreshTokenGrant(config, refreshToken, parameters)
const userinfoStatus = async (accessToken: string) =>
  (await fetch(identity.userinfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })).status
const refused = { name: 'ResponseBodyError', status: 400, error: 'invalid_grant' }

describe('refresh', () => {
  test('it brings a new access token and a new refresh token, and by default no ID token', async () => {
    const { refreshToken, accessToken } = await signIn()
    const refreshed = await refresh(refreshToken)
    expect(Object.keys(refreshed).toSorted()).toEqual(['access_token', 'expires_in', 'refresh_token', 'token_type'])
    expect(refreshed.refresh_token).not.toBe(refreshToken)
    expect(refreshed.access_token).not.toBe(accessToken)
    expect(identity.calls.get('token:refresh_token')).toBe(1)
  })

  test('with refreshReturnsIdToken it brings an ID token too', async () => {
    identity.switches.refreshReturnsIdToken = true
    const { refreshToken } = await signIn()
    expect((await refresh(refreshToken)).claims()).toMatchObject({
      sub: 'ARTIST000001',
      email: 'artist@studio.example',
    })
  })

  test('it can ask for fewer scopes and not for more', async () => {
    const { refreshToken } = await signIn()
    const narrowed = await refresh(refreshToken, { scope: 'user-profile:read' })
    expect(jose.decodeJwt(narrowed.access_token)['scope']).toEqual(['user-profile:read'])
    const widening = refresh(narrowed.refresh_token ?? '', { scope: 'openid data:write' })
    await expect(widening).rejects.toMatchObject({ error: 'invalid_scope' })
  })

  test('refresh tokens are opaque and not all of one length', async () => {
    const lengths = new Set<number>()
    for (let i = 0; i < 8; i += 1) {
      const { refreshToken } = await signIn()
      expect(refreshToken).toMatch(/^[\w-]+$/)
      lengths.add(refreshToken.length)
    }
    expect(lengths.size).toBeGreaterThan(1)
  })

  test('replay is refused and kills the whole family, the newest tokens too', async () => {
    const { refreshToken } = await signIn()
    const newest = await refresh(refreshToken)
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused)
    await expect(refresh(newest.refresh_token ?? '')).rejects.toMatchObject(refused)
    expect(await userinfoStatus(newest.access_token)).toBe(401)
  })

  test('one family dies alone: another sign-in in the same browser goes on', async () => {
    const browser = new HeadlessBrowser()
    const signInThere = async () => {
      const { url, checks } = await prepareAttempt(config, redirectUri)
      const callback = await browser.signIn(url, artist, redirectUri)
      const { refresh_token: refreshToken = '' } = await client.authorizationCodeGrant(config, callback, checks)
      return refreshToken
    }
    const first = await signInThere()
    const second = await signInThere()
    await refresh(first)
    await expect(refresh(first)).rejects.toMatchObject(refused)
    expect((await refresh(second)).expires_in).toBe(3599)
  })

  test('with no-kill a replay is refused and the newest tokens live', async () => {
    identity.switches.refreshRotates = 'no-kill'
    const { refreshToken } = await signIn()
    const newest = await refresh(refreshToken)
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused)
    expect(await userinfoStatus(newest.access_token)).toBe(200)
    expect((await refresh(newest.refresh_token ?? '')).expires_in).toBe(3599)
  })

  test('without grace two simultaneous refreshes cannot both succeed', async () => {
    const { refreshToken } = await signIn()
    const outcomes = await Promise.allSettled([refresh(refreshToken), refresh(refreshToken)])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test.each([
    ['kill-family', undefined],
    ['no-kill', expect.objectContaining({ grantId: 'grant' })],
  ] as const)('two that both found the token unused cannot both spend it (%s)', async (refreshRotates, newest) => {
    const memory = new ProviderMemory({ refreshGraceMs: 0, refreshRotates })
    const refreshTokens = memory.adapterFor('RefreshToken')
    await refreshTokens.upsert('used', { grantId: 'grant' }, 60)
    expect(await refreshTokens.find('used')).not.toHaveProperty('consumed')
    await refreshTokens.consume('used')
    await refreshTokens.upsert('newest', { grantId: 'grant' }, 60)
    await expect(refreshTokens.consume('used')).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(await refreshTokens.find('newest')).toEqual(newest)
  })

  test('within refreshGraceMs both succeed, and after it the family dies', async () => {
    identity.switches.refreshGraceMs = 400
    const { refreshToken } = await signIn()
    const both = await Promise.all([refresh(refreshToken), refresh(refreshToken)])
    const again = await Promise.all(both.map(({ refresh_token: newest }) => refresh(newest ?? '')))
    expect(new Set(again.map(({ refresh_token: newest }) => newest)).size).toBe(2)
    await sleep(450)
    await expect(refresh(refreshToken)).rejects.toMatchObject(refused)
    await expect(refresh(again[0]?.refresh_token ?? '')).rejects.toMatchObject(refused)
  })

  test('another client cannot use the token, and does no harm by trying', async () => {
    const { refreshToken } = await signIn()
    const other = await discoverAsNativeClient(identity.issuer, 'other-app')
    await expect(client.refreshTokenGrant(other, refreshToken)).rejects.toMatchObject(refused)
    expect((await refresh(refreshToken)).expires_in).toBe(3599)
  })

  test('revokeAll ends every grant of the person and of nobody else', async () => {
    const artist = await signIn()
    const supervisor = await identity.signIn('supervisor', { nonce: 'n' })
    await identity.revokeAll('artist')
    await expect(refresh(artist.refreshToken)).rejects.toMatchObject(refused)
    expect(await userinfoStatus(artist.accessToken)).toBe(401)
    expect(await userinfoStatus(supervisor.accessToken)).toBe(200)
  })
})

describe('lifetimes, with the clock moved on', () => {
  const minuteMs = 60_000
  const dayMs = 24 * 60 * minuteMs

  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }))
  afterEach(() => void vi.useRealTimers())
  const moveOn = (ms: number) => vi.setSystemTime(Date.now() + ms)

  test('a code is good for five minutes', async () => {
    const codeGrantAfter = async (ms: number) => {
      const { url, checks } = await prepareAttempt(config, redirectUri)
      const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
      moveOn(ms)
      return client.authorizationCodeGrant(config, callback, checks)
    }
    expect((await codeGrantAfter(4.9 * minuteMs)).expires_in).toBe(3599)
    await expect(codeGrantAfter(5.1 * minuteMs)).rejects.toMatchObject(refused)
  })

  test('an access token is good for an hour', async () => {
    const { accessToken } = await signIn()
    moveOn(59 * minuteMs)
    expect(await userinfoStatus(accessToken)).toBe(200)
    moveOn(2 * minuteMs)
    expect(await userinfoStatus(accessToken)).toBe(401)
  })

  test('a refresh token is good for fifteen days, and rotation does not make them more', async () => {
    const { refreshToken } = await signIn()
    moveOn(14 * dayMs)
    const { refresh_token: newest = '' } = await refresh(refreshToken)
    moveOn(0.9 * dayMs)
    const { refresh_token: last = '' } = await refresh(newest)
    moveOn(0.2 * dayMs)
    await expect(refresh(last)).rejects.toMatchObject(refused)
  })
})
