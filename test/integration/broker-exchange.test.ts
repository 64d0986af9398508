import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { BrokerClient, makeSignInKey, type SignInKey } from '../../src/sign-in/broker-client.ts'
import { systemClock } from '../../src/system-clock.ts'
import {
  type BrokerMetadata,
  grantType,
  metadataPath,
  nonceFor,
  type SubjectTokenType,
  sessionTokenType,
  subjectTokenTypes,
  tokenHash,
} from '../../src/token-exchange.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { nodeFetch, startWorld, TestClock, type World } from './world.ts'

let world: World
let client: BrokerClient
const clock = new TestClock()
let metadata: BrokerMetadata
const signal = AbortSignal.timeout(120_000)
beforeAll(async () => {
  world = await startWorld({ brokerClock: clock })
  client = new BrokerClient(world.broker.url, nodeFetch, systemClock)
  metadata = await client.metadata(signal)
})
afterAll(() => world.close())
afterEach(() => {
  world.identity.faults.clear()
  world.identity.userinfoFaults.clear()
})

/** A sign-in as the agent does it, up to the exchange. */
interface Prepared {
  readonly key: SignInKey
  readonly signInChallenge: string
  readonly nonce: string
  readonly idToken: string
  readonly accessToken: string
}

async function prepare(person = 'artist', clientId = 'sg-session-tray'): Promise<Prepared> {
  const key = await makeSignInKey()
  const signInChallenge = await client.challenge(metadata, signal)
  const nonce = nonceFor(signInChallenge, key.thumbprint)
  const { idToken, accessToken } = await world.identity.signIn(person, { nonce, clientId })
  return { key, signInChallenge, nonce, idToken, accessToken }
}

interface Change {
  readonly subjectToken?: string
  readonly subjectTokenType?: SubjectTokenType
  readonly accessToken?: string
  readonly challenge?: string
  readonly signInChallenge?: string
  readonly key?: SignInKey
  readonly site?: string
}

function exchange(prepared: Prepared, change: Change = {}) {
  return client.exchange(
    metadata,
    {
      site: change.site ?? world.site.url,
      subjectToken: new Secret(change.subjectToken ?? prepared.idToken),
      subjectTokenType: change.subjectTokenType ?? subjectTokenTypes.idToken,
      accessToken: new Secret(change.accessToken ?? prepared.accessToken),
      key: change.key ?? prepared.key,
      signInChallenge: change.signInChallenge ?? prepared.signInChallenge,
      challenge: change.challenge ?? prepared.signInChallenge,
    },
    signal,
  )
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'issued',
    (error: { code?: string }) => error.code ?? String(error),
  )

const fresh = (): Promise<string> => client.challenge(metadata, signal)

function auditRows() {
  return world.broker.database.selectFrom('audit').selectAll().orderBy('id').execute()
}

describe('the exchange', () => {
  test('gives a session of the very person, and an audit row stands before the answer', async () => {
    const answer = await exchange(await prepare())
    expect(((await stat(world.broker.config.databaseFile)).mode & 0o777).toString(8)).toBe('600')
    expect(answer).toMatchObject({
      issued_token_type: sessionTokenType,
      token_type: 'N_A',
      expires_in: 86_400,
      site: world.site.url,
      login: 'artist@studio.example',
      user_id: world.site.person('artist').id,
      name: 'Plain Artist',
    })
    const row = (await auditRows()).at(-1)
    expect(row).toMatchObject({
      outcome: 'issued',
      login: 'artist@studio.example',
      subject: 'ARTIST000001',
      site: world.site.url,
    })
    expect(JSON.stringify(row)).not.toContain(answer.access_token)
  })

  test('is never given when its audit row cannot be written', async () => {
    const prepared = await prepare()
    await world.broker.database.schema.alterTable('audit').renameTo('audit_away').execute()
    expect(await codeOf(exchange(prepared))).toBe('internal_error')
    await world.broker.database.schema.alterTable('audit_away').renameTo('audit').execute()
  })

  test('leaves a row for each refusal of a person', async () => {
    expect(await codeOf(exchange(await prepare('admin')))).toBe('privileged_account')
    expect((await auditRows()).at(-1)).toMatchObject({
      outcome: 'privileged_account',
      subject: 'ADMIN0000012',
      user_id: null,
    })
  })

  test('leaves no secret in the database', async () => {
    const prepared = await prepare()
    const answer = await exchange(prepared)
    const everything = JSON.stringify(
      await Promise.all(
        ['challenge', 'person', 'sign_in', 'audit'].map((table) =>
          world.broker.database
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
    const prepared = await prepare()
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => codeOf(exchange(prepared))))
    expect(outcomes.filter((outcome) => outcome === 'issued')).toHaveLength(1)
    expect(new Set(outcomes.filter((outcome) => outcome !== 'issued'))).toEqual(new Set(['proof_rejected']))
  })

  test('a challenge nobody asked for is refused', async () => {
    expect(await codeOf(exchange(await prepare(), { challenge: 'A'.repeat(43) }))).toBe('proof_rejected')
  })

  test('the sign-in’s challenge must be this broker’s, even with a fresh one beside it', async () => {
    const key = await makeSignInKey()
    const signInChallenge = 'B'.repeat(43)
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    const { idToken, accessToken } = await world.identity.signIn('artist', { nonce })
    const prepared = { key, signInChallenge, nonce, idToken, accessToken }
    expect(await codeOf(exchange(prepared, { challenge: await fresh() }))).toBe('proof_rejected')
  })

  test('a hash from the database is no challenge', async () => {
    const prepared = await prepare()
    const rows = await world.broker.database.selectFrom('challenge').selectAll().execute()
    expect(rows.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash))).toBe(true)
    expect(await codeOf(exchange(prepared, { challenge: rows[0]?.hash.slice(0, 43) ?? '' }))).toBe('proof_rejected')
  })
})

describe('in time', () => {
  afterEach(() => clock.advance(-elapsedMs))
  let elapsedMs = 0
  const wait = (ms: number): void => {
    elapsedMs = ms
    clock.advance(ms)
  }

  test('a challenge lives for ten minutes', async () => {
    const prepared = await prepare()
    wait(10 * 60_000 + 1)
    expect(await codeOf(exchange(prepared))).toBe('proof_rejected')
  })

  test('a sign-in’s challenge too, even with a fresh one beside it', async () => {
    const prepared = await prepare()
    wait(10 * 60_000 + 1)
    expect(await codeOf(exchange(prepared, { challenge: await fresh() }))).toBe('proof_rejected')
  })

  test('a sign-in’s key renews for a day and no longer', async () => {
    const prepared = await prepare()
    await exchange(prepared)
    const renew = async () =>
      exchange(prepared, {
        subjectToken: prepared.accessToken,
        subjectTokenType: subjectTokenTypes.accessToken,
        challenge: await fresh(),
      })
    wait(24 * 3600_000 - 60_000)
    expect(await codeOf(renew())).toBe('issued')
    clock.advance(61_000)
    elapsedMs += 61_000
    expect(await codeOf(renew())).toBe('proof_rejected')
  })
})

describe('a session that is not the mapped person’s', () => {
  afterEach(() => {
    world.site.switches.sudoSessionOwner = 'human'
  })

  test.each(['script', 'wrong', 'ignored'] as const)(
    '(the site makes "%s" sessions) does not leave the broker',
    async (owner) => {
      world.site.switches.sudoSessionOwner = owner
      const prepared = await prepare()
      expect(await codeOf(exchange(prepared))).toBe('session_owner_mismatch')
      expect((await auditRows()).at(-1)).toMatchObject({
        outcome: 'session_owner_mismatch',
        login: 'artist@studio.example',
      })
    },
  )

  test('is not even asked for when the person’s row forbids impersonation', async () => {
    const before = world.site.calls.get('get_session_token')
    expect(await codeOf(exchange(await prepare('no-impersonation')))).toBe('account_disabled')
    expect(world.site.calls.get('get_session_token')).toBe(before)
  })
})

describe('a client that stopped waiting', () => {
  test('has no session made for it', async () => {
    const prepared = await prepare()
    const before = world.site.calls.get('get_session_token')
    world.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 800 } })
    const impatient = new BrokerClient(
      world.broker.url,
      (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(300) }),
      systemClock,
    )
    const { key, signInChallenge, idToken, accessToken } = prepared
    const request = {
      site: world.site.url,
      subjectToken: new Secret(idToken),
      subjectTokenType: subjectTokenTypes.idToken,
      accessToken: new Secret(accessToken),
    }
    expect(
      await codeOf(
        impatient.exchange(metadata, { ...request, key, signInChallenge, challenge: signInChallenge }, signal),
      ),
    ).toBe('broker_unreachable')
    await expect
      .poll(async () => (await auditRows()).at(-1), { timeout: 3_000 })
      .toMatchObject({ detail: 'the client stopped waiting' })
    expect(world.site.calls.get('get_session_token')).toBe(before)
    world.site.faults.clear()
  })
})

describe('a stolen token is worth nothing', () => {
  test('an ID token without its key', async () => {
    const victim = await prepare()
    const thief = await makeSignInKey()
    expect(await codeOf(exchange(victim, { key: thief, challenge: await fresh() }))).toBe('proof_rejected')
    // Somebody tried: that is on record.
    expect((await auditRows()).at(-1)).toMatchObject({
      outcome: 'proof_rejected',
      subject: 'ARTIST000001',
      login: null,
    })
    expect(
      await codeOf(exchange(victim, { key: thief, challenge: await fresh(), signInChallenge: await fresh() })),
    ).toBe('proof_rejected')
  })

  test('an ID token of somebody else under one’s own key', async () => {
    const own = await prepare('artist')
    await exchange(own)
    const victim = await prepare('supervisor')
    expect(
      await codeOf(
        exchange(own, { subjectToken: victim.idToken, accessToken: victim.accessToken, challenge: await fresh() }),
      ),
    ).toBe('proof_rejected')
  })

  test('an access token without a sign-in of its key', async () => {
    const victim = await prepare()
    const subject = { subjectToken: victim.accessToken, subjectTokenType: subjectTokenTypes.accessToken }
    expect(await codeOf(exchange(victim, subject))).toBe('proof_rejected')
    const own = await prepare('supervisor')
    await exchange(own)
    expect(await codeOf(exchange(own, { ...subject, accessToken: victim.accessToken, challenge: await fresh() }))).toBe(
      'proof_rejected',
    )
  })

  test('any access token, and Autodesk is not even asked about it', async () => {
    const asked = world.identity.web.requests.length
    for (let guess = 0; guess < 5; guess += 1) {
      const key = await makeSignInKey()
      const junk = {
        subjectToken: `junk-${guess}`,
        accessToken: `junk-${guess}`,
        subjectTokenType: subjectTokenTypes.accessToken,
      }
      const nobody = { key, signInChallenge: await fresh(), nonce: '', idToken: '', accessToken: '' }
      expect(await codeOf(exchange(nobody, junk))).toBe('proof_rejected')
    }
    expect(world.identity.web.requests).toHaveLength(asked)
  })

  test('an access token of a sign-in renews under its own key', async () => {
    const own = await prepare()
    await exchange(own)
    const subject = {
      subjectToken: own.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await fresh(),
    }
    expect(await codeOf(exchange(own, subject))).toBe('issued')
  })

  test('an access token that the person gave to another Autodesk app', async () => {
    const own = await prepare()
    await exchange(own)
    const elsewhere = await world.identity.signIn('artist', { nonce: 'n', clientId: 'other-app' })
    const subject = {
      subjectToken: elsewhere.accessToken,
      accessToken: elsewhere.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await fresh(),
    }
    expect(await codeOf(exchange(own, subject))).toBe('subject_token_rejected')
  })

  test('an ID token that was issued to another Autodesk app', async () => {
    expect(await codeOf(exchange(await prepare('artist', 'other-app')))).toBe('subject_token_rejected')
  })

  test('an access token that is another person’s than the ID token, where the address is asked of UserInfo', async () => {
    world.identity.switches.idTokenClaims = 'none'
    const own = await prepare('no-passphrase')
    const victim = await prepare('supervisor')
    expect(await codeOf(exchange(own, { accessToken: victim.accessToken }))).toBe('subject_token_rejected')
    world.identity.switches.idTokenClaims = 'email'
  })

  test('a revoked access token', async () => {
    const own = await prepare()
    await exchange(own)
    await world.identity.revokeAll('artist')
    const subject = {
      subjectToken: own.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await fresh(),
    }
    expect(await codeOf(exchange(own, subject))).toBe('subject_token_rejected')
  })
})

describe('an ID token that is not exactly right', () => {
  const now = (): number => Math.floor(Date.now() / 1000)
  /** Forged with the issuer's own key: every refusal below is about the one thing that is wrong. */
  async function forged(
    claims: Record<string, unknown>,
    header?: Record<string, unknown>,
  ): Promise<{ prepared: Prepared; token: string }> {
    const prepared = await prepare()
    const good = {
      iss: world.identity.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      iat: now(),
      exp: now() + 3600,
      nonce: prepared.nonce,
      email: 'artist@studio.example',
      email_verified: true,
    }
    const merged = Object.fromEntries(Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined))
    return { prepared, token: await world.identity.forgeIdToken(merged, header) }
  }

  test('is taken when nothing is wrong, as a control', async () => {
    const { prepared, token } = await forged({})
    expect(await codeOf(exchange(prepared, { subjectToken: token }))).toBe('issued')
  })

  const wrong: [string, Record<string, unknown>, string?][] = [
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: 'ISSUER/' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'other-app' }],
    ['an audience that begins alike', { aud: 'sg-session-tray2' }],
    ['our audience among others', { aud: ['sg-session-tray', 'other-app'] }],
    [
      'our audience among others, as authorized party',
      { aud: ['sg-session-tray', 'other-app'], azp: 'sg-session-tray' },
    ],
    ['an empty list of audiences', { aud: [] }],
    ['no audience', { aud: undefined }],
    ['another authorized party', { azp: 'other-app' }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is a number', { sub: 7 }],
    ['an end in the past', { exp: now() - 120 }],
    ['no end', { exp: undefined }],
    ['an end that is text', { exp: '9999999999' }],
    ['a beginning in the future', { iat: now() + 600 }],
    ['no beginning', { iat: undefined }],
    ['a time before which it is not valid', { nbf: now() + 600 }],
    ['another nonce', { nonce: 'x' }, 'proof_rejected'],
    ['no nonce', { nonce: undefined }, 'proof_rejected'],
    ['a nonce that is a list', { nonce: ['x'] }],
    ['an age of an hour', { iat: now() - 3_500 }, 'proof_rejected'],
  ]
  for (const [name, claims, code = 'subject_token_rejected'] of wrong) {
    test(`with ${name} is refused`, async () => {
      const fixed = claims['iss'] === 'ISSUER/' ? { iss: `${world.identity.issuer}/` } : claims
      const { prepared, token } = await forged(fixed)
      // Each person and key has no sign-in yet, so nothing but the token itself can let it through.
      expect(await codeOf(exchange(prepared, { subjectToken: token }))).toBe(code)
    })
  }

  test('signed by nobody, by a secret, by another key, with an unknown key id or a changed payload is refused', async () => {
    const prepared = await prepare()
    const claims = {
      iss: world.identity.issuer,
      aud: 'sg-session-tray',
      sub: 'ARTIST000001',
      iat: now(),
      exp: now() + 3600,
      nonce: prepared.nonce,
    }
    const jwks = (await (await fetch(`${world.identity.issuer}/authentication/v2/keys`)).json()) as { keys: JWK[] }
    const kid = jwks.keys[0]?.kid ?? ''
    const { generateKeyPair } = await import('jose')
    const other = await generateKeyPair('RS256')
    const [header = '', , signature = ''] = prepared.idToken.split('.')
    const changed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(new TextEncoder().encode(JSON.stringify(jwks.keys[0]))),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(other.privateKey),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'unknown' }).sign(other.privateKey),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', jku: 'https://evil.example/keys' })
        .sign(other.privateKey),
      changed,
      `${prepared.idToken}.x`,
      prepared.idToken.slice(0, -4),
      'abc',
      '..',
    ]
    for (const token of tokens) {
      expect(await codeOf(exchange(prepared, { subjectToken: token, challenge: await fresh() }))).toBe(
        'subject_token_rejected',
      )
    }
  })

  test('too large is refused before it is read', async () => {
    const prepared = await prepare()
    expect(await codeOf(exchange(prepared, { subjectToken: 'x'.repeat(16_385) }))).toBe('invalid_request')
  })
})

describe('who is who', () => {
  test('the first match is remembered: a changed address maps to the same person, a taken-over one to nobody', async () => {
    const before = await exchange(await prepare('deleted-pat'))
    world.identity.setAccount('deleted-pat', { email: 'married@studio.example' })
    expect((await exchange(await prepare('deleted-pat'))).user_id).toBe(before.user_id)
    // The old address now belongs to another Autodesk account.
    world.identity.setAccount('stranger', { email: 'deleted-pat@studio.example' })
    expect(await codeOf(exchange(await prepare('stranger')))).toBe('account_ambiguous')
    world.identity.setAccount('stranger', { email: 'stranger@studio.example' })
  })

  test('an address that only looks alike matches nobody', async () => {
    for (const email of [
      'artist+x@studio.example',
      'artist@studio.example.evil.example',
      'rtist@studio.example',
      'аrtist@studio.example',
      '%@studio.example',
      '_rtist@studio.example',
    ]) {
      world.identity.setAccount('stranger', { email })
      expect(await codeOf(exchange(await prepare('stranger')))).toBe('account_not_mapped')
    }
    world.identity.setAccount('stranger', { email: 'stranger@studio.example' })
  })

  test('an address that is empty, or none, matches nobody: not even a user without one', async () => {
    const people = `${world.site.url}/sandbox/people/no-passphrase`
    const patch = (email: string) => fetch(people, { method: 'PATCH', body: JSON.stringify({ email }) })
    await patch('')
    for (const email of ['', ' ', '@', 'studio.example', 'a b@studio.example', 'a@b@studio.example']) {
      const prepared = await prepare('stranger')
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: world.identity.issuer,
        aud: 'sg-session-tray',
        sub: 'STRANG000015',
        iat: now,
        exp: now + 60,
      }
      const token = await world.identity.forgeIdToken({ ...claims, nonce: prepared.nonce, email, email_verified: true })
      expect(await codeOf(exchange(prepared, { subjectToken: token }))).toBe('account_not_mapped')
    }
    await patch('no-passphrase@studio.example')
  })

  test('a site that answers another row than the linked one has nobody signed in', async () => {
    const prepared = await prepare()
    await exchange(prepared)
    const { id, login } = world.site.person('supervisor')
    const row = {
      type: 'HumanUser',
      id,
      login,
      name: 'Old Login',
      email: 'x@y',
      sg_status_list: 'act',
      can_impersonate_this_user: true,
    }
    const entities = [{ ...row, 'permission_rule_set.PermissionRuleSet.code': 'artist' }]
    world.site.faults.inject({
      path: '/api3/json',
      times: 1,
      does: { kind: 'status', status: 200, body: JSON.stringify({ results: { entities } }) },
    })
    expect(await codeOf(exchange(prepared, { challenge: await fresh() }))).toBe('account_disabled')
  })

  test('an unverified address matches nobody', async () => {
    world.identity.setAccount('supervisor', { email: 'away@studio.example' })
    world.identity.setAccount('stranger', { email: 'supervisor@studio.example', emailVerified: false })
    expect(await codeOf(exchange(await prepare('stranger')))).toBe('account_not_mapped')
    world.identity.setAccount('supervisor', { email: 'supervisor@studio.example' })
    world.identity.setAccount('stranger', { email: 'stranger@studio.example', emailVerified: true })
  })

  test('an administrator whom the configuration names is signed in', async () => {
    const allowed = await startWorld({ broker: { allowPrivileged: ['admin'] } })
    expect(await allowed.agent('admin').signIn(undefined)).toMatchObject({ login: 'admin' })
    await allowed.close()
  })

  test('people of a role that the configuration does not list are refused, whatever it is called', async () => {
    const strict = await startWorld({ broker: { roles: ['vendor'] } })
    expect(await codeOf(strict.agent('artist').signIn(undefined))).toBe('privileged_account')
    await strict.close()
  })

  test('an address of another domain than the configured ones matches nobody', async () => {
    const strict = await startWorld({ broker: { emailDomains: ['other.example'] } })
    expect(await codeOf(strict.agent('artist').signIn(undefined))).toBe('account_not_mapped')
    await strict.close()
  })

  test('a wrong script key is the operator’s trouble, not the artist’s', async () => {
    const broken = await startWorld({ broker: { scriptKey: new Secret('wrong') } })
    expect(await codeOf(broken.agent('artist').signIn(undefined))).toBe('temporarily_unavailable')
    await broken.close()
  })

  test('a script without the right to sudo makes no session: the operator’s trouble, which ends nobody’s', async () => {
    const broken = await startWorld({
      broker: { scriptName: 'nightly-report', scriptKey: new Secret('script-key-without-sudo') },
    })
    expect(await codeOf(broken.agent('artist').signIn(undefined))).toBe('temporarily_unavailable')
    await broken.close()
  })
})

describe('the broker’s database', () => {
  test('serves ten brokers that start on one new file', async () => {
    const file = join(world.folder, 'new.sqlite')
    const opening = Array.from({ length: 10 }, () =>
      finished(
        startProcess(
          process.execPath,
          [
            '--input-type=module-typescript',
            '-e',
            `
      import { openDatabase } from './src/broker/database.ts'
      await (await openDatabase(${JSON.stringify(file)})).destroy()`,
          ],
          { PATH: process.env['PATH'] ?? '' },
        ),
      ),
    )
    for (const { status, stderr } of await Promise.all(opening)) expect([status, stderr]).toEqual([0, ''])
  })

  test('held by another program is temporarily_unavailable, not a crash', async () => {
    const prepared = await prepare()
    const other = new DatabaseSync(world.broker.config.databaseFile)
    other.exec('BEGIN EXCLUSIVE')
    expect(await codeOf(exchange(prepared))).toBe('temporarily_unavailable')
    other.exec('ROLLBACK')
    other.close()
    expect(await codeOf(exchange(prepared))).toBe('issued')
  })
})

describe('the broker’s HTTP', () => {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${world.broker.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })

  test('has metadata that names this issuer and its sites', async () => {
    const answer = await fetch(`${world.broker.url}${metadataPath}`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({
      issuer: world.broker.url,
      sites_supported: [world.site.url],
      grant_types_supported: [grantType],
    })
  })

  test('answers every token request with no-store, refused or not', async () => {
    const answer = await post('/token', 'grant_type=x')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ error: 'invalid_request', code: 'invalid_request' })
  })

  test('takes a form and nothing else, of a bounded size', async () => {
    for (const [body, type, status] of [
      ['{}', 'application/json', 415],
      ['x', 'text/plain', 415],
      ['x', 'multipart/form-data; boundary=x', 415],
      [`subject_token=${'x'.repeat(70_000)}`, 'application/x-www-form-urlencoded', 413],
    ] as const) {
      const answer = await post('/token', body, { 'content-type': type })
      expect(answer.status).toBe(status)
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    }
  })

  test('knows its addresses and no others', async () => {
    for (const [method, path] of [
      ['GET', '/token'],
      ['GET', '/challenge'],
      ['PUT', '/token'],
      ['GET', '/'],
      ['GET', '/admin'],
      ['POST', metadataPath],
      ['GET', '/token/../health/live/x'],
    ] as const) {
      expect((await fetch(`${world.broker.url}${path}`, { method })).status).toBe(404)
    }
    expect((await fetch(`${world.broker.url}/health/live`)).status).toBe(200)
    expect((await fetch(`${world.broker.url}/health/ready`)).status).toBe(200)
  })

  test('refuses another audience in every near form', async () => {
    const prepared = await prepare()
    for (const site of [
      `${world.site.url}/`,
      world.site.url.replace('127.0.0.1', 'localhost'),
      'https://evil.example',
      `${world.site.url}x`,
      world.site.url.toUpperCase(),
    ]) {
      expect(await codeOf(exchange(prepared, { site, challenge: await fresh() }))).toBe('site_unknown')
    }
  })

  test('does not take a proof made for another token', async () => {
    const prepared = await prepare()
    const form = new URLSearchParams({
      grant_type: grantType,
      audience: world.site.url,
      subject_token: prepared.idToken,
      subject_token_type: subjectTokenTypes.idToken,
      requested_token_type: sessionTokenType,
      access_token: prepared.accessToken,
    })
    const dpop = await new SignJWT({
      htm: 'POST',
      htu: `${world.broker.url}/token`,
      ath: tokenHash('another'),
      nonce: prepared.signInChallenge,
      sign_in_challenge: prepared.signInChallenge,
      jti: 'x',
      iat: 1,
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: prepared.key.publicJwk })
      .sign(prepared.key.privateKey)
    const answer = await post('/token', form.toString(), { dpop })
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: 'invalid_dpop_proof', code: 'proof_rejected' },
    ])
    expect(await (await post('/token', form.toString())).json()).toMatchObject({ code: 'proof_rejected' })
  })

  test.each([
    ['Autodesk’s keys cannot be read', '/authentication/v2/keys', { kind: 'status', status: 500 }],
    ['Autodesk’s keys are a web page', '/authentication/v2/keys', { kind: 'html' }],
    ['Autodesk’s metadata breaks off', '/.well-known', { kind: 'half-body' }],
    ['a proxy forbids Autodesk’s metadata', '/.well-known', { kind: 'status', status: 403 }],
  ] as const)('says identity_unreachable when %s', async (_name, path, does) => {
    const prepared = await prepare()
    await world.restartBroker()
    world.identity.faults.inject({ path, does })
    expect(await codeOf(exchange(prepared))).toBe('identity_unreachable')
  })

  test('outlives a restart: challenges, links and sign-ins are kept', async () => {
    const prepared = await prepare()
    await world.restartBroker()
    await exchange(prepared)
    await world.restartBroker()
    const subject = {
      subjectToken: prepared.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await fresh(),
    }
    expect(await codeOf(exchange(prepared, subject))).toBe('issued')
  })
})
