import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/secrets/secret.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { codeOf, startWorld } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.clearFaults())

describe('who is who', () => {
  test('the first match is remembered: a changed address maps to the same person, a taken-over one to nobody', async () => {
    const before = await stage.exchange(await stage.prepare('deleted-pat'))
    stage.world.identity.setAccount('deleted-pat', { email: 'married@studio.example' })
    expect((await stage.exchange(await stage.prepare('deleted-pat'))).user_id).toBe(before.user_id)
    // The old address now belongs to another Autodesk account.
    stage.world.identity.setAccount('stranger', { email: 'deleted-pat@studio.example' })
    expect(await codeOf(stage.exchange(await stage.prepare('stranger')))).toBe('account_ambiguous')
    stage.world.identity.setAccount('stranger', { email: 'stranger@studio.example' })
  })

  test('an address that only looks alike matches nobody', async () => {
    for (const email of [
      'artist+x@studio.example',
      'artist@studio.example.evil.example',
      'rtist@studio.example',
      'аrtist@studio.example',
      '%@studio.example',
      '_rtist@studio.example',
    ]) {
      stage.world.identity.setAccount('stranger', { email })
      expect(await codeOf(stage.exchange(await stage.prepare('stranger')))).toBe('account_not_mapped')
    }
    stage.world.identity.setAccount('stranger', { email: 'stranger@studio.example' })
  })

  test('an address that is empty, or none, matches nobody: not even a user without one', async () => {
    const people = `${stage.world.site.url}/sandbox/people/no-passphrase`
    const patch = (email: string) => fetch(people, { method: 'PATCH', body: JSON.stringify({ email }) })
    await patch('')
    for (const email of ['', ' ', '@', 'studio.example', 'a b@studio.example', 'a@b@studio.example']) {
      const prepared = await stage.prepare('stranger')
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: stage.world.identity.issuer,
        aud: 'sg-session-tray',
        sub: 'STRANG000015',
        iat: now,
        exp: now + 60,
      }
      const token = await stage.world.identity.forgeIdToken({
        ...claims,
        nonce: prepared.nonce,
        email,
        email_verified: true,
      })
      expect(await codeOf(stage.exchange(prepared, { subjectToken: token }))).toBe('account_not_mapped')
    }
    await patch('no-passphrase@studio.example')
  })

  test('a site that answers another row than the linked one has nobody signed in', async () => {
    const prepared = await stage.prepare()
    await stage.exchange(prepared)
    const { id, login } = stage.world.site.person('supervisor')
    const row = {
      type: 'HumanUser',
      id,
      login,
      name: 'Old Login',
      email: 'x@y',
      sg_status_list: 'act',
      can_impersonate_this_user: true,
    }
    const entities = [{ ...row, 'permission_rule_set.PermissionRuleSet.code': 'artist' }]
    stage.world.site.faults.inject({
      path: '/api3/json',
      times: 1,
      does: { kind: 'status', status: 200, body: JSON.stringify({ results: { entities } }) },
    })
    expect(await codeOf(stage.exchange(prepared, { challenge: await stage.challenge() }))).toBe('account_disabled')
  })

  test('an unverified address matches nobody', async () => {
    stage.world.identity.setAccount('supervisor', { email: 'away@studio.example' })
    stage.world.identity.setAccount('stranger', { email: 'supervisor@studio.example', emailVerified: false })
    expect(await codeOf(stage.exchange(await stage.prepare('stranger')))).toBe('account_not_mapped')
    stage.world.identity.setAccount('supervisor', { email: 'supervisor@studio.example' })
    stage.world.identity.setAccount('stranger', { email: 'stranger@studio.example', emailVerified: true })
  })

  test('an administrator whom the configuration names is signed in', async () => {
    const allowed = await startWorld({ broker: { allowPrivileged: ['admin'] } })
    expect(await allowed.agent('admin').signIn(undefined)).toMatchObject({ login: 'admin' })
    await allowed.close()
  })

  test('people of a role that the configuration does not list are refused, whatever it is called', async () => {
    const strict = await startWorld({ broker: { permissionGroups: ['vendor'] } })
    expect(await codeOf(strict.agent('artist').signIn(undefined))).toBe('privileged_account')
    await strict.close()
  })

  test('an address of another domain than the configured ones matches nobody', async () => {
    const strict = await startWorld({ broker: { emailDomains: ['other.example'] } })
    expect(await codeOf(strict.agent('artist').signIn(undefined))).toBe('account_not_mapped')
    await strict.close()
  })

  test('a wrong script key is the operator’s trouble, not the artist’s', async () => {
    const broken = await startWorld({ broker: { scripts: [{ name: 'identity-broker', key: new Secret('wrong') }] } })
    expect(await codeOf(broken.agent('artist').signIn(undefined))).toBe('temporarily_unavailable')
    await broken.close()
  })

  test('a script without the right to sudo makes no session: the operator’s trouble, which ends nobody’s', async () => {
    const broken = await startWorld({
      broker: { scripts: [{ name: 'nightly-report', key: new Secret('script-key-without-sudo') }] },
    })
    expect(await codeOf(broken.agent('artist').signIn(undefined))).toBe('temporarily_unavailable')
    await broken.close()
  })
})
