import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ExchangeStage, type Prepared, type RawAnswer, type RawChange } from './exchange-stage.ts'

let stage: ExchangeStage
/** What is sent wrongly is right in everything else, and its challenge stays unused. */
let own: Prepared
beforeAll(async () => {
  stage = await ExchangeStage.open()
  own = await stage.prepare()
})
afterAll(async () => {
  // Nothing above has used up what would have been good, and no site has heard of any of it.
  expect(stage.world.site.calls.get('get_session_token')).toBeUndefined()
  expect((await stage.send(own)).status).toBe(200)
  await stage.close()
})

const good = (): URLSearchParams => stage.form(own)

async function expectRefused(change: RawChange, said: string | RegExp, status = 400): Promise<void> {
  const answer = await stage.send(own, change)
  expect(answer.body).toMatchObject({ error: 'invalid_request', code: 'invalid_request' })
  expect(answer.body['error_description']).toMatch(said)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('cache-control')).toBe('no-store')
}

const parameters = [
  'grant_type',
  'audience',
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'access_token',
] as const

describe.each(parameters)('the parameter "%s" over the wire', (name) => {
  const wrong = `"${name}" is missing, doubled or wrong`
  const value = (): string => good().get(name) ?? ''

  function without(): URLSearchParams {
    const form = good()
    form.delete(name)
    return form
  }

  const rows: [string, () => string][] = [
    ['missing', () => without().toString()],
    ['empty', () => `${without()}&${name}=`],
    ['without a value', () => `${without()}&${name}`],
    ['twice', () => `${good()}&${name}=second`],
    ['twice alike', () => `${good()}&${name}=${encodeURIComponent(value())}`],
    ['twice, empty first', () => `${name}=&${good()}`],
    ['twice, empty last', () => `${good()}&${name}=`],
    ['three times', () => `${good()}&${name}=a&${name}=b`],
    ['twice, once with an escaped name', () => `${good()}&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=second`],
    ['with a space behind', () => `${without()}&${name}=${encodeURIComponent(`${value()} `)}`],
    ['with a line feed behind', () => `${without()}&${name}=${encodeURIComponent(`${value()}\n`)}`],
    ['with NUL behind', () => `${without()}&${name}=${encodeURIComponent(value())}%00`],
  ]
  // An audience is compared as it is: a near one is another site's name.
  const others = name === 'audience' ? rows.slice(0, -3) : rows
  test.each(others)('%s is refused', (_name, body) => expectRefused({ body: body() }, wrong))

  const unknown: [string, () => string, string][] = [
    ['as a list', () => `${without()}&${name}[]=${encodeURIComponent(value())}`, `"${name}[]"`],
    ['as an object', () => `${without()}&${name}[0]=${encodeURIComponent(value())}`, `"${name}[0]"`],
    ['in capitals', () => `${without()}&${name.toUpperCase()}=${encodeURIComponent(value())}`, wrong],
    ['under a name with a space', () => `${without()}&${name}+=${encodeURIComponent(value())}`, wrong],
  ]
  test.each(unknown)('%s is refused', (_name, body) => expectRefused({ body: body() }, /is missing|is not a parameter/))
})

describe('a parameter that this exchange does not have', () => {
  test.each([
    'actor_token',
    'actor_token_type',
    'requested_subject',
    'requested_issuer',
    'subject_issuer',
    'resource',
    'scope',
    'client_id',
    'client_secret',
    'client_assertion',
    'assertion',
    'code',
    'refresh_token',
    'username',
    'password',
    'sudo_as_login',
    'session_uuid',
    'login',
    'user_id',
    'issue',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__proto__[audience]',
    'constructor.prototype',
    '',
    '0',
    'length',
  ])('("%s") is refused: nothing is ignored', async (name) => {
    for (const value of ['x', '']) {
      if (name === '' && value === '') continue
      await expectRefused({ body: `${good()}&${encodeURIComponent(name)}=${value}` }, `"${name}" is not a parameter`)
    }
  })

  test.each(['jwt', 'saml1', 'saml2', 'refresh_token'])('nor is the type "%s" of subject tokens one', (type) =>
    expectRefused({ subjectTokenType: `urn:ietf:params:oauth:token-type:${type}` as never }, '"subject_token_type"'),
  )
})

describe('an address with a query', () => {
  test.each(['?', '?audience=x', '?grant_type=authorization_code', '?subject_token=x&subject_token=y'])(
    '(%s) is refused',
    (query) => expectRefused({ url: `${stage.metadata.token_endpoint}${query}` }, 'belong in the form'),
  )

  test('is no place for the form', () =>
    expectRefused({ url: `${stage.metadata.token_endpoint}?${good()}`, body: '' }, 'belong in the form'))
})

describe('how the form is written', () => {
  const type = 'application/x-www-form-urlencoded'
  const rows: [string, () => RawChange, number?][] = [
    ['as UTF-16', () => ({ body: Buffer.from(good().toString(), 'utf16le'), headers: { 'content-type': type } })],
    ['as UTF-16, and says so', () => charset(Buffer.from(good().toString(), 'utf16le'), 'utf-16le')],
    ['in bytes of UTF-7', () => charset(good().toString(), 'utf-7')],
    ['in bytes of Latin 1', () => charset(good().toString(), 'ISO-8859-1')],
    ['in bytes of a quoted charset', () => charset(good().toString(), '"utf-7"')],
    ['with a byte order mark', () => ({ body: `\ufeff${good()}` })],
    ['compressed', () => encoded('gzip', gzipSync(good().toString()))],
    ['as it is, and said to be compressed', () => encoded('gzip', good().toString())],
    ['as it is, and said to be br', () => encoded('br', good().toString())],
    ['as it is, and said to be identity and gzip', () => encoded('identity, gzip', good().toString())],
    ['with semicolons between', () => ({ body: good().toString().replaceAll('&', ';') })],
    ['escaped twice', () => ({ body: encodeURIComponent(good().toString()) })],
    ['as JSON', () => json(JSON.stringify(Object.fromEntries(good()))), 415],
    ['as JSON in the type of a form', () => ({ body: JSON.stringify(Object.fromEntries(good())) })],
    ['without a type', () => ({ body: Buffer.from(good().toString()), headers: { 'content-type': '' } }), 415],
    ['in two types', () => ({ headers: { 'content-type': `${type}, application/json` } }), 415],
    ['in a type that begins alike', () => ({ headers: { 'content-type': `${type}x` } }), 415],
    ['in parts', () => ({ headers: { 'content-type': 'multipart/form-data; boundary=x' } }), 415],
    ['in 65,537 bytes', () => ({ body: `${good()}&x=`.padEnd(65_537, 'x') }), 413],
    ['in more bytes than it says, chunked', () => ({ body: chunked(`${good()}&x=`.padEnd(200_000, 'x')) }), 413],
    ['as nothing', () => ({ body: '' })],
    ['as one ampersand', () => ({ body: '&' })],
    ['as one equals sign', () => ({ body: '=' })],
    [
      'with a malformed escape in a token',
      () => ({ body: good().toString().replace('access_token=', 'access_token=%00') }),
    ],
  ]
  test.each(rows)('%s, it is refused', (_name, change, status) => expectRefused(change(), '', status))

  test('chunked, it is what it says', async () => {
    const fresh = await stage.challenge()
    const body = chunked(`${good()}&scope=x`)
    await expectRefused({ body, challenge: fresh }, '"scope" is not a parameter')
  })

  test('with a charset of UTF-8, it is read', async () => {
    const second = await stage.prepare('supervisor')
    const site = 'https://elsewhere.example'
    for (const name of ['utf-8', 'UTF-8', '"utf-8"']) {
      const headers = { 'content-type': `${type}; charset=${name}` }
      expect(await stage.send(second, { site, headers })).toMatchObject({ body: { code: 'site_unknown' } })
    }
  })

  function charset(body: string | Buffer, name: string): RawChange {
    return { body, headers: { 'content-type': `${type}; charset=${name}` } }
  }
  function encoded(encoding: string, body: string | Buffer): RawChange {
    return { body, headers: { 'content-encoding': encoding } }
  }
  function json(body: string): RawChange {
    return { body, headers: { 'content-type': 'application/json' } }
  }
  function chunked(text: string): ReadableStream {
    return new Blob([text]).stream()
  }
})

describe('the DPoP header', () => {
  test.each([
    ['twice', (proof: string) => [proof, proof]],
    ['twice, one of them empty', (proof: string) => [proof, '']],
    ['with a comma', (proof: string) => [`${proof},`]],
    ['with two proofs in one', (proof: string) => [`${proof}, ${proof}`]],
    ['with a scheme before it', (proof: string) => [`DPoP ${proof}`]],
    ['in quotes', (proof: string) => [`"${proof}"`]],
    ['padded', (proof: string) => [`${proof}=`]],
    ['empty', () => ['']],
    ['missing', () => []],
    ['longer than any proof', (proof: string) => [proof.padEnd(4_097, 'A')]],
  ])('%s is refused', async (_name, make) => {
    const answer = await sendRaw(make(await stage.prove(own)))
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof', code: 'proof_rejected' } })
  })

  /** By Node's own client: `fetch` would join what comes twice. */
  function sendRaw(proofs: string[]): Promise<Pick<RawAnswer, 'status' | 'body'>> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        ...(proofs.length > 0 ? { dpop: proofs } : {}),
      }
      const sent = httpRequest(stage.metadata.token_endpoint, { method: 'POST', headers }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }))
      })
      sent.once('error', reject).end(good().toString())
    })
  }
})

describe('whatever bytes come as a form', () => {
  const settings = { numRuns: 100, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false }
  async function expectPoliteRefusal(body: Buffer): Promise<void> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop: 'a.b.c' }
    const answer = await fetch(stage.metadata.token_endpoint, { method: 'POST', headers, body: new Uint8Array(body) })
    const refusal = (await answer.json()) as Record<string, unknown>
    expect([400, 413, 415]).toContain(answer.status)
    expect(refusal['error_description']).toEqual(expect.any(String))
    expect(answer.headers.get('cache-control')).toBe('no-store')
  }

  test('they are refused, and never break anything', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), (bytes) => expectPoliteRefusal(Buffer.from(bytes))),
      settings,
    ))

  test('so is a good form of which some bytes changed', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Buffer.from(good().toString())
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        return expectPoliteRefusal(bytes)
      }),
      settings,
    ))

  test('so are good parameters of any value and any name', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', 'constructor', '', '%', '%zz', '\0'),
    )
    const pair = fc.tuple(fc.oneof(text, fc.constantFrom(...parameters)), text)
    return fc.assert(
      fc.asyncProperty(fc.array(pair, { maxLength: 8 }), (pairs) => {
        const escaped = pairs.map(([name, value]) => `${percent(name)}=${percent(value)}`)
        return expectPoliteRefusal(Buffer.from([good().toString(), ...escaped].join('&')))
      }),
      settings,
    )
  })

  function percent(text: string): string {
    return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  }
})
