import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { makeSignInKey } from '../../src/sign-in/sign-in-key.ts'
import { subjectTokenTypes } from '../../src/token-exchange.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

describe('a stolen token is worth nothing', () => {
  test('an ID token without its key', async () => {
    const victim = await stage.prepare()
    const thief = await makeSignInKey()
    expect(await codeOf(stage.exchange(victim, { key: thief, challenge: await stage.challenge() }))).toBe(
      'proof_rejected',
    )
    // Somebody tried: that is on record.
    expect((await stage.auditRows()).at(-1)).toMatchObject({
      outcome: 'proof_rejected',
      subject: 'ARTIST000001',
      login: null,
    })
    expect(
      await codeOf(
        stage.exchange(victim, {
          key: thief,
          challenge: await stage.challenge(),
          signInChallenge: await stage.challenge(),
        }),
      ),
    ).toBe('proof_rejected')
  })

  test('an ID token of somebody else under one’s own key', async () => {
    const own = await stage.prepare('artist')
    await stage.exchange(own)
    const victim = await stage.prepare('supervisor')
    expect(
      await codeOf(
        stage.exchange(own, {
          subjectToken: victim.idToken,
          accessToken: victim.accessToken,
          challenge: await stage.challenge(),
        }),
      ),
    ).toBe('proof_rejected')
  })

  test('an access token without a sign-in of its key', async () => {
    const victim = await stage.prepare()
    const subject = { subjectToken: victim.accessToken, subjectTokenType: subjectTokenTypes.accessToken }
    expect(await codeOf(stage.exchange(victim, subject))).toBe('proof_rejected')
    const own = await stage.prepare('supervisor')
    await stage.exchange(own)
    expect(
      await codeOf(
        stage.exchange(own, { ...subject, accessToken: victim.accessToken, challenge: await stage.challenge() }),
      ),
    ).toBe('proof_rejected')
  })

  test('any access token, and Autodesk is not even asked about it', async () => {
    const asked = stage.world.identity.web.requests.length
    for (let guess = 0; guess < 5; guess += 1) {
      const key = await makeSignInKey()
      const junk = {
        subjectToken: `junk-${guess}`,
        accessToken: `junk-${guess}`,
        subjectTokenType: subjectTokenTypes.accessToken,
      }
      const nobody = { key, signInChallenge: await stage.challenge(), nonce: '', idToken: '', accessToken: '' }
      expect(await codeOf(stage.exchange(nobody, junk))).toBe('proof_rejected')
    }
    expect(stage.world.identity.web.requests).toHaveLength(asked)
  })

  test('an access token of a sign-in renews under its own key', async () => {
    const own = await stage.prepare()
    await stage.exchange(own)
    const subject = {
      subjectToken: own.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await stage.challenge(),
    }
    expect(await codeOf(stage.exchange(own, subject))).toBe('ok')
  })

  test('an access token that the person gave to another Autodesk app', async () => {
    const own = await stage.prepare()
    await stage.exchange(own)
    const elsewhere = await stage.world.identity.signIn('artist', { nonce: 'n', clientId: 'other-app' })
    const subject = {
      subjectToken: elsewhere.accessToken,
      accessToken: elsewhere.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await stage.challenge(),
    }
    expect(await codeOf(stage.exchange(own, subject))).toBe('subject_token_rejected')
  })

  test('an ID token that was issued to another Autodesk app', async () => {
    expect(await codeOf(stage.exchange(await stage.prepare('artist', 'other-app')))).toBe('subject_token_rejected')
  })

  test('an access token that is another person’s than the ID token, where the address is asked of UserInfo', async () => {
    stage.world.identity.switches.idTokenClaims = 'none'
    const own = await stage.prepare('no-passphrase')
    const victim = await stage.prepare('supervisor')
    expect(await codeOf(stage.exchange(own, { accessToken: victim.accessToken }))).toBe('subject_token_rejected')
    stage.world.identity.switches.idTokenClaims = 'email'
  })

  test('a revoked access token', async () => {
    const own = await stage.prepare()
    await stage.exchange(own)
    await stage.world.identity.revokeAll('artist')
    const subject = {
      subjectToken: own.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await stage.challenge(),
    }
    expect(await codeOf(stage.exchange(own, subject))).toBe('subject_token_rejected')
  })
})
