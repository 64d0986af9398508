import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BrokerClient } from '../../src/sign-in/broker-client.ts'
import { makeSignInKey } from '../../src/sign-in/sign-in-key.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { nonceFor, sessionTokenType, subjectTokenTypes } from '../../src/token-exchange.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

describe('the exchange', () => {
  test('gives a session of the very person, and an audit row stands before the answer', async () => {
    const answer = await stage.exchange(await stage.prepare())
    expect(answer).toMatchObject({
      issued_token_type: sessionTokenType,
      token_type: 'N_A',
      expires_in: 86_400,
      site: stage.world.site.url,
      login: 'artist@studio.example',
      user_id: stage.world.site.person('artist').id,
      name: 'Plain Artist',
    })
    const row = (await stage.auditRows()).at(-1)
    expect(row).toMatchObject({
      outcome: 'issued',
      login: 'artist@studio.example',
      subject: 'ARTIST000001',
      site: stage.world.site.url,
    })
    expect(JSON.stringify(row)).not.toContain(answer.access_token)
  })

  test('is never given when its audit row cannot be written', async () => {
    const prepared = await stage.prepare()
    await stage.world.broker.database.schema.alterTable('audit').renameTo('audit_away').execute()
    expect(await codeOf(stage.exchange(prepared))).toBe('internal_error')
    await stage.world.broker.database.schema.alterTable('audit_away').renameTo('audit').execute()
  })

  test('leaves a row for each refusal of a person', async () => {
    expect(await codeOf(stage.exchange(await stage.prepare('admin')))).toBe('privileged_account')
    expect((await stage.auditRows()).at(-1)).toMatchObject({
      outcome: 'privileged_account',
      subject: 'ADMIN0000012',
      user_id: null,
    })
  })

  test('leaves no secret in the database', async () => {
    const prepared = await stage.prepare()
    const answer = await stage.exchange(prepared)
    const everything = JSON.stringify(
      await Promise.all(
        ['challenge', 'person', 'sign_in', 'audit'].map((table) =>
          stage.world.broker.database
            .selectFrom(table as 'audit')
            .selectAll()
            .execute(),
        ),
      ),
    )
    for (const secret of [
      answer.access_token,
      prepared.idToken,
      prepared.accessToken,
      prepared.signInChallenge,
      'script-key-with-sudo',
    ]) {
      expect(everything).not.toContain(secret)
    }
  })
})

describe('single use', () => {
  test('of two hundred identical exchanges exactly one succeeds', async () => {
    const prepared = await stage.prepare()
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => codeOf(stage.exchange(prepared))))
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    expect(new Set(outcomes.filter((outcome) => outcome !== 'ok'))).toEqual(new Set(['proof_rejected']))
  })

  test('a challenge nobody asked for is refused', async () => {
    expect(await codeOf(stage.exchange(await stage.prepare(), { challenge: 'A'.repeat(43) }))).toBe('proof_rejected')
  })

  test('the sign-in’s challenge must be this broker’s, even with a fresh one beside it', async () => {
    const key = await makeSignInKey()
    const signInChallenge = 'B'.repeat(43)
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    const { idToken, accessToken } = await stage.world.identity.signIn('artist', { nonce })
    const prepared = { key, signInChallenge, nonce, idToken, accessToken }
    expect(await codeOf(stage.exchange(prepared, { challenge: await stage.challenge() }))).toBe('proof_rejected')
  })

  test('a hash from the database is no challenge', async () => {
    const prepared = await stage.prepare()
    const rows = await stage.world.broker.database.selectFrom('challenge').selectAll().execute()
    expect(rows.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash))).toBe(true)
    expect(await codeOf(stage.exchange(prepared, { challenge: rows[0]?.hash.slice(0, 43) ?? '' }))).toBe(
      'proof_rejected',
    )
  })
})

describe('in time', () => {
  afterEach(() => stage.clock.advance(-elapsedMs))
  let elapsedMs = 0
  const wait = (ms: number): void => {
    elapsedMs = ms
    stage.clock.advance(ms)
  }

  test('a challenge lives for ten minutes', async () => {
    const prepared = await stage.prepare()
    wait(10 * 60_000 + 1)
    expect(await codeOf(stage.exchange(prepared))).toBe('proof_rejected')
  })

  test('a sign-in’s challenge too, even with a fresh one beside it', async () => {
    const prepared = await stage.prepare()
    wait(10 * 60_000 + 1)
    expect(await codeOf(stage.exchange(prepared, { challenge: await stage.challenge() }))).toBe('proof_rejected')
  })

  test('a sign-in’s key renews for a day and no longer', async () => {
    const prepared = await stage.prepare()
    await stage.exchange(prepared)
    const renew = async () =>
      stage.exchange(prepared, {
        subjectToken: prepared.accessToken,
        subjectTokenType: subjectTokenTypes.accessToken,
        challenge: await stage.challenge(),
      })
    wait(24 * 3600_000 - 60_000)
    expect(await codeOf(renew())).toBe('ok')
    stage.clock.advance(61_000)
    elapsedMs += 61_000
    expect(await codeOf(renew())).toBe('proof_rejected')
  })
})

describe('a session that is not the mapped person’s', () => {
  afterEach(() => {
    stage.world.site.switches.sudoSessionOwner = 'human'
  })

  test.each(['script', 'wrong', 'ignored'] as const)(
    '(the site makes "%s" sessions) does not leave the broker',
    async (owner) => {
      stage.world.site.switches.sudoSessionOwner = owner
      const prepared = await stage.prepare()
      expect(await codeOf(stage.exchange(prepared))).toBe('session_owner_mismatch')
      expect((await stage.auditRows()).at(-1)).toMatchObject({
        outcome: 'session_owner_mismatch',
        login: 'artist@studio.example',
      })
    },
  )

  test('is not even asked for when the person’s row forbids impersonation', async () => {
    const before = stage.world.site.calls.get('get_session_token')
    expect(await codeOf(stage.exchange(await stage.prepare('no-impersonation')))).toBe('account_disabled')
    expect(stage.world.site.calls.get('get_session_token')).toBe(before)
  })
})

describe('a client that stopped waiting', () => {
  test('has no session made for it', async () => {
    const prepared = await stage.prepare()
    const before = stage.world.site.calls.get('get_session_token')
    stage.world.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 800 } })
    const impatient = new BrokerClient(
      stage.world.broker.url,
      (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(300) }),
      systemClock,
    )
    expect(await codeOf(stage.exchange(prepared, {}, impatient))).toBe('broker_unreachable')
    await expect
      .poll(async () => (await stage.auditRows()).at(-1))
      .toMatchObject({ detail: 'the client stopped waiting' })
    expect(stage.world.site.calls.get('get_session_token')).toBe(before)
    stage.world.site.faults.clear()
  })
})
