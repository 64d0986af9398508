import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../src/ports.ts'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { refusalOf } from './world.ts'

const keysPath = '/authentication/v2/keys'
const metadataPath = '/.well-known/openid-configuration'
const noSuchKey = 'subject_token_rejected: the ID token is signed by a key the issuer does not have'

let elapsedMs = 0
/** jose reads `Date`, the broker its own clock: they go together. */
const clock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() + elapsedMs }
function wait(ms: number): void {
  elapsedMs += ms
  vi.setSystemTime(Date.now() + ms)
}

let stage: ExchangeStage
let metadata: Record<string, unknown>
let published: JWK
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  stage = await ExchangeStage.open({ brokerClock: clock })
  const { issuer } = stage.world.identity
  metadata = (await (await fetch(issuer + metadataPath)).json()) as Record<string, unknown>
  published = ((await (await fetch(issuer + keysPath)).json()) as { keys: [JWK] }).keys[0]
})
beforeEach(async () => {
  await stage.world.restartBroker()
  stage.world.identity.web.requests.length = 0
})
afterEach(() => stage.clearFaults())
afterAll(async () => {
  vi.useRealTimers()
  await stage.close()
})

interface OwnKey {
  readonly jwk: JWK
  sign(own: Prepared): Promise<string>
}

const makePair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = makePair()

/** A key that the issuer may publish one day. */
function makeKey(kid: string = randomUUID(), { privateKey, publicKey } = makePair()): OwnKey {
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } as JWK,
    sign: (own) => new SignJWT(claimsOf(own)).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
  }
}

function claimsOf({ nonce }: Prepared): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  const { issuer } = stage.world.identity
  return { iss: issuer, aud: 'sg-session-tray', sub: 'ARTIST000001', iat: now, exp: now + 3600, nonce, ...email }
}
const email = { email: 'artist@studio.example', email_verified: true }

function publish(keys: readonly unknown[]): void {
  stage.world.identity.faults.clear()
  const body = JSON.stringify({ keys })
  stage.world.identity.faults.inject({ path: keysPath, does: { kind: 'status', status: 200, body } })
}

function say(changes: Record<string, unknown>): void {
  const body = JSON.stringify({ ...metadata, ...changes })
  stage.world.identity.faults.inject({ path: metadataPath, does: { kind: 'status', status: 200, body } })
}

const asked = (path: string): number => stage.world.identity.web.requests.filter((one) => one.path === path).length
const oldKey = { sign: (own: Prepared) => stage.world.identity.forgeIdToken(claimsOf(own)) }

async function outcome(key: Pick<OwnKey, 'sign'> = oldKey): Promise<string> {
  const own = await stage.begin()
  return refusalOf(stage.exchange(own, { subjectToken: await key.sign(own) }))
}

describe('when the issuer changes its keys', () => {
  test('the new one is taken without a restart, and the old one no longer once it is gone', async () => {
    const next = makeKey()
    expect(await outcome()).toBe('ok')
    publish([published, next.jwk])
    // The set was read a moment ago: strangers must not be able to have it read for every token.
    expect(await outcome(next)).toBe(noSuchKey)
    wait(31_000)
    expect([await outcome(next), await outcome()]).toEqual(['ok', 'ok'])
    publish([next.jwk])
    wait(11 * 60_000)
    expect([await outcome(next), await outcome()]).toEqual(['ok', noSuchKey])
  })

  test('unknown keys have the set read at most every half a minute', async () => {
    expect(await outcome()).toBe('ok')
    for (let round = 0; round < 3; round += 1) {
      const before = asked(keysPath)
      for (let guess = 0; guess < 8; guess += 1) expect(await outcome(makeKey(randomUUID(), stranger))).toBe(noSuchKey)
      expect(asked(keysPath) - before).toBeLessThanOrEqual(2)
      wait(31_000)
    }
    expect(await outcome()).toBe('ok')
  })

  test.each([
    ['a secret under the token’s key id', () => [{ kty: 'oct', k: 'AAAA', kid: published.kid }], noSuchKey],
    ['a key for encryption', () => [{ ...published, use: 'enc' }], noSuchKey],
    ['a key of another algorithm', () => [{ ...published, alg: 'RS512' }], noSuchKey],
    ['a key under a number', () => [{ ...published, kid: 7 }], noSuchKey],
    ['two keys under one id', () => [published, makeKey(published.kid).jwk], noSuchKey],
    ['no keys', () => [], noSuchKey],
  ])('a set of %s opens nothing', async (_name, keys, why) => {
    publish(keys())
    expect(await outcome()).toBe(why)
  })

  test.each([
    ['null', () => publish([null])],
    ['text', () => publish(['RS256'])],
    ['a key without a modulus', () => publish([{ kty: 'RSA', kid: published.kid, use: 'sig', e: 'AQAB' }])],
    ['a weak key', () => publish([weakKey()])],
  ])('a set of %s opens nothing', async (_name, spoil) => {
    spoil()
    expect(await outcome()).toMatch(/^(identity_unreachable|subject_token_rejected): /)
    stage.clearFaults()
  })

  function weakKey(): unknown {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    return { ...publicKey.export({ format: 'jwk' }), kid: published.kid, use: 'sig' }
  }
})

describe('metadata that is not what it should be', () => {
  test.each([
    ['names another issuer', () => ({ issuer: 'https://evil.example' })],
    ['names the issuer with a slash', () => ({ issuer: `${stage.world.identity.issuer}/` })],
    ['names no issuer', () => ({ issuer: undefined })],
    ['names no keys', () => ({ jwks_uri: undefined })],
    ['names keys at no address', () => ({ jwks_uri: 'keys' })],
    ['names no UserInfo', () => ({ userinfo_endpoint: undefined })],
  ])('(%s) is not believed, and not remembered', async (_name, changes) => {
    say(changes())
    expect(await outcome()).toMatch(/^identity_unreachable: /)
    stage.clearFaults()
    expect(await outcome()).toBe('ok')
  })

  test('that named dead keys for a moment keeps nobody out for longer than half a minute', async () => {
    say({ jwks_uri: `${stage.world.identity.issuer}/gone` })
    expect(await outcome()).toMatch(/^identity_unreachable: /)
    stage.clearFaults()
    expect(await outcome()).toMatch(/^identity_unreachable: /)
    wait(31_000)
    expect(await outcome()).toBe('ok')
  })

  test('that named another’s keys for a moment lets nobody in afterwards', async () => {
    const attacker = makeKey()
    publish([attacker.jwk])
    expect(await outcome()).toBe(noSuchKey)
    stage.clearFaults()
    wait(31_000)
    expect([await outcome(), await outcome(attacker)]).toEqual(['ok', noSuchKey])
  })

  test('that has moved UserInfo or introspection since is read again', async () => {
    const { issuer } = stage.world.identity
    const own = await stage.prepare()
    await stage.exchange(own)
    await stage.world.restartBroker()
    say({ userinfo_endpoint: `${issuer}/old`, introspection_endpoint: `${issuer}/old` })
    expect(await refusalOf(stage.exchange(own, await stage.renewal(own)))).toMatch(/^identity_unreachable: /)
    stage.clearFaults()
    wait(31_000)
    expect(await refusalOf(stage.exchange(own, await stage.renewal(own)))).toBe('ok')
  })

  test('is read at most every half a minute, whatever is wrong', async () => {
    say({ jwks_uri: `${stage.world.identity.issuer}/gone` })
    for (let guess = 0; guess < 6; guess += 1) await outcome()
    expect(asked(metadataPath)).toBe(1)
    wait(31_000)
    for (let guess = 0; guess < 6; guess += 1) await outcome()
    expect(asked(metadataPath)).toBe(2)
  })
})
