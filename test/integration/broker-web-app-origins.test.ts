import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metadataPath } from '../../src/token-exchange.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { startWorld } from './world.ts'

const origin = 'http://localhost:15999'
const secondOrigin = 'https://notes.studio.example'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open({
    webApps: [
      { origin, clientId: 'notes-app' },
      { origin: secondOrigin, clientId: 'second-app' },
    ],
    // More than the tests before the last one take.
    limits: { requestsPerAddress: { most: 40, seconds: 600 } },
  })
})
afterAll(() => stage.close())

interface Sent {
  readonly from?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

async function send(method: string, path: string, { from, headers, body }: Sent = {}): Promise<Response> {
  return fetch(`${stage.world.broker.url}${path}`, {
    method,
    headers: { ...(from === undefined ? {} : { origin: from }), ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

const preflight = (path: string, from: string, method: string, asked?: string): Promise<Response> =>
  send('OPTIONS', path, {
    from,
    headers: {
      'access-control-request-method': method,
      ...(asked === undefined ? {} : { 'access-control-request-headers': asked }),
    },
  })

/** The headers by which a server tells a browser that a page may read it. */
function corsHeaders(answer: Response): Record<string, string> {
  return Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('access-control-')))
}

describe('a page of a configured web app', () => {
  test.each([
    ['GET', metadataPath],
    ['POST', '/challenge'],
  ])('may read the answer to %s %s', async (method, path) => {
    for (const from of [origin, secondOrigin]) {
      const answer = await send(method, path, { from })
      expect(answer.status).toBe(200)
      expect(corsHeaders(answer)).toEqual({ 'access-control-allow-origin': from })
      expect(answer.headers.get('vary')).toBe('Origin')
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
  })

  test.each([
    ['GET', metadataPath],
    ['POST', '/challenge'],
  ])(
    'has its preflight for %s %s answered for five minutes, with no header and no credentials',
    async (method, path) => {
      const answer = await preflight(path, origin, method)
      expect(answer.status).toBe(204)
      expect(corsHeaders(answer)).toEqual({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': method,
        'access-control-allow-headers': '',
        'access-control-max-age': '300',
      })
      expect(answer.headers.get('vary')).toBe('Origin')
    },
  )

  test('is allowed no other method and no header of its own', async () => {
    const answer = await preflight('/challenge', origin, 'DELETE', 'authorization, dpop')
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST')
    expect(answer.headers.get('access-control-allow-headers')).toBe('')
  })

  test('is never told that its cookies count', async () => {
    const answers = [
      await send('GET', metadataPath, { from: origin, headers: { cookie: 'a=b', authorization: 'Bearer x' } }),
      await preflight('/challenge', origin, 'POST', 'authorization'),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
  })
})

describe('a session does not land in a page', () => {
  test('the token endpoint allows nobody to read it, whatever the answer is', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answers = [
      await send('POST', '/token', { from: origin, headers: form, body: 'grant_type=x' }),
      await send('POST', '/token', { from: origin, headers: { 'content-type': 'application/json' }, body: '{}' }),
      await preflight('/token', origin, 'POST', 'dpop, content-type'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 415, 404])
    for (const answer of answers) expect(corsHeaders(answer)).toEqual({})
  })

  test.each([
    ['GET', '/health/live'],
    ['GET', '/health/ready'],
    ['GET', '/metrics'],
    ['POST', '/api3/json'],
    ['GET', '/api/v1/entity/notes'],
    ['GET', '/nothing'],
    ['GET', '/challenge'],
    ['POST', metadataPath],
    ['POST', '/challenge/'],
    ['POST', '//challenge'],
    ['POST', '/challenge/../token'],
    ['POST', '/Challenge'],
    ['POST', '/chall%65nge'],
  ])('nor is anything else open: %s %s', async (method, path) => {
    const isOpen = path === '/challenge' || path === metadataPath
    const answer = await send(method, path, { from: origin })
    if (isOpen) expect(answer.status).toBe(404)
    else expect(corsHeaders(answer)).toEqual({})
    if (!isOpen) expect(corsHeaders(await preflight(path, origin, method))).toEqual({})
  })
})

describe('a page from anywhere else', () => {
  const near: readonly (readonly [string, string])[] = [
    ['of an unknown site', 'https://evil.example'],
    ['of a sandboxed frame or a file', 'null'],
    ['of a name that ends alike', 'https://evilnotes.studio.example'],
    ['of a name that begins alike', 'https://notes.studio.example.evil.example'],
    ['of the parent domain', 'https://studio.example'],
    ['of a subdomain', 'https://a.notes.studio.example'],
    ['on another port', 'http://localhost:15998'],
    ['on a port that begins alike', 'http://localhost:159990'],
    ['on a port written out', 'https://notes.studio.example:443'],
    ['of the other scheme', 'http://notes.studio.example'],
    ['in upper case', 'HTTPS://NOTES.STUDIO.EXAMPLE'],
    ['with a slash behind', `${origin}/`],
    ['with a path', `${origin}/app`],
    ['with user information', 'http://x@localhost:15999'],
    ['by the address instead of the name', 'http://127.0.0.1:15999'],
    ['with two origins in one header', `${origin}, https://evil.example`],
    ['with two origins as browsers once sent them', `${origin} ${secondOrigin}`],
    ['with a dot behind the name', 'https://notes.studio.example.'],
    ['that asks for everybody', '*'],
    ['with an empty origin', ''],
    ['of the broker itself', 'self'],
  ]

  test.each(near)('may read nothing: %s', async (_name, given) => {
    const from = given === 'self' ? stage.world.broker.url : given
    for (const [method, path] of [
      ['GET', metadataPath],
      ['OPTIONS', metadataPath],
      ['OPTIONS', '/challenge'],
    ] as const) {
      const answer = await (method === 'GET' ? send(method, path, { from }) : preflight(path, from, 'POST'))
      expect(corsHeaders(answer)).toEqual({})
      expect(answer.status).toBe(method === 'GET' ? 200 : 404)
      // Else a cache might hand an answer for one origin to another.
      expect(answer.headers.get('vary')).toBe('Origin')
    }
  })

  test('who is no page at all is answered as always', async () => {
    const answer = await send('POST', '/challenge')
    expect(answer.status).toBe(200)
    expect(corsHeaders(answer)).toEqual({})
  })
})

test('a refusal can be read too: too many challenges', async () => {
  let answer = await send('POST', '/challenge', { from: origin })
  for (let count = 0; answer.status === 200 && count < 50; count += 1) {
    answer = await send('POST', '/challenge', { from: origin })
  }
  expect(answer.status).toBe(429)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(corsHeaders(answer)).toEqual({ 'access-control-allow-origin': origin })
  expect(await answer.json()).toMatchObject({ code: 'rate_limited' })
})

test('a broker without web apps opens nothing to any page', async () => {
  const world = await startWorld()
  try {
    const answer = await fetch(`${world.broker.url}${metadataPath}`, { headers: { origin } })
    expect(corsHeaders(answer)).toEqual({})
    const asked = { origin, 'access-control-request-method': 'POST' }
    const refused = await fetch(`${world.broker.url}/challenge`, { method: 'OPTIONS', headers: asked })
    expect([refused.status, corsHeaders(refused)]).toEqual([404, {}])
  } finally {
    await world.close()
  }
})
