import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const passphrase = 'legacy-passphrase'
const logIn = (login: string, password = passphrase, extra: Record<string, unknown> = {}) =>
  callRpc(site.url, { user_login: login, user_password: password, ...extra }, 'get_session_token')

describe('on an Identity site', () => {
  test('passphrase and bound token together sign in, and the session is the person’s', async () => {
    await logIn('supervisor')
    expect(site.sessions()).toMatchObject([
      { owner: { type: 'HumanUser', login: 'supervisor' }, createdBy: 'password' },
    ])
  })

  test.each([
    ['no Personal Access Token', 'no-pat'],
    ['a deleted Personal Access Token', 'deleted-pat'],
    ['no passphrase', 'no-passphrase@studio.example'],
    ['a disabled account', 'disabled@studio.example'],
    ['an account of another site', 'ghost'],
    ['an e-mail that is not the login', 'supervisor@studio.example'],
  ])('%s is refused with code 102, or 110 where the switch says so', async (_what, login) => {
    await expect(logIn(login)).rejects.toMatchObject({ code: 102, message: `Can't authenticate user '${login}'` })
    site.switches.oxygenPasswordFault = 110
    await expect(logIn(login)).rejects.toMatchObject({ code: 110 })
  })

  test('a second factor makes no difference there', async () => {
    await expect(logIn('two-factor')).resolves.toBeTypeOf('object')
  })

  test('a token bound later opens the door', async () => {
    site.person('no-pat').pat = 'bound'
    await expect(logIn('no-pat')).resolves.toBeTypeOf('object')
  })
})

describe('on a site with passwords of its own', () => {
  beforeEach(() => {
    site.switches.mode = 'default'
  })

  test('the passphrase is enough, without any token', async () => {
    await expect(logIn('no-pat')).resolves.toBeTypeOf('object')
  })

  test('a token that was bound and then deleted is in the way there already, but not of a browser', async () => {
    await expect(logIn('deleted-pat')).rejects.toMatchObject({ code: 102 })
    const form = new URLSearchParams({ login: 'deleted-pat', passphrase })
    const answer = await fetch(`${site.url}/user/login`, { method: 'POST', body: form, redirect: 'manual' })
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([303, expect.stringContaining('_session_id=')])
  })

  test('a second factor that was not sent is asked for with code 106, a wrong one is a failed login', async () => {
    await expect(logIn('two-factor')).rejects.toMatchObject({ code: 106 })
    await expect(logIn('two-factor', passphrase, { auth_token: '' })).rejects.toMatchObject({ code: 106 })
    await expect(logIn('two-factor', passphrase, { auth_token: '000000' })).rejects.toMatchObject({
      code: 102,
      message: "Can't authenticate user 'two-factor'",
    })
    await expect(logIn('two-factor', passphrase, { auth_token: '246810' })).resolves.toBeTypeOf('object')
    await expect(logIn('two-factor', 'wrong', { auth_token: '246810' })).rejects.toMatchObject({ code: 102 })
  })

  test('the fifth wrong passphrase locks the account for five minutes', async () => {
    for (let attempt = 1; attempt <= 4; attempt += 1) await logIn('supervisor', 'wrong').catch(() => undefined)
    await expect(logIn('supervisor')).resolves.toBeTypeOf('object')
    for (let attempt = 1; attempt <= 5; attempt += 1) await logIn('supervisor', 'wrong').catch(() => undefined)
    await expect(logIn('supervisor')).rejects.toMatchObject({
      code: 102,
      message: "Can't authenticate user 'supervisor'",
    })
    expect(site.person('supervisor').lockedUntil).toEqual(expect.any(String))
    site.clock.advance(5 * 60_000)
    await expect(logIn('supervisor')).resolves.toBeTypeOf('object')
  })

  test('wrong second factors lock an account like wrong passphrases', async () => {
    const guess = () => logIn('two-factor', passphrase, { auth_token: '000000' })
    for (let attempt = 1; attempt <= 5; attempt += 1) await guess().catch(() => undefined)
    await expect(logIn('two-factor', passphrase, { auth_token: '246810' })).rejects.toMatchObject({ code: 102 })
  })

  test('a script unlocks an account by clearing locked_until, as the official tests do', async () => {
    for (let attempt = 1; attempt <= 5; attempt += 1) await logIn('supervisor', 'wrong').catch(() => undefined)
    const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
    const fields = [{ field_name: 'locked_until', value: null }]
    await callRpc(site.url, script, 'update', { type: 'HumanUser', id: site.person('supervisor').id, fields })
    await expect(logIn('supervisor')).resolves.toBeTypeOf('object')
  })

  test('the reused login is the live row’s, never the retired one’s', async () => {
    await logIn('reused')
    expect(site.sessions()).toMatchObject([{ owner: { id: site.person('reused').id } }])
  })
})

test('an SSO site takes no password at all', async () => {
  site.switches.mode = 'saml2'
  await expect(logIn('supervisor')).rejects.toMatchObject({ code: 108 })
  await expect(logIn('ghost')).rejects.toMatchObject({ code: 108 })
})

describe('a Personal Access Token on a site that has not moved', () => {
  beforeEach(() => {
    site.switches.mode = 'default'
  })

  test('is checked where it is set, and nobody else is asked for one', async () => {
    await expect(logIn('supervisor')).resolves.toBeTypeOf('object')
    await expect(logIn('no-pat')).resolves.toBeTypeOf('object')
    await expect(logIn('deleted-pat')).rejects.toMatchObject({ code: 102 })
  })

  test('is looked at by nobody where the switch says so', async () => {
    site.switches.checksBoundTokens = false
    await expect(logIn('deleted-pat')).resolves.toBeTypeOf('object')
  })

  test('that was used is believed for a while after it was deleted, unless it was cleared in between', async () => {
    site.switches.tokenBelievedS = 3600
    const person = site.person('supervisor')
    await logIn('supervisor')
    person.pat = 'deleted'
    await expect(logIn('supervisor')).resolves.toBeTypeOf('object')
    site.clock.advance(3_601_000)
    await expect(logIn('supervisor')).rejects.toMatchObject({ code: 102 })
    person.pat = 'bound'
    await logIn('supervisor')
    person.pat = 'none'
    person.pat = 'deleted'
    await expect(logIn('supervisor')).rejects.toMatchObject({ code: 102 })
  })
})
