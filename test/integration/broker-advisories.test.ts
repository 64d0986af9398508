import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { restTokenType, subjectTokenTypes } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { brokerProgram, compileCache, startProcess, untilSaid } from '../sandbox/processes.ts'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { codeOf } from './world.ts'

// What broke elsewhere must be refused here: the list of the security notes, as far as it concerns the broker.

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())

const made = (): number => stage.world.site.sessions().length

describe('Keycloak CVE-2026-9704: a subject token was dropped in silence, and another grant ran', () => {
  test.each([
    ['missing', (form: URLSearchParams) => form.delete('subject_token')],
    ['empty', (form: URLSearchParams) => form.set('subject_token', '')],
    ['doubled', (form: URLSearchParams) => form.append('subject_token', form.get('subject_token') ?? '')],
    [
      'replaced by a client’s secret',
      (form: URLSearchParams) => {
        form.delete('subject_token')
        form.set('client_secret', 'x')
      },
    ],
  ])('%s, it is 400 whatever grant is named, and no other path runs', async (_name, spoil) => {
    const own = await stage.prepare()
    const before = [made(), stage.world.identity.web.requests.length]
    for (const grant of ['', 'client_credentials', 'password', 'authorization_code', 'refresh_token']) {
      const form = stage.form(own)
      if (grant) form.set('grant_type', grant)
      spoil(form)
      const answer = await stage.send(own, { body: form.toString() })
      expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_request'])
    }
    expect([made(), stage.world.identity.web.requests.length]).toEqual(before)
    // Nothing of it used up the challenge.
    expect((await stage.send(own)).status).toBe(200)
  })
})

describe('Keycloak CVE-2026-4282: single-use objects of different features shared one key space', () => {
  test('nothing that the broker gave out stands for anything else of it', async () => {
    const first = await stage.prepare()
    const { body } = await stage.send(first)
    const row = (await stage.auditRows()).at(-1)
    const unused = await stage.challenge()
    const own = await stage.prepare()
    await stage.exchange(own)
    const given = {
      session: String(body['access_token']),
      sessionUuid: String(body['session_uuid']),
      requestId: row?.request_id ?? '',
      auditHash: row?.hash ?? '',
      thumbprint: own.key.thumbprint,
      nonce: own.nonce,
      challenge: unused,
    }
    const before = made()
    for (const [name, value] of Object.entries(given)) {
      // A challenge is 43 characters long: also what is made so.
      for (const text of [value, value.padEnd(43, 'A').slice(0, 43)]) {
        if (name === 'challenge') continue
        expect([name, await codeOf(stage.exchange(own, { challenge: text }))]).toEqual([name, 'proof_rejected'])
      }
      const as = async (change: object) =>
        codeOf(stage.exchange({ ...own, accessToken: value }, { challenge: await stage.challenge(), ...change }))
      expect([name, await as({ subjectToken: value })]).toEqual([name, 'subject_token_rejected'])
      const accessToken = { subjectToken: value, subjectTokenType: subjectTokenTypes.accessToken }
      expect([name, await as(accessToken)]).toEqual([name, 'subject_token_rejected'])
    }
    expect(made()).toBe(before)
    // And a challenge that was tried as tokens is still a challenge.
    expect(await codeOf(stage.exchange(own, { challenge: unused }))).toBe('ok')
  })
})

describe('Keycloak CVE-2026-17526: an impersonator could impersonate an administrator', () => {
  const setRole = (on: ExchangeStage, role: string) =>
    fetch(`${on.world.site.url}/sandbox/people/artist`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ role }),
    })

  test.each(['session', 'auto', 'rest', 'gateway'] as const)(
    'under the policy "%s", nobody who may do more than artists do is given anything',
    async (issue) => {
      const on = await ExchangeStage.open({ broker: { issue } })
      const { database } = on.world.broker
      const kinds = [undefined, restTokenType]
      const expectNothing = async (own: Prepared, change: object = {}) => {
        for (const requestedTokenType of kinds) {
          const type = requestedTokenType ? { requestedTokenType } : {}
          const answer = await on.send(own, { ...change, ...type, challenge: await on.challenge() })
          expect([answer.status, answer.body['code']]).toEqual([400, 'privileged_account'])
        }
      }
      // By a first match.
      await expectNothing(await on.prepare('admin'))
      // By a link that somebody made, and by an operator's expectation.
      const admin = on.world.site.person('admin')
      const site = on.world.site.url
      const common = { site, user_id: admin.id, login: admin.login, set_by: 'an operator', created_at: 0 }
      const { issuer } = on.world.identity
      const linked = {
        ...common,
        issuer,
        subject: 'STRANG000015',
        matched_by: 'operator',
        matched_email: null,
      } as const
      await database.insertInto('person').values(linked).execute()
      await expectNothing(await on.prepare('stranger'))
      await database.deleteFrom('person').execute()
      const expected = { ...common, email: 'stranger@studio.example', matched_by: 'import' } as const
      await database.insertInto('expected_person').values(expected).execute()
      await expectNothing(await on.prepare('stranger'))
      // By becoming one while signed in.
      const own = await on.prepare()
      const first = issue === 'rest' ? await on.sendForRest(own) : await on.send(own)
      expect(first.status).toBe(200)
      await setRole(on, 'admin')
      await expectNothing(own, { subjectToken: own.accessToken, subjectTokenType: subjectTokenTypes.accessToken })
      expect((await on.auditRows()).filter(({ outcome }) => outcome === 'issued')).toHaveLength(1)
      await on.close()
    },
  )
})

describe('Keycloak CVE-2026-37979, Vault CVE-2024-5798: an audience not enforced, or compared loosely', () => {
  test.each<[string, (site: string) => string, string?]>([
    ['the site with a slash', (site: string) => `${site}/`],
    ['the site with a path', (site: string) => `${site}/api`],
    ['the site in capitals', (site: string) => site.toUpperCase()],
    ['the site by another name', (site: string) => site.replace('127.0.0.1', 'localhost')],
    ['the site and more', (site: string) => `${site}.evil.example`],
    ['the site before an @', (site: string) => `${site}@evil.example`],
    ['the site cut short', (site: string) => site.slice(0, -1)],
    ['the site and another', (site: string) => `${site} https://evil.example`, 'invalid_request'],
    ['a list of it', (site: string) => `["${site}"]`],
    ['a pattern', () => '*'],
    ['a bare host', (site: string) => new URL(site).host],
  ])('as the target, %s is refused with both kinds of subject tokens', async (_name, near, code = 'site_unknown') => {
    const site = near(stage.world.site.url)
    const own = await stage.prepare()
    await stage.exchange(own)
    const challenge = await stage.challenge()
    expect(await codeOf(stage.exchange(own, { site, challenge }))).toBe(code)
    expect(await codeOf(stage.exchange(own, { ...(await stage.renewal(own)), site }))).toBe(code)
    expect(await codeOf(stage.exchange(own, { challenge }))).toBe('ok')
  })

  test('a token of another app of the same person is refused, as either kind', async () => {
    const own = await stage.prepare()
    await stage.exchange(own)
    const { idToken, accessToken } = await stage.world.identity.signIn('artist', {
      nonce: own.nonce,
      clientId: 'other-app',
    })
    const challenge = await stage.challenge()
    expect(await codeOf(stage.exchange(own, { subjectToken: idToken, challenge }))).toBe('subject_token_rejected')
    const renewal = await stage.renewal({ ...own, accessToken })
    expect(await codeOf(stage.exchange({ ...own, accessToken }, renewal))).toBe('subject_token_rejected')
  })

  test.each([
    ['no client', { active: true }],
    ['another client', { active: true, client_id: 'other-app' }],
    ['a near client', { active: true, client_id: 'sg-session-tray2' }],
    ['a list of clients', { active: true, client_id: ['sg-session-tray'] }],
    ['our client as audience only', { active: true, aud: 'sg-session-tray' }],
    ['an end', { active: false, client_id: 'sg-session-tray' }],
    ['"true" for active', { active: 'true', client_id: 'sg-session-tray' }],
  ])('an introspection that says %s opens nothing', async (_name, said) => {
    const own = await stage.prepare()
    await stage.exchange(own)
    const does = { kind: 'status', status: 200, body: JSON.stringify(said) } as const
    stage.world.identity.faults.inject({ path: '/authentication/v2/introspect', does })
    const outcome = await codeOf(stage.exchange(own, await stage.renewal(own)))
    stage.clearFaults()
    expect(['subject_token_rejected', 'identity_unreachable']).toContain(outcome)
  })
})

describe('Tailscale TS-2025-007: a one-off key was validated in one transaction and consumed in another', () => {
  test('of two hundred racing exchanges one succeeds', async () => {
    const own = await stage.prepare()
    const before = made()
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => codeOf(stage.exchange(own))))
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    expect(made()).toBe(before + 1)
  })

  test('of two hundred racing exchanges at two brokers with one database one succeeds', async () => {
    const { world } = stage
    const [port = 0] = await freePorts(1)
    const keyFile = join(world.folder, 'script.key')
    const file = join(world.folder, 'second.json')
    await writeFile(keyFile, 'script-key-with-sudo', { mode: 0o600 })
    const config = {
      issuer: world.broker.url,
      listen: { port },
      identity: world.broker.config.identity,
      database: world.broker.config.database,
      limits: { requestsPerAddress: { most: 1_000_000, seconds: 60 } },
      sites: [{ url: world.site.url, scripts: [{ name: 'identity-broker', keyFile }], issue: 'session' }],
    }
    await writeFile(file, JSON.stringify(config), { mode: 0o600 })
    const args = [brokerProgram, 'serve', '--config', file, '--allow-insecure-loopback', '--log-level', 'silent']
    const second = startProcess(process.execPath, args, { PATH: process.env['PATH'] ?? '', ...compileCache })
    try {
      await untilSaid(second, 'serves', 20_000)
      const urls = [stage.metadata.token_endpoint, `http://127.0.0.1:${port}/token`]
      for (let round = 0; round < 2; round += 1) {
        const own = await stage.prepare()
        const before = made()
        const codes = await Promise.all(
          Array.from({ length: 200 }, async (_, index) => {
            const { status, body } = await stage.send(own, { url: urls[(index + round) % 2] ?? '' })
            return status === 200 ? 'ok' : String(body['code'])
          }),
        )
        expect(codes.filter((code) => code === 'ok')).toHaveLength(1)
        expect(new Set(codes)).toEqual(new Set(['ok', 'proof_rejected']))
        expect(made()).toBe(before + 1)
      }
    } finally {
      await second.stop()
    }
  })
})

describe('Storm-0558: a valid signature by the wrong issuer’s key was accepted', () => {
  let other: Identity
  beforeAll(async () => {
    other = await startIdentity()
  })
  afterAll(() => other.close())

  test.each([
    ['under its own key id', async () => ({})],
    ['under our issuer’s key id', async () => ({ kid: await kidOf(stage.world.identity) })],
    ['with its own address for keys', async () => ({ jku: `${other.issuer}/authentication/v2/keys` })],
  ])('%s, another issuer’s signature is none of ours', async (_name, header) => {
    for (const iss of [stage.world.identity.issuer, other.issuer]) {
      const own = await stage.begin()
      const now = Math.floor(Date.now() / 1000)
      const claims = { iss, aud: 'sg-session-tray', sub: 'ARTIST000001', iat: now, exp: now + 600, nonce: own.nonce }
      const subjectToken = await other.forgeIdToken(claims, await header())
      expect(await codeOf(stage.exchange(own, { subjectToken }))).toBe('subject_token_rejected')
    }
    expect(other.web.requests.filter(({ path }) => path.endsWith('/keys'))).toEqual([])
  })

  async function kidOf({ issuer }: Identity): Promise<string> {
    const answer = await fetch(`${issuer}/authentication/v2/keys`)
    return ((await answer.json()) as { keys: [{ kid: string }] }).keys[0].kid
  }
})

describe('nOAuth: an e-mail address that changes was taken for who somebody is', () => {
  const people = () => stage.world.broker.database.selectFrom('person').selectAll().orderBy('subject').execute()

  test('changed to another’s, it remaps nobody', async () => {
    const before = await stage.exchange(await stage.prepare('artist'))
    await stage.exchange(await stage.prepare('supervisor'))
    const links = await people()
    for (const email of ['supervisor@studio.example', 'admin@studio.example', 'no-pat@studio.example']) {
      stage.world.identity.setAccount('artist', { email })
      expect((await stage.exchange(await stage.prepare('artist'))).user_id).toBe(before.user_id)
    }
    stage.world.identity.setAccount('artist', { email: 'artist@studio.example' })
    expect(await people()).toEqual(links)
  })

  test.each([
    ['taken over from somebody who was here', { email: 'artist@studio.example' }, 'account_ambiguous'],
    ['unverified', { email: 'no-pat@studio.example', email_verified: false }, 'account_not_mapped'],
    ['of another script', { email: 'nо-pat@studio.example' }, 'account_not_mapped'],
    ['with a tag', { email: 'no-pat+x@studio.example' }, 'account_not_mapped'],
    ['shared by two', { email: 'shared@studio.example' }, 'account_ambiguous'],
    ['shared by two but for its case', { email: 'CASE@studio.example' }, 'account_ambiguous'],
    ['an administrator’s', { email: 'admin@studio.example' }, 'privileged_account'],
    ['a disabled user’s', { email: 'disabled@studio.example' }, 'account_disabled'],
    ...['true', 'True', '1', 1, 'yes', [true], {}, null].map(
      (said) =>
        [
          `verified as ${JSON.stringify(said)}`,
          { email: 'no-pat@studio.example', email_verified: said },
          'account_not_mapped',
        ] as const,
    ),
  ] as const)('%s, it maps nobody', async (_name, account, code) => {
    await stage.exchange(await stage.prepare('artist'))
    const links = await people()
    const stranger = { sub: 'STRANG000015', email_verified: true, ...account }
    expect(await codeOf(stage.exchangeOf(stranger))).toBe(code)
    expect(await people()).toEqual(links)
  })
})

describe('ShotGrid REST: the login as a field of the form is ignored with 200', () => {
  test('a bearer asked for so is the script’s own at the site', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: 'identity-broker',
      client_secret: 'script-key-with-sudo',
    }
    const answer = await fetch(`${stage.world.site.url}/api/v1/auth/access_token`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, sudo_as_login: 'artist@studio.example', session_uuid: randomUUID() }),
    })
    const { access_token: bearer } = (await answer.json()) as { access_token: string }
    const claims = JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())
    expect([answer.status, claims.sudo_as_login, claims.user.type]).toEqual([200, null, 'ApiUser'])
  })

  test('where the site takes no notice of the login at all, nothing is released', async () => {
    stage.world.site.switches.restSudo = 'ignored'
    const answer = await stage.sendForRest(await stage.prepare())
    stage.world.site.switches.restSudo = 'honoured'
    expect([answer.status, answer.body['code']]).toEqual([502, 'session_owner_mismatch'])
    expect(JSON.stringify(answer.body)).not.toContain('eyJ')
  })
})
