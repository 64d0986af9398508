import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { subjectTokenTypes } from '../../src/token-exchange.ts'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { codeOf } from './world.ts'

const tray = 'sg-session-tray'
const webApp = 'notes-app'
const secondWebApp = 'second-app'
const accessToken = subjectTokenTypes.accessToken

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open({
    webApps: [
      { origin: 'http://localhost:15999', clientId: webApp },
      { origin: 'http://localhost:15998', clientId: secondWebApp },
    ],
  })
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

/** Tokens of the same person by another app, whose nonce even commits to the same key and challenge. */
function tokensBy(clientId: string, { nonce }: Prepared) {
  return stage.world.identity.signIn('artist', { nonce, clientId })
}

async function outcome(own: Prepared, change: Parameters<ExchangeStage['exchange']>[1]): Promise<string> {
  return codeOf(stage.exchange(own, { ...change, challenge: await stage.challenge() }))
}

describe('a sign-in by a web app', () => {
  test('gets a session of the person, and says so in the audit', async () => {
    const own = await stage.prepare('artist', webApp)
    const answer = await stage.exchange(own)
    expect(answer).toMatchObject({ login: 'artist@studio.example', site: stage.world.site.url })
    expect((await stage.auditRows()).at(-1)).toMatchObject({ outcome: 'issued', session_uuid: answer.session_uuid })
  })

  test('is renewed by its own access token under its own key', async () => {
    const own = await stage.prepare('artist', webApp)
    await stage.exchange(own)
    expect(await outcome(own, { subjectToken: own.accessToken, subjectTokenType: accessToken })).toBe('ok')
  })
})

describe('a token counts for the sign-in it was made in (Keycloak CVE-2026-37979: audience at introspection)', () => {
  test.each([
    ['the tray’s access token under a web app’s sign-in', webApp, tray],
    ['a web app’s access token under a tray’s sign-in', tray, webApp],
    ['one web app’s access token under another’s sign-in', webApp, secondWebApp],
    ['a foreign app’s access token under a web app’s sign-in', webApp, 'other-app'],
  ])('refused: %s', async (_name, signedInBy, tokenBy) => {
    const own = await stage.prepare('artist', signedInBy)
    await stage.exchange(own)
    const elsewhere = await tokensBy(tokenBy, own)
    const change = { subjectToken: elsewhere.accessToken, accessToken: elsewhere.accessToken }
    expect(await outcome(own, { ...change, subjectTokenType: accessToken })).toBe('subject_token_rejected')
    // The sign-in itself is as good as before.
    expect(await outcome(own, { subjectToken: own.accessToken, subjectTokenType: accessToken })).toBe('ok')
  })

  test.each([
    ['names the client it was issued to', webApp, tray],
    ['names the client it was issued to', tray, webApp],
    ['names a client whose id ends alike', webApp, `x-${webApp}`],
    ['names a client whose id begins alike', webApp, `${webApp}-x`],
    ['names the client in other letters', webApp, webApp.toUpperCase()],
    ['names no client', webApp, undefined],
    ['names several clients', webApp, [webApp, tray]],
  ])('refused where introspection says "active" and %s (%s, %j)', async (_name, signedInBy, said) => {
    const own = await stage.prepare('artist', signedInBy)
    await stage.exchange(own)
    const body = JSON.stringify({ active: true, client_id: said, userid: 'ARTIST000001' })
    const headers = { 'content-type': 'application/json' }
    stage.world.identity.faults.inject({
      path: '/authentication/v2/introspect',
      does: { kind: 'status', status: 200, body, headers },
    })
    const renewal = { subjectToken: own.accessToken, subjectTokenType: accessToken }
    expect(await outcome(own, renewal)).toMatch(/^(subject_token_rejected|identity_unreachable)$/)
    stage.clearFaults()
    expect(await outcome(own, renewal)).toBe('ok')
  })

  test.each([
    ['the tray’s ID token under a web app’s sign-in', webApp, tray],
    ['a web app’s ID token under a tray’s sign-in', tray, webApp],
    ['one web app’s ID token under another’s sign-in', webApp, secondWebApp],
  ])('refused, though the nonce commits to the same key: %s', async (_name, signedInBy, tokenBy) => {
    const own = await stage.prepare('artist', signedInBy)
    await stage.exchange(own)
    const elsewhere = await tokensBy(tokenBy, own)
    const change = { subjectToken: elsewhere.idToken, accessToken: elsewhere.accessToken }
    expect(await outcome(own, change)).toBe('proof_rejected')
    expect((await stage.auditRows()).at(-1)).toMatchObject({ outcome: 'proof_rejected', subject: 'ARTIST000001' })
  })

  test('refused: an ID token for a web app and somebody else as well, in either order, or for a near name', async () => {
    const own = await stage.prepare('artist', webApp)
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: stage.world.identity.issuer, sub: 'ARTIST000001', iat: now, exp: now + 600, nonce: own.nonce }
    for (const aud of [
      [webApp, tray],
      [tray, webApp],
      [webApp, 'other-app'],
      `${webApp}-x`,
      webApp.toUpperCase(),
      [],
      '',
      'http://localhost:15999',
    ]) {
      const forged = await stage.world.identity.forgeIdToken({ ...claims, aud })
      expect(await outcome(own, { subjectToken: forged })).toBe('subject_token_rejected')
    }
    const authorized = await stage.world.identity.forgeIdToken({ ...claims, aud: webApp, azp: tray })
    expect(await outcome(own, { subjectToken: authorized })).toBe('subject_token_rejected')
    // The same claims with the right audience hold, so nothing else was wrong with them.
    const right = await stage.world.identity.forgeIdToken({ ...claims, aud: webApp })
    expect(await outcome(own, { subjectToken: right })).toBe('ok')
  })

  test('refused: an ID token of a web app that is no longer configured', async () => {
    const own = await stage.prepare('artist', 'other-app')
    expect(await outcome(own, {})).toBe('subject_token_rejected')
  })
})
