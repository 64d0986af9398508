import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

/** What tk-core sends: a form, its own User-Agent, no cookie. */
const headers = {
  'user-agent': 'tk-core/v0.24.0 CPython/3.11.7 (Linux-6.1.0-x86_64-with-glibc2.36)',
  'content-type': 'application/x-www-form-urlencoded',
}
const start = (params: Record<string, string> = { appName: 'Nuke 16.0', machineId: 'ws-042' }) =>
  fetch(`${site.url}/internal_api/app_session_request`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(params).toString(),
  })
const poll = (id: string, init: RequestInit = {}) =>
  fetch(`${site.url}/internal_api/app_session_request/${id}`, {
    method: 'PUT',
    headers: { 'user-agent': headers['user-agent'] },
    ...init,
  })
const started = async () => (await (await start()).json()) as { sessionRequestId: string; url: string }

/** What a browser does at a login page. */
const logIn = (fields: Record<string, string>, returnPath = '/') =>
  fetch(`${site.url}/user/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ ...fields, return_path: returnPath }),
  })
const artist = { email: 'artist@studio.example', password: 'autodesk-password' }
const cookieOf = (answer: Response) => answer.headers.get('set-cookie')?.split(';')[0] ?? ''
const open = (url: string, cookie = '') => fetch(url, { redirect: 'manual', headers: { cookie } })
const decide = (id: string, decision: string, cookie: string) =>
  fetch(`${site.url}/app_session_request/${id}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie },
    body: new URLSearchParams({ decision }),
  })

describe('the protocol', () => {
  test('from start to token, once', async () => {
    const { sessionRequestId: id, url } = await started()
    expect(url).toBe(`${site.url}/app_session_request/${id}?sticky_id=${id}`)
    expect(await (await poll(id)).json()).toEqual({ approved: false })

    const unknown = await open(url)
    expect([unknown.status, unknown.headers.get('location')]).toEqual([
      302,
      `/user/login?return_path=/app_session_request/${id}`,
    ])
    const login = await logIn(artist, `/app_session_request/${id}`)
    expect([login.status, login.headers.get('location')]).toEqual([303, `/app_session_request/${id}`])
    expect(login.headers.get('set-cookie')).toMatch(/^_session_id=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/)

    const page = await open(url, cookieOf(login))
    expect(await page.text()).toContain('Nuke 16.0')
    expect((await decide(id, 'approve', cookieOf(login))).status).toBe(200)

    const answer = await (await poll(id)).json()
    expect(answer).toEqual({
      approved: true,
      sessionToken: expect.stringMatching(/^[0-9a-f]{32}$/),
      userLogin: 'artist@studio.example',
    })
    expect(`_session_id=${answer.sessionToken}`).not.toBe(cookieOf(login))
    const auth = { session_token: answer.sessionToken, reject_if_expired: true }
    await expect(callRpc(site.url, auth, 'preferences_read')).resolves.toBeTypeOf('object')
    expect(site.sessions().map(({ createdBy, owner }) => [createdBy, owner.login])).toEqual([
      ['browser', 'artist@studio.example'],
      ['launcher', 'artist@studio.example'],
    ])

    const again = await poll(id)
    expect([again.status, await again.json()]).toEqual([404, { message: 'Not Found' }])
    expect(Object.fromEntries(site.calls)).toMatchObject({ 'asl:create': 1, 'asl:approve': 1, 'asl:poll': 2 })
  })

  test('takes JSON as well as a form', async () => {
    const answer = await fetch(`${site.url}/internal_api/app_session_request`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ appName: 'Tray', machineId: 'ws-042' }),
    })
    expect(Object.keys(await answer.json())).toEqual(['sessionRequestId', 'url'])
  })

  test.each<[Record<string, string>, string]>([
    [{}, 'Missing params: appName, machineId'],
    [{ appName: 'Nuke' }, 'Missing params: machineId'],
    [{ machineId: 'ws', appName: '' }, 'Missing params: appName'],
  ])('%j is 400 and says what is missing', async (params, message) => {
    const answer = await start(params)
    expect([answer.status, await answer.json()]).toEqual([400, { message }])
  })

  test('without a body, or with JSON that is none, everything is missing', async () => {
    const bare = await fetch(`${site.url}/internal_api/app_session_request`, { method: 'POST' })
    expect(await bare.json()).toEqual({ message: 'Missing params: appName, machineId' })
    const broken = await fetch(`${site.url}/internal_api/app_session_request`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect(broken.status).toBe(400)
  })

  test('a site with the launcher off answers 403 with JSON', async () => {
    site.switches.launcher = false
    const answer = await start()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'application/json; charset=utf-8'])
    expect(await answer.json()).toEqual({ message: expect.any(String) })
  })

  test.each(['/internal_api/app_session_request', '/internal_api/app_session_request/x'])(
    'GET %s is not a route',
    async (path) => {
      const answer = await fetch(site.url + path)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ errors: [{ code: 103 }] })
    },
  )

  test('a request is forgotten after 305 seconds, for the app and for the person', async () => {
    const { sessionRequestId: id, url } = await started()
    site.clock.advance(304_000)
    expect((await poll(id)).status).toBe(200)
    site.clock.advance(1_000)
    expect((await poll(id)).status).toBe(404)
    const page = await open(url, `_session_id=${site.mintSession('artist')}`)
    expect(page.status).toBe(404)
    expect(await page.text()).toContain('This request is no longer valid')
  })

  test('unknown, denied and spent read the same', async () => {
    const { sessionRequestId: denied } = await started()
    await decide(denied, 'deny', `_session_id=${site.mintSession('artist')}`)
    for (const id of ['unknown', denied, denied]) {
      const answer = await poll(id)
      expect([answer.status, await answer.json()]).toEqual([404, { message: 'Not Found' }])
    }
    expect(site.calls.get('asl:approve')).toBeUndefined()
  })

  test('polling ignores a machineId, right or wrong', async () => {
    const { sessionRequestId: id } = await started()
    expect((await poll(id, { body: new URLSearchParams({ machineId: 'elsewhere' }) })).status).toBe(200)
  })

  test('userLogin is the login of somebody whose e-mail is another', async () => {
    const { sessionRequestId: id } = await started()
    await decide(id, 'approve', `_session_id=${site.mintSession('supervisor')}`)
    expect(await (await poll(id)).json()).toMatchObject({ userLogin: 'supervisor' })
  })

  test('nobody approves without a session, with an ended one, or with a script’s', async () => {
    const { sessionRequestId: id } = await started()
    const ended = site.mintSession('artist')
    site.expireSessions()
    const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
    const { session_id: scripted } = (await callRpc(site.url, script, 'get_session_token')) as { session_id: string }
    for (const cookie of ['', `_session_id=${ended}`, `_session_id=${scripted}`]) {
      expect((await decide(id, 'approve', cookie)).headers.get('location')).toBe('/user/login?return_path=/')
    }
    expect(await (await poll(id)).json()).toEqual({ approved: false })
  })
})

describe('signing in', () => {
  test.each<[string, Record<string, string>, string]>([
    ['a wrong password', { ...artist, password: 'x' }, 'E-mail or password is wrong'],
    [
      'an account without a row on the site',
      { ...artist, email: 'stranger@studio.example' },
      'E-mail or password is wrong',
    ],
    ['a disabled row', { ...artist, email: 'disabled@studio.example' }, 'This account is disabled'],
    ['a deleted row', { ...artist, email: 'reused@studio.example' }, 'This account is disabled'],
    ['nothing', {}, 'E-mail or password is wrong'],
  ])('on an Identity site %s is refused and said why', async (_what, fields, problem) => {
    const answer = await logIn(fields)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await answer.text()).toContain(problem)
    expect(site.sessions()).toEqual([])
  })

  test('an e-mail matches whatever its case', async () => {
    expect((await logIn({ ...artist, email: ' Artist@Studio.Example ' })).status).toBe(303)
  })

  test('a site with passwords of its own asks for login, passphrase and the code', async () => {
    site.switches.mode = 'default'
    const fields = { login: 'two-factor', passphrase: 'legacy-passphrase' }
    const without = await logIn(fields)
    expect([without.status, (await without.text()).includes('needs a two-factor code')]).toEqual([401, true])
    const wrong = await logIn({ ...fields, code: '000000' })
    expect([wrong.status, (await wrong.text()).includes('two-factor code is wrong')]).toEqual([401, true])
    expect((await logIn({ ...fields, code: '246810' })).status).toBe(303)
    expect((await logIn({ ...fields, passphrase: 'x' })).status).toBe(401)
    expect((await logIn(artist)).status).toBe(401)
  })

  test.each([
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['/\\evil.example/', '/'],
    ['/\t/evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
    ['/app_session_request/x?y=1', '/app_session_request/x?y=1'],
    ['/a/../b#c', '/b'],
  ])('a return_path of %j leads to %s', async (returnPath, target) => {
    expect((await logIn(artist, returnPath)).headers.get('location')).toBe(target)
  })

  test('the cookie is for TLS only where the site has TLS, and the front page greets its owner', async () => {
    const home = await open(`${site.url}/`)
    expect(home.headers.get('location')).toBe('/user/login')
    const greeted = await open(`${site.url}/`, `other=1; _session_id=${site.mintSession('artist')}; x=2`)
    expect(await greeted.text()).toContain('Signed in as Plain Artist')
  })
})

describe('pages', () => {
  test('carry a policy that allows no script, no framing and no foreign form', async () => {
    for (const path of ['/user/login', '/no/such/page']) {
      const answer = await fetch(site.url + path)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
        ),
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      expect(await answer.text()).not.toContain('<script')
    }
  })

  test('escape everything a request brings', async () => {
    const hostile = '<img src=x onerror=alert(1)>"\'&'
    const escaped = '&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;'
    const answer = await start({ appName: hostile, machineId: hostile })
    const { url } = (await answer.json()) as { url: string }
    const page = await (await open(url, `_session_id=${site.mintSession('artist')}`)).text()
    expect(page).not.toContain('<img')
    expect(page.split(escaped)).toHaveLength(3)
    const login = await (await logIn({ email: hostile, password: 'x' }, `/${hostile}`)).text()
    expect(login).not.toContain('<img')
    expect(login).toContain(escaped)
  })
})
