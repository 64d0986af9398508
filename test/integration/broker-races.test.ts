import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog } from '../../src/broker/audit/audit-log.ts'
import { PeopleChanges } from '../../src/broker/people/people-changes.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf, silentLog } from './world.ts'

let stage: ExchangeStage
afterEach(() => stage.close())

const outcomes = async () => (await stage.auditRows()).map(({ event, outcome }) => `${event} ${outcome}`)

describe('a person who is removed', () => {
  beforeEach(async () => {
    stage = await ExchangeStage.open()
  })

  test('while their exchange is under way gets nothing of it', async () => {
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    const { database } = stage.world.broker
    const { site } = stage.world
    const prepared = await stage.prepare()
    // The person is looked up, then their session is made: that is what waits.
    site.faults.inject({ path: '/api/v1/auth/access_token', times: 1, does: { kind: 'delay', ms: 1_500 } })
    const outcome = codeOf(stage.exchange(prepared))
    while (site.faults.list().length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const auditLog = new AuditLog(database, stage.clock, silentLog)
    const changes = new PeopleChanges({ database, auditLog, clock: stage.clock })
    await changes.remove(site.url, { subject: 'ARTIST000001' }, 'operator')
    expect(await outcome).toBe('account_not_mapped')
    expect(await outcomes()).toEqual(['exchange issued', 'person done', 'exchange account_not_mapped'])
  })
})

describe('who asks on beyond the limit', () => {
  beforeEach(async () => {
    stage = await ExchangeStage.open({ limits: { exchangesPerPerson: { most: 2, seconds: 600 } } })
  })

  test('stands in the audit once', async () => {
    const all = []
    for (let turn = 0; turn < 5; turn += 1) all.push(await codeOf(stage.exchange(await stage.prepare())))
    expect(all).toEqual(['ok', 'ok', 'rate_limited', 'rate_limited', 'rate_limited'])
    expect(await outcomes()).toEqual(['exchange issued', 'exchange issued', 'exchange rate_limited'])
  })

  test('with access tokens spends nothing of what Autodesk answers the studio', async () => {
    const own = await stage.prepare()
    expect(await codeOf(stage.exchange(own))).toBe('ok')
    const renew = async () =>
      codeOf(stage.exchange(own, { ...(await stage.renewal(own)), subjectToken: 'x', accessToken: 'x' }))
    expect(await renew()).toBe('subject_token_rejected')
    stage.world.identity.faults.inject({ path: '/authentication/v2/introspect', does: { kind: 'status', status: 500 } })
    expect(await renew()).toBe('rate_limited')
  })

  test('with somebody’s ID token but not their key leaves them what is theirs', async () => {
    const own = await stage.prepare()
    const thief = await stage.begin()
    const steal = async () => {
      const challenge = await stage.challenge()
      return codeOf(stage.exchange(own, { key: thief.key, challenge, signInChallenge: own.signInChallenge }))
    }
    const all = [await steal(), await steal(), await steal(), await steal()]
    expect(all).toEqual(['proof_rejected', 'proof_rejected', 'rate_limited', 'rate_limited'])
    expect(await outcomes()).toEqual(['exchange proof_rejected', 'exchange proof_rejected', 'exchange rate_limited'])
    const challenge = await stage.challenge()
    expect(await codeOf(stage.exchange(own, { challenge }))).toBe('ok')
  })
})

test('who stopped a site is not for strangers to know', async () => {
  stage = await ExchangeStage.open()
  await stage.world.broker.database
    .insertInto('stop')
    .values({ scope: '*', reason: 'drill', stopped_by: 'alice', stopped_at: 1 })
    .execute()
  const { body } = await stage.send(await stage.prepare(), { headers: { dpop: 'none' } })
  expect(body).toMatchObject({ code: 'broker_stopped', error_description: 'stopped: drill' })
})
