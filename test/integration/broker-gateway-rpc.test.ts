import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  callRpc,
  create,
  find,
  listed,
  payload,
  sendRpc,
  update,
  WireFault,
} from '../sandbox/site/shotgun-api3-wire.ts'
import { GatewayStage, type SessionAuth, sendRaw } from './gateway-stage.ts'

let stage: GatewayStage
let artist: SessionAuth
beforeAll(async () => {
  stage = await GatewayStage.open()
  artist = await stage.session()
})
afterAll(() => stage.close())
afterEach(() => {
  stage.exchanges.clearFaults()
  stage.site.switches.rpcSudo = 'honoured'
})

const faultOf = async (call: Promise<unknown>): Promise<[code: number, message: string]> => {
  try {
    await call
  } catch (thrown) {
    if (thrown instanceof WireFault) return [thrown.code, thrown.message]
    throw thrown
  }
  throw new Error('it was not refused')
}
const codeOf = async (call: Promise<unknown>) => (await faultOf(call))[0]
const read = (auth: SessionAuth = artist) => find(stage.url, auth, 'Project', [], ['name'])
const project = { type: 'Project', id: 101 }

describe('shotgun_api3 at the broker’s address', () => {
  test('sees what the person sees, and nothing of what the script sees', async () => {
    expect(await read()).toHaveLength(2)
    expect(await find(stage.url, artist, 'Shot', [])).toHaveLength(12)
  })

  test('writes as the person: created_by, and an event log that names person, script and session', async () => {
    const note = await create(stage.url, artist, 'Note', { project, subject: 'Checked' }, 'created_by')
    const { id } = stage.site.person('artist')
    expect(note['created_by']).toMatchObject({ type: 'HumanUser', id })
    await update(stage.url, artist, { type: 'Note', id: note.id }, { content: 'Looks good.' })
    const issued = (await stage.exchanges.auditRows()).findLast(({ outcome }) => outcome === 'issued')
    expect(issued).toMatchObject({ shape: 'gateway', login: 'artist@studio.example' })
    for (const type of ['Shotgun_Note_New', 'Shotgun_Note_Change']) {
      const event = stage.site.eventLog().findLast((row) => row.event_type === type)
      expect(event).toMatchObject({
        user: { type: 'HumanUser', id },
        meta: { sudo_actual_user: { type: 'ApiUser' } },
        session_uuid: issued?.session_uuid,
      })
    }
  })

  test('runs a batch', async () => {
    const request = { request_type: 'create', type: 'Note', fields: listed({ project, subject: 'One of two' }) }
    expect(await callRpc(stage.url, artist, 'batch', [request, request])).toHaveLength(2)
  })

  test('learns what the site is without credentials, from the very bytes of the site', async () => {
    const [mine, theirs] = await Promise.all(
      [stage.url, stage.site.url].map((url) => sendRpc(url, payload('info', undefined))),
    )
    expect(mine?.body).toBe(theirs?.body)
  })

  test('asked for a session token it gets its own: the site is never asked for one', async () => {
    const before = stage.site.calls.get('get_session_token')
    expect(await callRpc(stage.url, artist, 'get_session_token')).toEqual({ session_id: artist.session_token })
    expect(stage.site.calls.get('get_session_token')).toBe(before)
  })

  test('may send extras: product, and a session_uuid that is not believed', async () => {
    const auth = { ...artist, product: 'rv', session_uuid: '00000000-0000-4000-8000-000000000000' }
    const note = await create(stage.url, auth, 'Note', { project, subject: 'Extras' })
    const event = stage.site.eventLog().findLast(({ entity }) => entity?.id === note.id)
    expect(event?.session_uuid).not.toBe(auth.session_uuid)
  })

  test('hears the site’s own faults', async () => {
    const [code, message] = await faultOf(find(stage.url, artist, 'Project', [['no_such_field', 'is', 1]]))
    expect(code).toBe(103)
    expect(message).toContain('no_such_field')
  })

  test('gets an answer of several megabytes as it comes', async () => {
    const request = { request_type: 'create', type: 'Note', fields: listed({ project, subject: 'x'.repeat(60_000) }) }
    const rows = await callRpc(stage.url, artist, 'batch', Array(60).fill(request))
    expect(JSON.stringify(rows).length).toBeGreaterThan(3_000_000)
  })
})

describe('calling as somebody else', () => {
  test.each([
    ['sudo_as_login', { sudo_as_login: 'admin' }],
    ['sudo_as_login', { sudo_as_login: null }],
    ['script_name', { script_name: 'identity-broker' }],
    ['script_key', { script_key: 'script-key-with-sudo' }],
    ['user_login', { user_login: 'admin' }],
    ['user_password', { user_password: 'x' }],
    ['auth_token', { auth_token: '123456' }],
  ])('with "%s" beside a good session is refused, and the audit knows by whom', async (field, extra) => {
    const writes = stage.site.calls.get('read')
    expect(await faultOf(callRpc(stage.url, { ...artist, ...extra }, 'read', { type: 'Project' }))).toEqual([
      102,
      expect.stringContaining(`"${field}"`),
    ])
    expect(stage.site.calls.get('read')).toBe(writes)
    expect((await stage.exchanges.auditRows()).at(-1)).toMatchObject({
      event: 'gateway',
      outcome: 'invalid_request',
      subject: 'ARTIST000001',
      site: stage.site.url,
      detail: expect.stringContaining(field),
    })
  })

  test('with the script’s own key is refused, and so is a session of the site itself', async () => {
    const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
    expect(await codeOf(callRpc(stage.url, script, 'read', { type: 'Project' }))).toBe(102)
    const rows = await stage.exchanges.auditRows()
    expect(rows.at(-1)).toMatchObject({ actor: 'unknown', outcome: 'invalid_request', subject: null })
    expect(JSON.stringify(rows)).not.toContain(script.script_key)
    expect(await codeOf(callRpc(stage.url, { session_token: stage.site.mintSession('artist') }, 'read', {}))).toBe(102)
  })

  test('with "sudo_as_login" in the parameters changes nobody: the site does not read it there', async () => {
    const params = { type: 'Note', fields: listed({ project, subject: 'x' }), sudo_as_login: 'admin' }
    const { id } = (await callRpc(stage.url, artist, 'create', params)) as { id: number }
    const [note] = await find(stage.url, artist, 'Note', [['id', 'is', id]], ['created_by'])
    expect(note?.['created_by']).toMatchObject({ id: stage.site.person('artist').id })
  })
})

describe('what is no call', () => {
  test.each([
    ['not JSON', '{'],
    ['an array', '[]'],
    ['no method', '{"params": []}'],
    ['a third parameter', `{"method_name": "read", "params": [{}, {}, {}]}`],
    ['an unknown member', `{"method_name": "read", "params": [{}], "sudo_as_login": "admin"}`],
    ['nested beyond measure', `{"method_name": "read", "params": [{}, ${'['.repeat(30_000)}${']'.repeat(30_000)}1.0]}`],
  ])('(%s) is a fault that sends nobody to the sign-in', async (_name, body) => {
    const answer = await sendRpc(stage.url, body)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ exception: true, error_code: 103 })
  })

  test.each(['authenticate_human_user', 'set_session_token', '__proto__', 'constructor', ''])(
    'the method "%s" is not passed on',
    async (method) => {
      const before = stage.site.web.requests.length
      expect(await codeOf(callRpc(stage.url, artist, method, {}))).toBe(103)
      expect(stage.site.web.requests.length).toBe(before)
    },
  )

  test('a body beyond 32 MiB is not read', async () => {
    const answer = await sendRaw(stage.url, '/api3/json', {
      method: 'POST',
      headers: { host: new URL(stage.url).host, 'content-type': 'application/json', 'content-length': '34000000' },
      body: ' ',
    }).catch((error: Error) => ({ status: 0, body: error.message }))
    expect([413, 0]).toContain(answer.status)
  })
})

describe('a session that is none', () => {
  test.each([
    ['unknown', () => 'A'.repeat(43)],
    ['a challenge of the broker', () => stage.exchanges.challenge()],
    [
      'the hash of a session',
      async () => (await stage.database.selectFrom('gateway_session').selectAll().execute())[0]?.hash ?? '',
    ],
    ['the session_uuid', async () => (await stage.exchanges.auditRows()).at(-1)?.session_uuid ?? 'none'],
  ])('(%s) is fault 102', async (_name, token) => {
    expect(await codeOf(read({ ...artist, session_token: await token() }))).toBe(102)
  })

  test('nor is a gateway session a challenge', async () => {
    const prepared = await stage.exchanges.prepare()
    const challenge = artist.session_token
    await expect(stage.exchanges.exchange(prepared, { challenge })).rejects.toMatchObject({ code: 'proof_rejected' })
  })

  test('none at all is fault 102', async () => {
    expect(await codeOf(callRpc(stage.url, {}, 'read', { type: 'Project' }))).toBe(102)
    expect(await codeOf(callRpc(stage.url, undefined, 'read'))).toBe(102)
  })
})

describe('the address', () => {
  test('with another Host is nowhere', async () => {
    const body = payload('read', artist, { type: 'Project' })
    for (const host of ['evil.example', 'localhost', `${new URL(stage.url).host}.evil.example`, 'a b']) {
      const headers = { host, 'content-type': 'application/json', 'x-forwarded-host': new URL(stage.url).host }
      const { status } = await sendRaw(stage.url, '/api3/json', { method: 'POST', headers, body })
      expect([400, 404], host).toContain(status)
    }
  })

  test('serves nothing beside the API', async () => {
    for (const path of [
      '/api3/json/',
      '/api3/track_metrics/',
      '/api3/sgtk_install_script',
      '/api3',
      '/internal_api/session',
    ]) {
      expect((await sendRaw(stage.url, path, { method: 'POST', body: '{}' })).status, path).toBe(404)
    }
    expect((await sendRaw(stage.url, '/api3/json')).status).toBe(404)
  })
})

describe('a site in trouble', () => {
  test('that leads elsewhere is not followed', async () => {
    const location = 'https://evil.example/'
    stage.site.faults.inject({
      path: '/api3/json',
      does: { kind: 'status', status: 302, headers: { location } },
    })
    const [code, message] = await faultOf(read())
    expect([code, message]).toEqual([100, expect.stringContaining('302')])
  })

  test('that repeats what it was sent tells nobody the script’s key', async () => {
    const key = 'script-key-with-sudo'
    for (const body of [`{"x": "${key}"}`, `<p>${'x'.repeat(40_000)}${key}</p>`]) {
      for (const status of [200, 500]) {
        stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status, body } })
        const answer = await sendRpc(stage.url, payload('read', artist, { type: 'Project' })).catch((error) => error)
        expect(JSON.stringify(answer)).not.toContain(key)
        expect(stage.site.faults.list()).toEqual([])
      }
    }
    expect(await read()).toHaveLength(2)
  })

  test('that breaks off says so, and the session goes on', async () => {
    stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'reset' } })
    expect(await codeOf(read())).toBe(100)
    expect(await read()).toHaveLength(2)
  })

  test('that is down for maintenance says so itself', async () => {
    stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status: 503, body: 'down' } })
    expect(await sendRpc(stage.url, payload('read', artist, { type: 'Project' }))).toMatchObject({
      status: 503,
      body: 'down',
    })
  })
})
