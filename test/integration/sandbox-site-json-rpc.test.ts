import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SandboxClock } from '../sandbox/clock.ts'
import { callRpc, find, findParams, payload, sendRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const call = (auth: Record<string, unknown> | undefined, method: string, params?: unknown) =>
  callRpc(site.url, auth, method, params)

describe('credentials', () => {
  test.each([
    ['a script nobody knows', { script_name: 'ghost', script_key: 'x' }, "Can't authenticate script 'ghost'"],
    ['a wrong key', { ...script, script_key: 'x' }, "Can't authenticate script 'identity-broker'"],
    [
      'a session token nobody made',
      { session_token: '0123456789abcdef0123456789abcdef', reject_if_expired: true },
      "Can't authenticate session token ending with 'cdef'",
    ],
    ['a login nobody has', { user_login: 'ghost', user_password: 'x' }, "Can't authenticate user 'ghost'"],
    ['half a pair', { script_name: 'identity-broker' }, 'Missing or invalid authentication arguments'],
    ['nothing', {}, 'Missing or invalid authentication arguments'],
    ['the wrong shape', { session_token: 5 }, 'Missing or invalid authentication arguments'],
  ])('%s is refused with code 102', async (_what, auth, message) => {
    await expect(call(auth, 'read', { type: 'Shot' })).rejects.toMatchObject({ code: 102, message })
    expect(site.calls.get('read')).toBeUndefined()
  })

  test('a call without an auth dict is refused with code 102', async () => {
    await expect(call(undefined, 'read')).rejects.toMatchObject({ code: 102 })
  })

  test('login comes before script, and script before session', async () => {
    const both = { ...script, user_login: 'ghost', user_password: 'x' }
    await expect(call(both, 'preferences_read')).rejects.toMatchObject({ message: "Can't authenticate user 'ghost'" })
    await expect(call({ ...script, session_token: 'x' }, 'preferences_read')).resolves.toBeTypeOf('object')
  })

  test('extra auth parameters such as "product" change nothing', async () => {
    const token = site.mintSession('artist')
    const auth = { session_token: token, reject_if_expired: true, product: 'rv', session_uuid: null }
    await expect(call(auth, 'preferences_read')).resolves.toBeTypeOf('object')
  })

  test('a person disabled after signing in is out at once', async () => {
    const auth = { session_token: site.mintSession('artist'), reject_if_expired: true }
    site.person('artist').status = 'dis'
    await expect(call(auth, 'preferences_read')).rejects.toMatchObject({ code: 102 })
  })
})

describe('calls', () => {
  test('an unknown method is a fault, and never 102, which would send clients to a login', async () => {
    await expect(call(script, 'follow_the_white_rabbit')).rejects.toMatchObject({ code: 103 })
    await expect(call(script, 'toString')).rejects.toMatchObject({ code: 103 })
  })

  test.each(['', '{', '[]', '{"params": []}', 'null'])('a body of %j is a fault', async (body) => {
    const answer = await sendRpc(site.url, body)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ exception: true, error_code: 103 })
  })

  test('what the site itself does wrong is a fault that says nothing, and is kept for the control API', async () => {
    class BreakingClock extends SandboxClock {
      isBroken = false
      override now(): number {
        if (this.isBroken) throw new RangeError('the clock fell off the wall')
        return super.now()
      }
    }
    const clock = new BreakingClock()
    const broken = await startSite({ clock })
    try {
      clock.isBroken = true
      const answer = await sendRpc(broken.url, payload('read', script, { type: 'Shot' }))
      clock.isBroken = false
      expect([answer.status, JSON.parse(answer.body)]).toEqual([
        200,
        { exception: true, message: 'Shotgun Server Error', error_code: 100 },
      ])
      const mishaps = async () => (await fetch(`${broken.url}/sandbox/mishaps`)).json()
      expect(await mishaps()).toMatchObject([
        { during: 'read', message: 'the clock fell off the wall', stack: expect.stringContaining('RangeError') },
      ])
      await fetch(`${broken.url}/sandbox/reset`, { method: 'POST' })
      expect(await mishaps()).toEqual([])
    } finally {
      await broken.close()
    }
  })

  test('what took effect is counted, what was refused is not', async () => {
    await call(undefined, 'info')
    await call(script, 'get_session_token')
    await call({ script_name: 'ghost', script_key: 'x' }, 'get_session_token').catch(() => undefined)
    await call(script, 'read', { type: 'Nothing' }).catch(() => undefined)
    await find(site.url, script, 'Shot', [])
    expect(Object.fromEntries(site.calls)).toEqual({ info: 1, get_session_token: 1, read: 1 })
  })

  test('info follows the switches', async () => {
    site.switches.mode = 'saml2'
    site.switches.launcher = false
    expect(await call(undefined, 'info')).toMatchObject({
      user_authentication_method: 'saml2',
      authentication_app_session_launcher_enabled: false,
    })
  })

  test('get_session_token gives a script its own session, and a session itself', async () => {
    const { session_id: token } = (await call(script, 'get_session_token')) as { session_id: string }
    expect(site.sessions()).toMatchObject([
      { tokenEnding: token.slice(-4), owner: { type: 'ApiUser', login: 'identity-broker' }, createdBy: 'script' },
    ])
    expect(await call({ session_token: token, reject_if_expired: true }, 'get_session_token')).toEqual({
      session_id: token,
    })
  })

  test('preferences are all there, or the ones asked for', async () => {
    expect(await call(script, 'preferences_read', { prefs: [] })).toMatchObject({ hours_per_day: 8 })
    expect(await call(script, 'preferences_read', { prefs: ['duration_units', 'unknown'] })).toEqual({
      duration_units: 'days',
    })
  })

  test('the websocket secret is for sessions only, and stays the same for an id', async () => {
    const session = { session_token: site.mintSession('artist'), reject_if_expired: true }
    const secret = await call(session, 'retrieve_ws_server_secret', { ws_server_id: '12345' })
    expect(secret).toEqual({ ws_server_secret: expect.stringMatching(/^[\w-]{43}$/) })
    expect(await call(session, 'retrieve_ws_server_secret', { ws_server_id: '12345' })).toEqual(secret)
    await expect(call(session, 'retrieve_ws_server_secret', { ws_server_id: 1 })).rejects.toMatchObject({ code: 103 })
    await expect(call(script, 'retrieve_ws_server_secret', { ws_server_id: '12345' })).rejects.toMatchObject({
      code: 104,
    })
  })

  test('an unknown type and an unknown field are named', async () => {
    await expect(call(script, 'read', findParams('TankType', []))).rejects.toMatchObject({
      code: 103,
      message: expect.stringMatching(/^API read\(\) invalid\/missing string entity 'type':\n\{"type" => "TankType"/),
    })
    await expect(call(script, 'schema_field_read', { type: 'Shot', field_name: 'nope' })).rejects.toMatchObject({
      message: "API schema_field_read() Shot.nope doesn't exist.",
    })
  })

  test('paging that is no number is refused in the words of the site', async () => {
    const params = { ...findParams('Project', []), paging: { current_page: 'foo', entities_per_page: 1 } }
    await expect(call(script, 'read', params)).rejects.toMatchObject({
      code: 103,
      message: expect.stringContaining("API read() invalid/missing integer 'paging' 'current_page':"),
    })
  })

  test('text shorter than three characters is not searched', async () => {
    const params = { text: 'ab', entity_types: { Shot: { logical_operator: 'and', conditions: [] } } }
    await expect(call(script, 'query_display_name_cache', params)).rejects.toMatchObject({ code: 103 })
  })

  test('last visits are each person’s own, and a script names whose it means', async () => {
    const artist = { session_token: site.mintSession('artist') }
    const admin = { session_token: site.mintSession('admin') }
    const visited = async (auth: Record<string, unknown>) => {
      const [project] = await find(site.url, auth, 'Project', [['id', 'is', 101]], ['last_accessed_by_current_user'])
      return project?.['last_accessed_by_current_user']
    }
    const method = 'update_project_last_accessed_by_current_user'
    await call(script, method, { project_id: 101, user_id: site.person('artist').id })
    expect(await visited(artist)).toEqual(expect.any(String))
    expect(await visited(admin)).toBeNull()
    await expect(call(script, method, { project_id: 101 })).rejects.toMatchObject({ code: 103 })
    await expect(call(artist, method, { project_id: 108 })).rejects.toMatchObject({ code: 104 })
  })
})

describe('beside the API', () => {
  test('usage metrics are taken, with the slash tk-core puts behind the path', async () => {
    const body = JSON.stringify({ auth_args: { session_token: 'x' }, metrics: [] })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${site.url}/api3/track_metrics/`, { method: 'POST', headers, body })).status).toBe(200)
  })

  test('the app store script goes to good sessions only: an ended one is 403, on which tk-core renews', async () => {
    const fetchScript = (token: string) =>
      fetch(`${site.url}/api3/sgtk_install_script`, {
        method: 'POST',
        body: new URLSearchParams({ session_token: token }),
      })
    expect(await (await fetchScript(site.mintSession('artist'))).json()).toEqual({
      script_name: expect.any(String),
      script_key: expect.any(String),
    })
    const token = site.mintSession('artist')
    site.expireSessions()
    for (const ended of [token, 'nope']) expect((await fetchScript(ended)).status).toBe(403)
  })
})
