import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { metadataPath, sessionTokenType } from '../../src/token-exchange.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf } from './world.ts'

// The broker's rows of facts/identity §4 (B1–B17) that other files do not hold.

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

const url = (path: string): string => `${stage.world.broker.url}${path}`

describe('B8, B12, B13: what is answered and recorded', () => {
  test('has the members of RFC 8693 §2.2.1 and nothing that renews itself', async () => {
    const own = await stage.prepare()
    const { body, headers } = await stage.send(own, { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect(body).toMatchObject({ issued_token_type: sessionTokenType, token_type: 'N_A', expires_in: 86_400 })
    expect(body).not.toHaveProperty('refresh_token')
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect((await stage.auditRows()).at(-1)).toMatchObject({
      event: 'exchange',
      actor: 'ARTIST000001',
      subject: 'ARTIST000001',
      issuer: stage.world.identity.issuer,
      client_address: '127.0.0.1',
      site: stage.world.site.url,
      user_id: stage.world.site.person('artist').id,
      login: 'artist@studio.example',
      shape: 'session',
      session_uuid: body['session_uuid'],
      outcome: 'issued',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })
})

describe('B9: nothing that the broker says is kept by anybody on the way', () => {
  test.each([
    ['the metadata', () => fetch(url(metadataPath)), 200],
    ['a challenge', () => fetch(url('/challenge'), { method: 'POST' }), 200],
    ['a refusal', () => post('grant_type=x'), 400],
    ['another type', () => post('{}', { 'content-type': 'application/json' }), 415],
    ['too much', () => post('x'.repeat(70_000)), 413],
    ['an address there is not', () => fetch(url('/nothing')), 404],
    ['a method there is not', () => fetch(url('/token')), 404],
    ['another method there is not', () => fetch(url('/token'), { method: 'OPTIONS' }), 404],
    ['an address in capitals', () => fetch(url('/TOKEN'), { method: 'POST' }), 404],
    ['an address with a slash behind', () => fetch(url('/token/'), { method: 'POST' }), 404],
    ['an address with an escaped letter', () => fetch(url('/toke%6e'), { method: 'POST', body: 'x' }), 415],
    ['a site’s trouble', () => troubled(), 503],
  ])('%s', async (_name, send, status) => {
    const answer = await send()
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([status, 'no-store'])
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('an address that is no address', async () => {
    const answer = await rawRequest('GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer.toLowerCase()).toContain('cache-control: no-store')
    expect(answer).not.toMatch(/fastify|FST_ERR/i)
  })

  test.each([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['two lengths', 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
    [
      'a length and chunks',
      'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bare line feed in a header', 'POST /token HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n'],
    ['a header of 20 KB', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['no host', 'GET /health/live HTTP/1.1\r\n\r\n'],
  ])('%s is ended with a plain refusal', async (_name, text) => {
    expect(await rawRequest(text)).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  async function troubled(): Promise<Response> {
    const own = await stage.prepare()
    const answer = { exception: true, message: 'maintenance', error_code: 1 }
    stage.world.site.faults.inject({
      path: '/api3/json',
      times: 1,
      does: { kind: 'status', status: 200, body: JSON.stringify(answer) },
    })
    const headers = { dpop: await stage.prove(own), 'content-type': 'application/x-www-form-urlencoded' }
    return fetch(url('/token'), { method: 'POST', headers, body: stage.form(own).toString() })
  }
})

describe('B10: errors', () => {
  test.each([
    [
      'an unacceptable audience',
      async () => stage.send(await stage.prepare(), { site: 'https://x.example' }),
      'invalid_target',
    ],
    [
      'a subject token that is no good',
      async () => stage.send(await stage.prepare(), { subjectToken: 'a.b.c' }),
      'invalid_request',
    ],
    ['a person whom the policy refuses', async () => stage.send(await stage.prepare('admin')), 'invalid_request'],
    ['a person nobody knows', async () => stage.send(await stage.prepare('stranger')), 'invalid_request'],
    [
      'a proof that is no good',
      async () => stage.send(await stage.prepare(), { challenge: 'A'.repeat(43) }),
      'invalid_dpop_proof',
    ],
  ])('%s is 400', async (_name, send, error) => {
    const { status, body } = await send()
    expect([status, body['error']]).toEqual([400, error])
    expect(Object.keys(body).sort()).toEqual(['code', 'error', 'error_description'])
  })

  test('who has no valid token is told the same of everybody, and no site is asked', async () => {
    const claims = (sub: string, email: string) => ({
      iss: stage.world.identity.issuer,
      aud: 'sg-session-tray',
      sub,
      email,
      email_verified: true,
      iat: Math.floor(Date.now() / 1000),
      exp: Math.floor(Date.now() / 1000) + 600,
    })
    const asked = stage.world.site.web.requests.length
    const said = new Set<string>()
    for (const [sub, email] of [
      ['ARTIST000001', 'artist@studio.example'],
      ['ADMIN0000012', 'admin@studio.example'],
      ['DISABL000004', 'disabled@studio.example'],
      ['NOBODY000099', 'nobody@studio.example'],
    ] as const) {
      for (const header of [{ alg: 'none' }, { kid: 'x' }, {}]) {
        const own = await stage.begin()
        const subjectToken = await stage.world.identity.forgeIdToken(claims(sub, email), header)
        const { status, body } = await stage.send(own, { subjectToken })
        said.add(`${JSON.stringify(header)} ${status} ${JSON.stringify(body)}`)
      }
      const own = await stage.begin()
      said.add(
        JSON.stringify(
          (await stage.send({ ...own, accessToken: sub }, await stage.renewal({ ...own, accessToken: sub }))).body,
        ),
      )
    }
    // One answer for each way in which a token is not valid.
    expect(said.size).toBe(4)
    expect(stage.world.site.web.requests).toHaveLength(asked)
  })
})

describe('B15: what proxies would say is not believed', () => {
  const forwarded = {
    'x-forwarded-for': '203.0.113.7',
    'x-real-ip': '203.0.113.7',
    forwarded: 'for=203.0.113.7;host=evil.example;proto=https',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-original-url': '/health/live',
    'x-http-method-override': 'GET',
    'x-forwarded-user': 'admin',
    'x-remote-user': 'admin',
    'remote-user': 'admin',
    authorization: 'Bearer admin',
    cookie: 'session=admin',
  }

  test('neither whose request it is nor where it came to changes', async () => {
    const own = await stage.prepare()
    const { status, body } = await stage.send(own, { headers: forwarded })
    expect([status, body['login']]).toEqual([200, 'artist@studio.example'])
    expect((await stage.auditRows()).at(-1)?.client_address).toBe('127.0.0.1')
  })

  test.each([
    ['a name that is not the broker’s is refused', 'evil.example', 'invalid_request'],
    ['another name of this machine is told the configured address', 'localhost', undefined],
  ])('the host: %s', async (_name, host, code) => {
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { ...forwarded, host }
      const sent = httpRequest(url(metadataPath), { headers }, (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        answer.on('end', () => resolve(body))
      })
      sent.once('error', reject).end()
    })
    expect(text).not.toContain('evil.example')
    const metadata = { issuer: stage.world.broker.url, token_endpoint: url('/token') }
    expect(JSON.parse(text)).toMatchObject(code ? { code } : metadata)
  })

  test('a proof for the host that a request names is refused', async () => {
    const own = await stage.prepare()
    const elsewhere = Object.create(stage, {
      metadata: { value: { ...stage.metadata, token_endpoint: 'https://evil.example/token' } },
    })
    const dpop = await ExchangeStage.prototype.prove.call(elsewhere, own)
    const headers = { ...forwarded, dpop }
    expect((await stage.send(own, { headers })).body).toMatchObject({ code: 'proof_rejected' })
  })
})

describe('B17: too much, and not now', () => {
  test('an address that asks too often is told when to come back, whatever addresses it says it has', async () => {
    const busy = await ExchangeStage.open({ limits: { requestsPerAddress: { most: 5, seconds: 60 } } })
    const ask = (address: number) =>
      fetch(`${busy.world.broker.url}/challenge`, {
        method: 'POST',
        headers: { 'x-forwarded-for': `203.0.113.${address}`, forwarded: `for=203.0.113.${address}` },
      })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(index)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(7)
    for (const { headers } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
      expect(headers.get('cache-control')).toBe('no-store')
    }
    expect(await refused[0]?.json()).toMatchObject({ error: 'temporarily_unavailable', code: 'rate_limited' })
    await busy.close()
  })

  test('so is a person who does', async () => {
    const busy = await ExchangeStage.open({ limits: { exchangesPerPerson: { most: 1, seconds: 60 } } })
    expect((await busy.send(await busy.prepare())).status).toBe(200)
    const second = await busy.send(await busy.prepare())
    expect([second.status, second.body['code']]).toEqual([429, 'rate_limited'])
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await busy.send(await busy.prepare('supervisor'))).status).toBe(200)
    expect((await busy.auditRows()).map(({ outcome }) => outcome)).toEqual(['issued', 'rate_limited', 'issued'])
    await busy.close()
  })

  test('who comes when the site does not take the script is told when to come back', async () => {
    const own = await stage.prepare()
    const answer = { exception: true, message: 'no', error_code: 102 }
    const body = JSON.stringify(answer)
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 200, body } })
    const refused = await stage.send(own)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    stage.clearFaults()
    expect(await codeOf(stage.exchange(own, { challenge: await stage.challenge() }))).toBe('ok')
  })
})

function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url('/token'), {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })
}

/** What the broker answers to these bytes until it hangs up, or for a second. */
function rawRequest(text: string): Promise<string> {
  const { hostname, port } = new URL(stage.world.broker.url)
  return new Promise((resolve, reject) => {
    let said = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy())
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.once('error', (error) => (said ? resolve(said) : reject(error)))
    socket.once('close', () => resolve(said))
  })
}
