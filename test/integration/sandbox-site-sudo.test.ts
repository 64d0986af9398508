import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite()
})
afterEach(() => site.close())

const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
const as = (login: string) => ({ ...script, sudo_as_login: login })
const tokenFor = async (login: string) => {
  const answer = await callRpc(site.url, as(login), 'get_session_token')
  return (answer as { session_id: string }).session_id
}
const ownerOf = (token: string) => site.sessions().find(({ tokenEnding }) => tokenEnding === token.slice(-4))?.owner

const refusals = [
  ['nobody', 'ghost', 102, "Cannot 'sudo' - unknown or retired user: 'ghost'"],
  [
    'an e-mail',
    'supervisor@studio.example',
    102,
    "Cannot 'sudo' - unknown or retired user: 'supervisor@studio.example'",
  ],
  [
    'somebody inactive',
    'disabled@studio.example',
    102,
    "Cannot 'sudo' - inactive user account: 'disabled@studio.example'",
  ],
  [
    'somebody who may not be impersonated',
    'no-impersonation@studio.example',
    102,
    "Cannot 'sudo' - user account has 'can_impersonate_this_user' turned off: 'no-impersonation@studio.example'",
  ],
] as const

describe('refusals', () => {
  test.each(refusals)('to act as %s is refused, on every call', async (_who, login, code, message) => {
    await expect(callRpc(site.url, as(login), 'get_session_token')).rejects.toMatchObject({ code, message })
    await expect(find(site.url, as(login), 'Shot', [])).rejects.toMatchObject({ code, message })
    expect(site.sessions()).toEqual([])
  })

  test('a script without the right, and every person, get a plain fault', async () => {
    const noRight = {
      script_name: 'nightly-report',
      script_key: 'script-key-without-sudo',
      sudo_as_login: 'supervisor',
    }
    const admin = { session_token: site.mintSession('admin'), sudo_as_login: 'supervisor' }
    for (const auth of [noRight, admin]) {
      await expect(find(site.url, auth, 'Shot', [])).rejects.toMatchObject({
        code: 104,
        message: expect.stringMatching(/^The user does not have permission to 'sudo':/),
      })
    }
  })

  test('a login that was given away means its present holder', async () => {
    site.switches.sudoSessionOwner = 'human'
    expect(ownerOf(await tokenFor('reused'))).toMatchObject({ id: site.person('reused').id })
  })
})

describe('whose session get_session_token makes', () => {
  test('by default the script’s: the dangerous reading', async () => {
    const token = await tokenFor('supervisor')
    expect(ownerOf(token)).toMatchObject({ type: 'ApiUser', login: 'identity-broker' })
    expect(await find(site.url, { session_token: token }, 'Project', [])).toHaveLength(8)
    expect(await find(site.url, { session_token: token }, 'ApiUser', [])).toHaveLength(2)
  })

  test('the person’s, when the switch says human', async () => {
    site.switches.sudoSessionOwner = 'human'
    const token = await tokenFor('artist@studio.example')
    expect(ownerOf(token)).toMatchObject({ type: 'HumanUser', login: 'artist@studio.example' })
    expect(await find(site.url, { session_token: token }, 'Project', [])).toHaveLength(2)
  })

  test('some other active person’s, when the switch says wrong', async () => {
    site.switches.sudoSessionOwner = 'wrong'
    for (const login of ['artist@studio.example', 'supervisor']) {
      const owner = ownerOf(await tokenFor(login))
      expect(owner?.type).toBe('HumanUser')
      expect(owner?.login).not.toBe(login)
    }
  })

  test('the script’s without any check, when the switch says ignored', async () => {
    site.switches.sudoSessionOwner = 'ignored'
    for (const login of ['supervisor', 'ghost', 'disabled@studio.example']) {
      expect(ownerOf(await tokenFor(login))).toMatchObject({ type: 'ApiUser', login: 'identity-broker' })
    }
    await expect(find(site.url, as('ghost'), 'Shot', [])).rejects.toMatchObject({ code: 102 })
  })

  test('REST tells whose it is: the bearer of a script’s session names the script', async () => {
    const session = await tokenFor('supervisor')
    const answer = await fetch(`${site.url}/api/v1/auth/access_token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'session_token', session_token: session }),
    })
    const { access_token: bearer } = (await answer.json()) as { access_token: string }
    const claims = JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ user: { type: 'ApiUser' }, auth_type: 'session_token', sudo_as_login: null })
  })
})

describe('whom a REST bearer of script and scope acts for', () => {
  test.each([
    ['honoured', 'supervisor'],
    ['ignored', null],
    ['wrong', 'artist@studio.example'],
  ] as const)('is as the switch says: %s', async (restSudo, login) => {
    site.switches.restSudo = restSudo
    const answer = await fetch(`${site.url}/api/v1/auth/access_token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'identity-broker',
        client_secret: 'script-key-with-sudo',
        scope: 'sudo_as_login:supervisor',
      }),
    })
    site.switches.restSudo = 'honoured'
    const { access_token: bearer } = (await answer.json()) as { access_token: string }
    const claims = JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ user: { type: 'ApiUser' }, sudo_as_login: login })
  })
})

describe('permissions', () => {
  test('the target’s apply: an artist sees their projects, what is in them, and no scripts', async () => {
    const artist = as('artist@studio.example')
    expect(await find(site.url, artist, 'Project', [])).toHaveLength(2)
    expect(await find(site.url, artist, 'Shot', [])).toHaveLength(12)
    expect(await find(site.url, script, 'Shot', [])).toHaveLength(48)
    await expect(find(site.url, artist, 'ApiUser', [])).rejects.toMatchObject({
      code: 104,
      message: expect.stringContaining('Entity of type ApiUser can not be accessed by this user. Rule: Artist'),
    })
    expect(await find(site.url, as('admin'), 'ApiUser', [])).toHaveLength(2)
  })

  test('what is hidden stays hidden behind links and dotted paths', async () => {
    const artist = as('artist@studio.example')
    const [supervisor] = await find(site.url, artist, 'HumanUser', [['login', 'is', 'supervisor']], ['projects'])
    expect(supervisor?.['projects']).toHaveLength(2)
    const inHidden = [['projects.Project.name', 'is', 'Heron Lake']]
    expect(await find(site.url, artist, 'HumanUser', inHidden)).toEqual([])
    expect(await find(site.url, script, 'HumanUser', inHidden)).not.toEqual([])
  })

  test('a person who sees all projects but is no admin still sees them all', async () => {
    expect(await find(site.url, as('supervisor'), 'Project', [])).toHaveLength(8)
  })
})
