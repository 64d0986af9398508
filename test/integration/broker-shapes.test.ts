import { decodeJwt } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/broker/database/database.ts'
import { makeBrokerServer } from '../../src/broker/server.ts'
import { restTokenType, sessionTokenType } from '../../src/token-exchange.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { ExchangeStage, type RawAnswer } from './exchange-stage.ts'
import { codeOf, nodeFetch, rules, silentLog } from './world.ts'

type Owner = SiteSwitches['sudoSessionOwner']
type RestSudo = SiteSwitches['restSudo']

type Policy = 'session' | 'auto' | 'rest' | 'gateway'

const stages = new Map<Policy, ExchangeStage>()
/** Rows of the audit that were there before. */
let auditedBefore = 0
afterAll(() => Promise.all([...stages.values()].map((stage) => stage.close())))

/** A broker of this policy, which knows nothing yet, and a site of these ways. */
async function open(issue: Policy, site: Partial<SiteSwitches>): Promise<ExchangeStage> {
  const stage = stages.get(issue) ?? (await ExchangeStage.open({ broker: { issue } }))
  stages.set(issue, stage)
  stage.clearFaults()
  Object.assign(stage.world.site.switches, { sudoSessionOwner: 'human', restSudo: 'honoured', ...site })
  stage.world.site.calls.clear()
  for (const table of ['site_shape', 'gateway_session', 'person', 'sign_in'] as const) {
    await stage.world.broker.database.deleteFrom(table).execute()
  }
  auditedBefore = (await stage.auditRows()).length
  return stage
}

/** Whom the site takes the holder of a session for. */
async function ownerAtSite(stage: ExchangeStage, session: unknown): Promise<unknown> {
  const answer = await fetch(`${stage.world.site.url}/api/v1/auth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'session_token', session_token: String(session) }),
  })
  const { access_token: bearer } = (await answer.json()) as { access_token?: string }
  return bearer === undefined ? undefined : decodeJwt(bearer)['user']
}

const calls = (stage: ExchangeStage, name: string): number => stage.world.site.calls.get(name) ?? 0
const shapeRows = (stage: ExchangeStage) => stage.world.broker.database.selectFrom('site_shape').selectAll().execute()
const shapeAudit = async (stage: ExchangeStage) =>
  (await stage.auditRows()).slice(auditedBefore).filter(({ event }) => event === 'shape')

describe('whatever session the site makes, none leaves that is not the person’s', () => {
  const rows: [Owner, 'session' | 'auto' | 'rest', string, string][] = [
    ['human', 'session', 'session', 'session'],
    ['script', 'session', 'session_owner_mismatch', ''],
    ['wrong', 'session', 'session_owner_mismatch', ''],
    ['ignored', 'session', 'session_owner_mismatch', ''],
    ['human', 'auto', 'session', 'session'],
    ['script', 'auto', 'gateway', 'gateway'],
    ['wrong', 'auto', 'session_owner_mismatch', ''],
    ['ignored', 'auto', 'gateway', 'gateway'],
    ['human', 'rest', 'invalid_request', ''],
    ['script', 'rest', 'invalid_request', ''],
    ['wrong', 'rest', 'invalid_request', ''],
    ['ignored', 'rest', 'invalid_request', ''],
  ]
  test.each(rows)('a site that makes "%s" ones, under the policy "%s": %s', async (owner, issue, expected, shape) => {
    const stage = await open(issue, { sudoSessionOwner: owner })
    const person = stage.world.site.person('artist')
    const answer = await stage.send(await stage.prepare())
    const row = (await stage.auditRows()).at(-1)
    if (shape === '') {
      expect(answer.body['code']).toBe(expected)
      expect(answer.body).not.toHaveProperty('access_token')
      expect(row).toMatchObject({ outcome: expected, user_id: person.id })
      return
    }
    expect(answer).toMatchObject({ status: 200, body: { user_id: person.id, issued_token_type: sessionTokenType } })
    expect(row).toMatchObject({ outcome: 'issued', shape, user_id: person.id })
    const atSite = await ownerAtSite(stage, answer.body['access_token'])
    // One of the gateway's own is nothing at the site.
    expect(atSite).toEqual(shape === 'session' ? { type: 'HumanUser', id: person.id } : undefined)
    const kept = await stage.world.broker.database.selectFrom('gateway_session').selectAll().execute()
    expect(kept.map(({ user_id, login }) => [user_id, login])).toEqual(
      shape === 'gateway' ? [[person.id, person.login]] : [],
    )
  })
})

describe('a REST bearer', () => {
  function expectBearer(stage: ExchangeStage, answer: RawAnswer, login: string): void {
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', issued_token_type: restTokenType, expires_in: 600, login },
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(JSON.stringify(answer.body)).not.toContain('refresh')
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'issued_token_type',
      'login',
      'name',
      'session_uuid',
      'site',
      'token_type',
      'user_id',
    ])
    expect(decodeJwt(String(answer.body['access_token']))).toMatchObject({
      sudo_as_login: login,
      session_uuid: answer.body['session_uuid'],
      aud: new URL(stage.world.site.url).host,
    })
  }

  test.each(['session', 'auto', 'rest'] as const)('acts for the person, under the policy "%s"', async (issue) => {
    const stage = await open(issue, { sudoSessionOwner: 'script' })
    const own = await stage.prepare('supervisor')
    expectBearer(stage, await stage.sendForRest(own), 'supervisor')
    expect((await stage.auditRows()).at(-1)).toMatchObject({ outcome: 'issued', shape: 'rest', login: 'supervisor' })
    expectBearer(stage, await stage.sendForRest(own, await stage.renewal(own)), 'supervisor')
    expect(calls(stage, 'get_session_token')).toBe(0)
  })

  test('is refused under the policy "gateway"', async () => {
    const stage = await open('gateway', {})
    expect(await stage.sendForRest(await stage.prepare())).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    })
    expect(calls(stage, 'rest:client_credentials')).toBe(0)
  })

  test('is refused where "auto" chose the gateway: it would go past it', async () => {
    const stage = await open('auto', { sudoSessionOwner: 'script' })
    await stage.exchange(await stage.prepare())
    expect(await stage.sendForRest(await stage.prepare())).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    })
  })

  const unfit: RestSudo[] = ['ignored', 'wrong']
  for (const restSudo of unfit) {
    test.each(['session', 'auto', 'rest'] as const)(
      `of a site whose sudo is "${restSudo}" is not released, under the policy "%s"`,
      async (issue) => {
        const stage = await open(issue, { restSudo })
        const answer = await stage.sendForRest(await stage.prepare())
        expect([answer.status, answer.body['code']]).toEqual([502, 'session_owner_mismatch'])
        expect(answer.body).not.toHaveProperty('access_token')
        expect((await stage.auditRows()).at(-1)).toMatchObject({
          outcome: 'session_owner_mismatch',
          login: 'artist@studio.example',
        })
      },
    )

    test.each([
      ['gateway', 'script'],
      ['auto', 'script'],
      ['auto', 'ignored'],
    ] as const)(
      `nor is a session of the gateway begun there, under the policy "%s" and with "%s" sessions`,
      async (issue, sudoSessionOwner) => {
        const stage = await open(issue, { restSudo, sudoSessionOwner })
        expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('session_owner_mismatch')
        expect(await stage.world.broker.database.selectFrom('gateway_session').selectAll().execute()).toEqual([])
      },
    )
  }

  test.each([
    ['whose claims name nobody', { user: { type: 'ApiUser', id: 1 }, sudo_as_login: null }],
    [
      'whose claims name the login in capitals',
      { user: { type: 'ApiUser', id: 1 }, sudo_as_login: 'ARTIST@STUDIO.EXAMPLE' },
    ],
    ['whose claims list the login', { user: { type: 'ApiUser', id: 1 }, sudo_as_login: ['artist@studio.example'] }],
    ['that says nothing', {}],
  ])('%s is not released', async (_name, claims) => {
    const stage = await open('rest', {})
    const own = await stage.prepare()
    const bearer = `${encode({ alg: 'HS256' })}.${encode(claims)}.AAAA`
    const body = JSON.stringify({ token_type: 'Bearer', access_token: bearer, expires_in: 600, refresh_token: 'x' })
    stage.world.site.faults.inject({ path: '/api/v1/auth/access_token', does: { kind: 'status', status: 200, body } })
    const answer = await stage.sendForRest(own)
    expect(answer.status).toBe(502)
    expect(JSON.stringify(answer.body)).not.toContain(bearer)
  })
})

describe('the policy "auto"', () => {
  test.each([
    ['human', 'session', 'the site made the session of HumanUser'],
    ['script', 'gateway', "the site made the script's session when asked for that of HumanUser"],
  ] as const)(
    'asks a site that makes "%s" sessions once, and says what it chose and why',
    async (owner, shape, why) => {
      const stage = await open('auto', { sudoSessionOwner: owner })
      for (const person of ['artist', 'supervisor', 'artist']) await stage.exchange(await stage.prepare(person))
      const probes = shape === 'gateway' ? 1 : 3
      expect([calls(stage, 'get_session_token'), calls(stage, 'rest:session_token')]).toEqual([probes, probes])
      const [row, ...others] = await shapeRows(stage)
      expect(others).toEqual([])
      expect(row).toMatchObject({ site: stage.world.site.url, shape, reason: expect.stringContaining(why) })
      expect(await shapeAudit(stage)).toMatchObject([
        { site: stage.world.site.url, shape, outcome: 'done', detail: row?.reason, actor: 'sg-broker' },
      ])
    },
  )

  test('remembers across restarts and in other brokers, even when the site has changed its ways', async () => {
    const stage = await open('auto', { sudoSessionOwner: 'script' })
    await stage.exchange(await stage.prepare())
    await stage.world.restartBroker()
    stage.world.site.switches.sudoSessionOwner = 'human'
    expect((await stage.send(await stage.prepare())).body).toMatchObject({ login: 'artist@studio.example' })
    const second = await openSecondBroker(stage)
    expect((await stage.send(await stage.prepare(), { url: `${second.url}/token` })).status).toBe(200)
    await second.close()
    expect(calls(stage, 'get_session_token')).toBe(1)
    expect(await shapeAudit(stage)).toHaveLength(1)
  })

  test('that chose "session" releases nothing when the site begins to make the script’s', async () => {
    const stage = await open('auto', { sudoSessionOwner: 'human' })
    await stage.exchange(await stage.prepare())
    stage.world.site.switches.sudoSessionOwner = 'script'
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('session_owner_mismatch')
    expect(await shapeRows(stage)).toMatchObject([{ shape: 'session' }])
  })

  test.each([
    ['human', 'session', 20],
    ['script', 'gateway', 1],
  ] as const)('makes one choice of twenty first exchanges at once ("%s" sessions)', async (owner, shape, made) => {
    const stage = await open('auto', { sudoSessionOwner: owner })
    const all = await Promise.all(Array.from({ length: 20 }, () => stage.prepare()))
    const outcomes = await Promise.all(all.map((own) => codeOf(stage.exchange(own))))
    expect(new Set(outcomes)).toEqual(new Set(['ok']))
    expect(calls(stage, 'get_session_token')).toBe(made)
    expect(await shapeRows(stage)).toMatchObject([{ shape }])
    expect(await shapeAudit(stage)).toHaveLength(1)
  })

  test('makes one choice in two brokers at once', async () => {
    const stage = await open('auto', { sudoSessionOwner: 'script' })
    const second = await openSecondBroker(stage)
    // Both have asked the site before either is told.
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms: 150 } })
    const all = await Promise.all(Array.from({ length: 6 }, () => stage.prepare()))
    const urls = [`${second.url}/token`, stage.metadata.token_endpoint]
    const answers = await Promise.all(all.map((own, index) => stage.send(own, { url: urls[index % 2] ?? '' })))
    expect(answers.map(({ status }) => status)).toEqual(all.map(() => 200))
    await second.close()
    expect(calls(stage, 'get_session_token')).toBe(2)
    expect(await shapeRows(stage)).toMatchObject([{ shape: 'gateway' }])
    expect(await shapeAudit(stage)).toHaveLength(1)
  })

  test.each([
    [
      'another person’s sessions',
      async (stage: ExchangeStage) => void Object.assign(stage.world.site.switches, { sudoSessionOwner: 'wrong' }),
    ],
    [
      'no answer',
      async (stage: ExchangeStage) => stage.world.site.faults.inject({ path: '/api/v1/auth', does: { kind: 'reset' } }),
    ],
    [
      'an answer that is a web page',
      async (stage: ExchangeStage) => stage.world.site.faults.inject({ path: '/api/v1/auth', does: { kind: 'html' } }),
    ],
  ])('chooses nothing by %s, and asks again', async (_name, spoil) => {
    const stage = await open('auto', { sudoSessionOwner: 'human' })
    const all = await Promise.all(Array.from({ length: 4 }, () => stage.prepare()))
    await spoil(stage)
    const outcomes = await Promise.all(all.map((own) => codeOf(stage.exchange(own))))
    expect(outcomes).not.toContain('ok')
    expect(await shapeRows(stage)).toEqual([])
    expect(await shapeAudit(stage)).toEqual([])
    stage.clearFaults()
    stage.world.site.switches.sudoSessionOwner = 'human'
    expect(await codeOf(stage.exchange(await stage.prepare()))).toBe('ok')
    expect(await shapeRows(stage)).toMatchObject([{ shape: 'session' }])
  })

  /** On the same database, under the same issuer, as behind a load balancer. */
  async function openSecondBroker({ world, clock }: ExchangeStage): Promise<{ url: string; close(): Promise<void> }> {
    const database = await openDatabase(world.broker.config.database)
    const ports = { fetch: nodeFetch, clock, log: silentLog }
    const server = await makeBrokerServer(world.broker.config, database, ports, rules)
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => server.close() }
  }
})

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
