import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { grantType, metadataPath, sessionTokenType, subjectTokenTypes, tokenHash } from '../../src/token-exchange.ts'
import { compileCache, finished, startProcess } from '../sandbox/processes.ts'
import { databaseForTest } from './broker-database.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

describe('the broker’s database', () => {
  test('serves ten brokers that start on one new database', async () => {
    await mkdir(join(stage.world.folder, 'new'))
    const location = await databaseForTest(join(stage.world.folder, 'new'))
    const opening = Array.from({ length: 10 }, () =>
      finished(
        startProcess(
          process.execPath,
          [
            '--input-type=module-typescript',
            '-e',
            `
      import { openDatabase } from './src/broker/database/database.ts'
      await (await openDatabase(${JSON.stringify(location)})).destroy()`,
          ],
          { PATH: process.env['PATH'] ?? '', ...compileCache },
        ),
      ),
    )
    for (const { status, stderr } of await Promise.all(opening)) expect([status, stderr]).toEqual([0, ''])
  })
})

describe('the broker’s HTTP', () => {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${stage.world.broker.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })

  test('has metadata that names this issuer and its sites', async () => {
    const answer = await fetch(`${stage.world.broker.url}${metadataPath}`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({
      issuer: stage.world.broker.url,
      sites_supported: [stage.world.site.url],
      grant_types_supported: [grantType],
      sg_session_identity: { issuer: stage.world.identity.issuer, client_id: 'sg-session-tray' },
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
      expect((await fetch(`${stage.world.broker.url}${path}`, { method })).status).toBe(404)
    }
    expect((await fetch(`${stage.world.broker.url}/health/live`)).status).toBe(200)
    expect((await fetch(`${stage.world.broker.url}/health/ready`)).status).toBe(200)
  })

  test('refuses another audience in every near form', async () => {
    const prepared = await stage.prepare()
    for (const site of [
      `${stage.world.site.url}/`,
      stage.world.site.url.replace('127.0.0.1', 'localhost'),
      'https://evil.example',
      `${stage.world.site.url}x`,
      stage.world.site.url.toUpperCase(),
    ]) {
      expect(await codeOf(stage.exchange(prepared, { site, challenge: await stage.challenge() }))).toBe('site_unknown')
    }
  })

  test('does not take a proof made for another token', async () => {
    const prepared = await stage.prepare()
    const form = new URLSearchParams({
      grant_type: grantType,
      audience: stage.world.site.url,
      subject_token: prepared.idToken,
      subject_token_type: subjectTokenTypes.idToken,
      requested_token_type: sessionTokenType,
      access_token: prepared.accessToken,
    })
    const dpop = await new SignJWT({
      htm: 'POST',
      htu: `${stage.world.broker.url}/token`,
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
    const prepared = await stage.prepare()
    await stage.world.restartBroker()
    stage.world.identity.faults.inject({ path, does })
    expect(await codeOf(stage.exchange(prepared))).toBe('identity_unreachable')
  })

  test('outlives a restart: challenges, links and sign-ins are kept', async () => {
    const prepared = await stage.prepare()
    await stage.world.restartBroker()
    await stage.exchange(prepared)
    await stage.world.restartBroker()
    const subject = {
      subjectToken: prepared.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await stage.challenge(),
    }
    expect(await codeOf(stage.exchange(prepared, subject))).toBe('ok')
  })
})
