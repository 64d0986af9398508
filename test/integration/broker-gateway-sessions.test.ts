import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeParts } from '../../src/broker/parts.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { idIn, sendForm } from '../sandbox/site/shotgun-api3-forms.ts'
import { callRpc, create, find, WireFault } from '../sandbox/site/shotgun-api3-wire.ts'
import { BrokerCommand } from './broker-command.ts'
import { GatewayStage, type SessionAuth } from './gateway-stage.ts'
import { codeOf, nodeFetch, rules, silentLog } from './world.ts'

let stage: GatewayStage
beforeEach(async () => {
  stage = await GatewayStage.open()
})
afterEach(() => stage.close())

/** `ok`, or the code of the fault. */
const outcome = (auth: SessionAuth, on = stage): Promise<string | number> =>
  find(on.url, auth, 'Project', []).then(
    () => 'ok',
    (thrown: unknown) => {
      if (thrown instanceof WireFault) return thrown.code
      throw thrown
    },
  )
const minute = 60_000
const hour = 60 * minute
const lastRow = async () => (await stage.exchanges.auditRows()).at(-1)

describe('a gateway session', () => {
  test('is kept as a hash only', async () => {
    const artist = await stage.session()
    const rows = await stage.database.selectFrom('gateway_session').selectAll().execute()
    expect(rows).toMatchObject([{ login: 'artist@studio.example', ended_at: null }])
    expect(JSON.stringify(rows)).not.toContain(artist.session_token)
    expect(artist.session_token).toMatch(/^[\w-]{43}$/)
  })

  test('is listed for an operator, who ends it with a row in the audit', async () => {
    const artist = await stage.session()
    const command = await BrokerCommand.of(stage.world)
    expect((await command.run('sessions', 'list')).stdout).toContain('artist@studio.example')
    expect(await command.run('sessions', 'end', '--login', 'supervisor')).toMatchObject({ status: 56 })
    expect(await outcome(artist)).toBe('ok')
    expect(await command.run('sessions', 'end', '--login', 'artist@studio.example')).toMatchObject({
      status: 0,
      stdout: '1 ended\n',
    })
    expect(await outcome(artist)).toBe(102)
    expect(await lastRow()).toMatchObject({ event: 'gateway', detail: 'sessions ended', outcome: 'done' })
    expect((await command.run('sessions', 'list')).stdout).not.toContain('artist@studio.example')
  })

  test('ends when nobody uses it for as long as the site would keep it', async () => {
    await stage.close()
    stage = await GatewayStage.open({ broker: { sessionLifetimeS: 3600 } })
    const artist = await stage.session()
    stage.clock.advance(hour - 1000)
    expect(await outcome(artist)).toBe('ok')
    stage.clock.advance(hour - 1000)
    expect(await outcome(artist)).toBe('ok')
    stage.clock.advance(hour + 1000)
    expect(await outcome(artist)).toBe(102)
  })

  test('is not prolonged by calls that are refused', async () => {
    await stage.close()
    stage = await GatewayStage.open({ broker: { sessionLifetimeS: 3600 } })
    const artist = await stage.session()
    stage.clock.advance(hour - 1000)
    const refused = { ...artist, sudo_as_login: 'admin' }
    expect(await outcome(refused)).toBe(102)
    stage.clock.advance(2000)
    expect(await outcome(artist)).toBe(102)
  })

  test('ends after a day, whatever its use', async () => {
    const artist = await stage.session()
    for (let hours = 2; hours < 24; hours += 2) {
      stage.clock.advance(2 * hour)
      expect(await outcome(artist)).toBe('ok')
    }
    stage.clock.advance(2 * hour)
    expect(await outcome(artist)).toBe(102)
  })

  test('has its use written down every five minutes at most', async () => {
    const artist = await stage.session()
    const usedAt = async () =>
      (await stage.database.selectFrom('gateway_session').select('used_at').executeTakeFirstOrThrow()).used_at
    const first = await usedAt()
    stage.clock.advance(4 * minute)
    await outcome(artist)
    expect(await usedAt()).toBe(first)
    stage.clock.advance(minute)
    await outcome(artist)
    expect(await usedAt()).toBeGreaterThanOrEqual(first + 5 * minute)
  })

  test('outlives a restart of the broker, and leaves the table a day after it began', async () => {
    const artist = await stage.session()
    await stage.world.restartBroker()
    expect(await outcome(artist)).toBe('ok')
    const dayAgo = stage.clock.now() - 24 * hour - 1000
    await stage.database.updateTable('gateway_session').set({ created_at: dayAgo }).execute()
    await stage.session('supervisor')
    const rows = await stage.database.selectFrom('gateway_session').select('login').execute()
    expect(rows).toEqual([{ login: 'supervisor' }])
  })

  test('is limited in its calls', async () => {
    await stage.close()
    stage = await GatewayStage.open({ limits: { callsPerSession: { most: 3, seconds: 60 } } })
    const [artist, supervisor] = [await stage.session(), await stage.session('supervisor')]
    const outcomes = [await outcome(artist), await outcome(artist), await outcome(artist), await outcome(artist)]
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 100])
    expect(await outcome(supervisor)).toBe('ok')
  })

  test('cannot be guessed without end, nor can the audit be filled', async () => {
    await stage.close()
    stage = await GatewayStage.open({ limits: { requestsPerAddress: { most: 20, seconds: 60 } } })
    const artist = await stage.session()
    const guess = { ...artist, session_token: 'A'.repeat(43) }
    for (let turn = 0; turn < 20; turn += 1) expect(await outcome(guess)).toBe(102)
    expect(await outcome(guess)).toBe(100)
    const rows = (await stage.exchanges.auditRows()).length
    expect(await outcome({ ...artist, sudo_as_login: 'admin' } as SessionAuth)).toBe(100)
    expect((await stage.exchanges.auditRows()).length).toBe(rows)
    expect(await outcome(artist)).toBe('ok')
  })
})

describe('while the session lives, within a minute', () => {
  const artistRow = () => stage.site.person('artist')
  test.each([
    ['disabled', 'account_disabled', () => Object.assign(artistRow(), { status: 'dis' })],
    ['deleted', 'account_disabled', () => Object.assign(artistRow(), { retired: true })],
    ['closed to impersonation', 'account_disabled', () => Object.assign(artistRow(), { canImpersonate: false })],
    ['made an administrator', 'privileged_account', () => Object.assign(artistRow(), { role: 'admin' })],
  ])('a person who is %s is shut out, and stays so', async (_what, code, change) => {
    const artist = await stage.session()
    expect(await outcome(artist)).toBe('ok')
    change()
    stage.clock.advance(minute)
    expect(await outcome(artist)).toBe(102)
    expect(await lastRow()).toMatchObject({ event: 'gateway', outcome: code, login: 'artist@studio.example' })
    Object.assign(artistRow(), { status: 'act', retired: false, canImpersonate: true, role: 'artist' })
    stage.clock.advance(minute)
    expect(await outcome(artist)).toBe(102)
    expect(await outcome(await stage.session())).toBe('ok')
  })

  test('a person the site refuses to act for is judged at once', async () => {
    const artist = await stage.session()
    expect(await outcome(artist)).toBe('ok')
    artistRow().status = 'dis'
    expect(await outcome(artist)).toBe(102)
    expect(await lastRow()).toMatchObject({ outcome: 'account_disabled' })
  })

  test('an account that is linked to nobody any more is shut out', async () => {
    const artist = await stage.session()
    expect(await outcome(artist)).toBe('ok')
    await stage.database.deleteFrom('person').execute()
    // At once: for that no site has to be asked.
    expect(await outcome(artist)).toBe(102)
    expect(await lastRow()).toMatchObject({ outcome: 'account_not_mapped' })
  })

  test('a person with a new login goes on under the new one', async () => {
    const artist = await stage.session()
    artistRow().login = 'artist-renamed'
    stage.clock.advance(minute)
    const note = await create(stage.url, artist, 'Note', { project: { type: 'Project', id: 101 } }, 'created_by')
    expect(note['created_by']).toMatchObject({ id: artistRow().id })
  })

  test('a site that cannot be asked ends nothing', async () => {
    const artist = await stage.session()
    stage.clock.advance(minute)
    stage.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 500 } })
    expect(await outcome(artist)).toBe(100)
    stage.site.faults.clear()
    expect(await outcome(artist)).toBe('ok')
  })
})

describe('the kill switch', () => {
  test('works at once, and back again', async () => {
    const artist = await stage.session()
    expect(await outcome(artist)).toBe('ok')
    await stage.database
      .insertInto('stop')
      .values({ scope: stage.site.url, reason: 'drill', stopped_by: 'operator', stopped_at: 1 })
      .execute()
    expect(await outcome(artist)).toBe(100)
    await expect(callRpc(stage.url, undefined, 'info')).rejects.toMatchObject({ code: 100 })
    expect((await fetch(`${stage.url}/api/v1/`)).status).toBe(503)
    const form = { grant_type: 'session_token', session_token: artist.session_token }
    const grant = { method: 'POST', body: new URLSearchParams(form) }
    expect((await fetch(`${stage.url}/api/v1/auth/access_token`, grant)).status).toBe(503)
    expect((await sendForm(stage.url, '/upload/share_thumbnail', artist, {})).text).toMatch(/^0\nstopped by operator/)
    const headers = { cookie: `_session_id=${artist.session_token}` }
    expect((await fetch(`${stage.url}/file_serve/attachment/1`, { headers })).status).toBe(503)
    await stage.database.deleteFrom('stop').execute()
    expect(await outcome(artist)).toBe('ok')
  })

  test('has a small sister: an operator ends the sessions of one person, and the audit says who', async () => {
    const [artist, supervisor] = [await stage.session(), await stage.session('supervisor')]
    const { config, database } = stage.world.broker
    const { gatewaySessions, auditLog } = makeParts(
      config,
      database,
      { fetch: nodeFetch, clock: stage.clock, log: silentLog },
      rules,
    )
    const [policy] = config.sites
    if (!policy) throw new Error('there is no site')
    const logins = async () => (await gatewaySessions.list(policy)).map(({ login }) => login).sort()
    expect(await logins()).toEqual(['artist@studio.example', 'supervisor'])
    const { id } = stage.site.person('artist')
    expect(await gatewaySessions.endAllOf(policy.url, id, 'operator', auditLog)).toBe(1)
    expect(await gatewaySessions.endAllOf(policy.url, id, 'operator', auditLog)).toBe(0)
    expect(await logins()).toEqual(['supervisor'])
    expect([await outcome(artist), await outcome(supervisor)]).toEqual([102, 'ok'])
    expect(await lastRow()).toMatchObject({ event: 'gateway', actor: 'operator', outcome: 'done', user_id: id })
    stage.clock.advance(25 * hour)
    expect(await logins()).toEqual([])
  })
})

describe('a site that takes no notice of sudo_as_login', () => {
  test('gets no gateway session', async () => {
    stage.site.switches.rpcSudo = 'ignored'
    expect(await codeOf(stage.session())).toBe('session_owner_mismatch')
    expect(await lastRow()).toMatchObject({ outcome: 'session_owner_mismatch' })
    stage.site.switches.rpcSudo = 'honoured'
    expect(await outcome(await stage.session())).toBe('ok')
  })

  test('is found out within the hour, while sessions live', async () => {
    const artist = await stage.session()
    stage.site.switches.rpcSudo = 'ignored'
    stage.clock.advance(hour)
    expect(await outcome(artist)).toBe(100)
    stage.site.switches.rpcSudo = 'honoured'
    expect(await outcome(artist)).toBe('ok')
  })

  test('is asked once an hour, not at every sign-in', async () => {
    await stage.session()
    const reads = () => stage.site.web.requests.length
    const before = reads()
    await stage.session()
    const second = reads() - before
    // Only the clock that nobody sets: Autodesk's tokens are of today.
    stage.clock.advance(hour)
    stage.clock.jump(-hour)
    await stage.session()
    expect(reads() - before - second).toBe(second + 2)
  })

  test('and says neither yes nor no, is not believed', async () => {
    await stage.close()
    let calls = 0
    stage = await GatewayStage.open({
      brokerFetch: async (url, init) => {
        const isAboutNobody = String(init.body).includes('"sudo_as_login":"nobody-')
        if (isAboutNobody) calls += 1
        return isAboutNobody
          ? Response.json({ exception: true, message: 'Server Error', error_code: 100 })
          : nodeFetch(url, init)
      },
    })
    expect(await codeOf(stage.session())).toBe('temporarily_unavailable')
    expect(calls).toBe(1)
  })
})

describe('two sites behind one broker', () => {
  test('with addresses of their own: a session of one is none at the other’s address', async () => {
    await stage.close()
    stage = await GatewayStage.open({ twoSites: true, secondBroker: { gatewayUrl: 'http://other.gateway.example' } })
    const second = await stage.session('artist', stage.world.secondSite?.url)
    expect(await outcome(second)).toBe(102)
    expect(await outcome(await stage.session())).toBe('ok')
  })

  test('with one address for both nobody gets a gateway session: "info" could not tell them apart', async () => {
    await stage.close()
    stage = await GatewayStage.open({ twoSites: true })
    expect(await codeOf(stage.session())).toBe('config_invalid')
  })
})

describe('administrators', () => {
  test('are refused (Keycloak CVE-2026-17526: an impersonator could impersonate an administrator)', async () => {
    expect(await codeOf(stage.session('admin'))).toBe('privileged_account')
    expect(await stage.database.selectFrom('gateway_session').selectAll().execute()).toEqual([])
  })

  test('whom the policy names read what the site says about making people active', async () => {
    await stage.close()
    stage = await GatewayStage.open({ broker: { allowPrivileged: ['admin'] } })
    const admin = await stage.session('admin')
    const { id } = stage.site.person('disabled')
    const params = { type: 'HumanUser', id, fields: [{ field_name: 'sg_status_list', value: 'act' }] }
    await expect(callRpc(stage.url, admin, 'update', params)).rejects.toThrow(
      /only for Identity Users.*administrator in person, with passphrase and Personal Access Token/,
    )
  })
})

describe('a change of script keys', () => {
  const old = { name: 'retired-broker', key: new Secret('script-key-of-yesterday') }
  const current = { name: 'identity-broker', key: new Secret('script-key-with-sudo') }
  test('goes unnoticed: what the site refuses of one script, the other does', async () => {
    await stage.close()
    stage = await GatewayStage.open({ broker: { scripts: [old, current] } })
    const artist = await stage.session()
    expect(await outcome(artist)).toBe('ok')
    // A broker that has just started knows nothing of which one the site took.
    await stage.world.restartBroker()
    expect(await outcome(artist)).toBe('ok')
    await stage.world.restartBroker()
    const [version] = await find(stage.site.url, { session_token: stage.site.mintSession('artist') }, 'Version', [])
    const form = { entity_type: 'Version', entity_id: version?.id, display_name: 'x' }
    const file = { field: 'file', filename: 'x.bin', contentType: 'application/zip', bytes: new Uint8Array([1]) }
    expect(idIn(await sendForm(stage.url, '/upload/upload_file', artist, form, file))).toBeGreaterThan(0)
  })

  test('to a key the site does not take is no reason for a new sign-in', async () => {
    let isWrong = false
    await stage.close()
    stage = await GatewayStage.open({
      brokerFetch: (url, init) => {
        const isPassedOn =
          isWrong && String(init.body).includes('"read"') && String(init.body).includes('"sudo_as_login"')
        if (!isPassedOn) return nodeFetch(url, init)
        return nodeFetch(url, { ...init, body: String(init.body).replace('script-key-with-sudo', 'wrong') })
      },
    })
    const artist = await stage.session()
    isWrong = true
    const fault = await callRpc(stage.url, artist, 'read', {}).catch((thrown: unknown) => thrown)
    expect(fault).toMatchObject({ code: 100 })
    expect(String(fault)).not.toContain('identity-broker')
    isWrong = false
    expect(await outcome(artist)).toBe('ok')
  })
})

describe('the log', () => {
  test('has a line a call: who called what, and nothing of what was said', async () => {
    const lines: unknown[] = []
    const info = (...line: unknown[]): void => void lines.push(line)
    await stage.close()
    stage = await GatewayStage.open({ brokerLog: { ...silentLog, info } })
    const artist = await stage.session()
    await create(stage.url, artist, 'Note', { project: { type: 'Project', id: 101 }, subject: 'not for the log' })
    // The answer may be here before its line is written.
    await expect
      .poll(() => lines.at(-1))
      .toMatchObject([
        { method: 'create', site: stage.site.url, login: 'artist@studio.example', status: 200, ms: expect.any(Number) },
        'gateway call',
      ])
    const text = JSON.stringify(lines)
    for (const secret of ['not for the log', artist.session_token, 'script-key-with-sudo']) {
      expect(text).not.toContain(secret)
    }
  })
})
