import { request } from 'node:http'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as page from '../../docs/examples/web-app/page/proof.js'
import { startWebApp, type WebApp } from '../../docs/examples/web-app/server.ts'
import { ShotgridSession } from '../../docs/examples/web-app/shotgrid-session.ts'
import { WebSessions } from '../../docs/examples/web-app/web-sessions.ts'
import { makeSignInKey } from '../../src/sign-in/sign-in-key.ts'
import { nonceFor } from '../../src/token-exchange.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { startWorld, type World } from './world.ts'

const clientId = 'review-notes'

let world: World
let webApp: WebApp
/** Session tokens the broker gave to the web app's server. */
const tokens: string[] = []

beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  const origin = `http://localhost:${port}`
  world = await startWorld({ webApps: [{ origin, clientId }] })
  const { issuer } = world.identity
  webApp = await startWebApp({
    origin,
    broker: world.broker.url,
    site: world.site.url,
    identity: { issuer, clientId },
    fetch: async (url, init) => {
      const answer = await fetch(url, init)
      if (url.endsWith('/token') && answer.ok) {
        const { access_token } = (await answer.clone().json()) as { access_token: string }
        tokens.push(access_token)
      }
      return answer
    },
  })
})
afterAll(async () => {
  await webApp.close()
  await world.close()
})
afterEach(() => {
  world.site.faults.clear()
  world.identity.faults.clear()
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

/** A request with exactly these headers, as no `fetch` would send it. */
function send(method: string, path: string, headers: Record<string, string>, content?: unknown): Promise<Answer> {
  const text = content === undefined || typeof content === 'string' ? content : JSON.stringify(content)
  const { port, host } = new URL(webApp.origin)
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers: { host, ...headers } }, (incoming) => {
      let said = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
      incoming.on('end', () => {
        const isJson = incoming.headers['content-type']?.startsWith('application/json')
        const body = isJson ? (JSON.parse(said) as Record<string, unknown>) : {}
        resolve({ status: incoming.statusCode ?? 0, body, headers: incoming.headers, text: said })
      })
    })
    outgoing.once('error', reject).end(text)
  })
}

const json = { 'content-type': 'application/json' }
/** What a browser sends along when our own page asks. */
const own = () => ({ origin: webApp.origin, 'sec-fetch-site': 'same-origin', ...json })

/** What the page hands to its server after Autodesk, made by the page's own code. */
async function prepare(person = 'artist') {
  const keys = await page.makeKeyPair()
  const { challenge } = (await (await fetch(`${world.broker.url}/challenge`, { method: 'POST' })).json()) as {
    challenge: string
  }
  const nonce = await page.nonceFor(challenge, keys.publicKey)
  const { idToken: subjectToken, accessToken } = await world.identity.signIn(person, { nonce, clientId })
  const proof = await page.proveExchange(keys, { tokenEndpoint: `${world.broker.url}/token`, subjectToken, challenge })
  return { subjectToken, accessToken, proof }
}

/** Signs in; the `Cookie` header of the session. */
async function signIn(person = 'artist'): Promise<string> {
  return cookieOf(await send('POST', '/api/session', own(), await prepare(person)))
}

function cookieOf({ headers }: Answer): string {
  return [headers['set-cookie'] ?? []].flat()[0]?.split(';')[0] ?? ''
}

describe('the page’s proof', () => {
  test('commits to challenge and key as the agent does', async () => {
    const key = await makeSignInKey()
    const publicKey = await crypto.subtle.importKey(
      'jwk',
      key.publicJwk,
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      [],
    )
    const challenge = 'c'.repeat(43)
    expect(await page.nonceFor(challenge, publicKey)).toBe(nonceFor(challenge, key.thumbprint))
  })

  test('is made with a key that nobody can read', async () => {
    const { privateKey } = await page.makeKeyPair()
    expect(privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('jwk', privateKey)).rejects.toThrow()
    await expect(crypto.subtle.exportKey('pkcs8', privateKey)).rejects.toThrow()
  })

  test('makes a challenge of PKCE out of the verifier (RFC 7636, appendix B)', async () => {
    expect(await page.codeChallengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
    expect(page.makeRandom()).toMatch(/^[\w-]{43}$/)
  })
})

describe('the web app’s server', () => {
  test('gives the page a cookie, never the session', async () => {
    const answer = await send('POST', '/api/session', own(), await prepare())
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ person: { name: 'Plain Artist', login: 'artist@studio.example' } })
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^notes=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ])
    expect(tokens.length).toBeGreaterThan(0)
    for (const path of ['/api/session', '/api/projects', '/api/configuration', '/']) {
      const { status, text, headers } = await send('GET', path, { cookie: cookieOf(answer) })
      expect(status).toBe(200)
      for (const token of tokens) expect(text + JSON.stringify(headers)).not.toContain(token)
    }
  })

  test('gives each sign-in a cookie of its own, and the one before opens nothing any more', async () => {
    const first = await signIn()
    const answer = await send('POST', '/api/session', { ...own(), cookie: first }, await prepare('supervisor'))
    expect(cookieOf(answer)).not.toBe(first)
    expect((await send('GET', '/api/session', { cookie: first })).body).toEqual({ person: null })
    expect((await send('GET', '/api/session', { cookie: cookieOf(answer) })).body).toMatchObject({
      person: { login: 'supervisor' },
    })
  })

  test('takes no cookie it did not give', async () => {
    const [name] = (await signIn()).split('=')
    for (const cookie of [
      `${name}=`,
      `${name}=chosen`,
      `${name}=constructor`,
      `${name}=__proto__`,
      'notes',
      '=',
      ';;',
    ]) {
      expect((await send('GET', '/api/projects', { cookie })).status).toBe(401)
    }
  })

  test('does not take the same sign-in twice', async () => {
    const prepared = await prepare()
    expect((await send('POST', '/api/session', own(), prepared)).status).toBe(200)
    const again = await send('POST', '/api/session', own(), prepared)
    expect([again.status, again.body]).toMatchObject([400, { code: 'proof_rejected' }])
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  test.each([
    ['a proof of another key', 'proof_rejected'],
    ['a token that is none', 'proof_rejected'],
    ['no proof', 'invalid_request'],
    ['a header in the proof', 'invalid_request'],
  ] as const)('hands on why the broker refuses: %s', async (what, code) => {
    const prepared = await prepare()
    const changed = {
      'a proof of another key': { ...prepared, proof: (await prepare()).proof },
      'a token that is none': { ...prepared, subjectToken: 'x.y.z' },
      'no proof': { ...prepared, proof: '' },
      'a header in the proof': { ...prepared, proof: `${prepared.proof}\r\nx-forwarded-for: 10.0.0.1` },
    }[what]
    const answer = await send('POST', '/api/session', own(), changed)
    expect(answer.body).toMatchObject({ code })
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  test('says so when the broker is away', async () => {
    const prepared = await prepare()
    await world.stopBroker()
    const answer = await send('POST', '/api/session', own(), prepared)
    expect([answer.status, answer.body]).toMatchObject([502, { code: 'broker_unreachable' }])
    await world.restartBroker()
  })

  test('says so when ShotGrid is away, and keeps the session', async () => {
    const cookie = await signIn()
    world.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'html' } })
    expect((await send('GET', '/api/projects', { cookie })).body).toMatchObject({ code: 'shotgrid_unreachable' })
    expect((await send('GET', '/api/projects', { cookie })).status).toBe(200)
  })

  test('forgets a session that ShotGrid has ended', async () => {
    const cookie = await signIn()
    world.site.expireSessions()
    const refused = await send('GET', '/api/projects', { cookie })
    expect([refused.status, refused.body]).toMatchObject([401, { code: 'signed_out' }])
    expect(refused.headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')])
    expect((await send('GET', '/api/session', { cookie })).body).toEqual({ person: null })
  })

  test('writes as the person, with the id of the broker’s audit, and what ShotGrid forbids stays forbidden', async () => {
    const cookie = await signIn()
    const note = { projectId: 1, subject: 'Flicker', content: 'In the matte.' }
    const { projects } = (await send('GET', '/api/projects', { cookie })).body as { projects: { id: number }[] }
    const [project] = projects
    const answer = await send('POST', '/api/notes', { ...own(), cookie }, { ...note, projectId: project?.id })
    expect(answer.body).toMatchObject({ subject: 'Flicker', createdBy: 'Plain Artist' })
    const event = world.site.eventLog().findLast(({ event_type }) => event_type === 'Shotgun_Note_New')
    const rows = await world.broker.database.selectFrom('audit').selectAll().orderBy('sequence').execute()
    expect(event).toMatchObject({
      user: { type: 'HumanUser', id: world.site.person('artist').id },
      session_uuid: rows.findLast(({ outcome }) => outcome === 'issued')?.session_uuid,
    })
    const unseen = { ...note, projectId: 999_999 }
    expect((await send('POST', '/api/notes', { ...own(), cookie }, unseen)).body).toMatchObject({
      code: 'shotgrid_refused',
    })
    const unknown = { ...note, created_by: { type: 'HumanUser', id: 1 } }
    expect((await send('POST', '/api/notes', { ...own(), cookie }, unknown)).status).toBe(400)
  })
})

describe('another site’s page', () => {
  const elsewhere = [
    ['another origin', { origin: 'https://evil.example' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['another port of this host', { origin: 'http://localhost:1' }],
    ['no origin at all', { origin: undefined }],
    ['our origin in upper case', { origin: 'upper' }],
    ['the same site by another name', { 'sec-fetch-site': 'same-site' }],
    ['a request the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['an address typed in', { 'sec-fetch-site': 'none' }],
  ] as const

  test.each(elsewhere)('changes nothing with a person’s cookie: %s', async (_name, change) => {
    const cookie = await signIn()
    const headers: Record<string, string | undefined> = { ...own(), cookie, ...change }
    if (headers['origin'] === 'upper') headers['origin'] = webApp.origin.toUpperCase()
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >
    const written = world.site.eventLog().length
    const answers = [
      await send('POST', '/api/notes', sent, { projectId: 1, subject: 'x', content: 'x' }),
      await send('POST', '/api/session', sent, await prepare('supervisor')),
      await send('DELETE', '/api/session', sent),
    ]
    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual(
      Array(answers.length).fill([403, 'cross_origin']),
    )
    expect(world.site.eventLog()).toHaveLength(written)
    expect((await send('GET', '/api/session', { cookie })).body).toMatchObject({
      person: { login: 'artist@studio.example' },
    })
  })

  test('reads nothing, and is told nothing by CORS', async () => {
    const cookie = await signIn()
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await send('GET', '/api/projects', { cookie, ...headers })
      expect(answer.status).toBe(403)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    expect((await send('OPTIONS', '/api/notes', preflight)).status).toBe(403)
  })

  test('does not reach the server under a name of its own (DNS rebinding)', async () => {
    const cookie = await signIn()
    for (const host of ['evil.example', `evil.example:${new URL(webApp.origin).port}`, '127.0.0.1', 'localhost']) {
      const answer = await send('GET', '/api/session', { cookie, host })
      expect([answer.status, answer.body]).toMatchObject([421, { code: 'wrong_host' }])
    }
  })

  test.each([
    ['application/x-www-form-urlencoded', 'a=b'],
    ['text/plain', '{}'],
    ['multipart/form-data; boundary=x', '--x--'],
  ])('cannot send a form even from our origin: %s', async (type, content) => {
    const cookie = await signIn()
    const answer = await send('POST', '/api/notes', { ...own(), cookie, 'content-type': type }, content)
    expect(answer.status).toBe(415)
  })
})

describe('what the web app’s server remembers', () => {
  const hourMs = 3600_000
  const granted = { token: 't', apiUrl: 'u', sessionUuid: 's', name: 'n', login: 'l', expiresInS: 3600 }
  const session = new ShotgridSession(fetch, granted)

  test('lasts while it is used, and twelve hours at the most', () => {
    let now = 0
    const sessions = new WebSessions('https://notes.studio.example', () => now)
    const cookie = sessions.begin(session)
    for (; now <= 12 * hourMs; now += hourMs) expect(sessions.find(cookie)).toBe(session)
    expect(sessions.find(cookie)).toBeUndefined()
  })

  test('is gone after the time ShotGrid keeps an idle session', () => {
    let now = 0
    const sessions = new WebSessions('https://notes.studio.example', () => now)
    const cookie = sessions.begin(session)
    now = hourMs + 1
    expect(sessions.find(cookie)).toBeUndefined()
  })

  test('goes by a cookie that only this host can set, where it is https', () => {
    const sessions = new WebSessions('https://notes.studio.example')
    const attributes = 'Path=/; HttpOnly; SameSite=Strict; Secure'
    expect(sessions.begin(session)).toMatch(new RegExp(`^__Host-notes=[\\w-]{43}; ${attributes}$`))
    expect(sessions.end(undefined)).toBe(`__Host-notes=; ${attributes}; Max-Age=0`)
  })

  test('does not show the token when it is written down by mistake', () => {
    const secretive = new ShotgridSession(fetch, { ...granted, token: 'a-token-of-a-session' })
    expect(JSON.stringify(secretive) + inspect(secretive, { depth: null })).not.toContain('a-token-of-a-session')
  })
})

test('the page may run our scripts only, may be framed by nobody and is kept by no cache', async () => {
  const { headers } = await send('GET', '/', {})
  const policy = String(headers['content-security-policy'])
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
  expect(policy).not.toContain('unsafe')
  expect(policy).toContain("frame-ancestors 'none'")
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  for (const path of ['/../server.ts', '/server.ts', '/%2e%2e/server.ts', '/page/app.js', '/app.js/', '//app.js']) {
    expect((await send('GET', path, {})).status).toBe(404)
  }
})
