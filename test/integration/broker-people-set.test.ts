import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findUsers } from '../../src/broker/people/find-users.ts'
import type { RowName } from '../../src/broker/people/people-changes.ts'
import type { ExpectedPersonRow, LinkedRow } from '../../src/broker/people/people-rows.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { changeOnSite, Operator } from './people-stage.ts'
import { codeOf } from './world.ts'

let stage: ExchangeStage
let operator: Operator
beforeAll(async () => {
  stage = await ExchangeStage.open()
  operator = await Operator.at(stage.world)
})
afterAll(() => stage.close())
afterEach(async () => {
  const { database } = stage.world.broker
  await database.deleteFrom('person').execute()
  await database.deleteFrom('expected_person').execute()
  for (const key of ['stranger', 'artist', 'shared-a', 'supervisor']) {
    stage.world.identity.setAccount(key, { email: emails[key] ?? `${key}@studio.example`, emailVerified: true })
  }
})

const emails: Readonly<Record<string, string>> = { 'shared-a': 'shared@studio.example' }
const signIn = async (person: string) => stage.exchange(await stage.prepare(person))
const idOf = (key: string): number => stage.world.site.person(key).id
const rows = () => operator.changes().list([stage.world.site.url])
/** Without a process. */
const add = (row: LinkedRow | ExpectedPersonRow) => operator.changes().add([row], 'tester', 'set')
const removeNamed = (name: RowName) => operator.changes().remove(stage.world.site.url, name, 'tester')
/** As an operator types it. */
const set = (...args: string[]) => operator.run('people', 'set', '--site', stage.world.site.url, ...args)
const remove = (...args: string[]) => operator.run('people', 'remove', '--site', stage.world.site.url, ...args)

function linkedRow(subject: string, key: string): LinkedRow {
  const { id, login } = stage.world.site.person(key)
  return { ...common(), userId: id, login, account: { issuer: stage.world.identity.issuer, subject }, email: undefined }
}
function expectedRow(email: string, key: string): ExpectedPersonRow {
  const { id, login } = stage.world.site.person(key)
  return { ...common(), userId: id, login, account: undefined, email }
}
function common() {
  return { site: stage.world.site.url, matchedBy: 'operator', setBy: 'tester', createdAt: 1 } as const
}

describe('an address that an operator expects', () => {
  test('becomes the link of the account that comes with it, though the site has two users of that address', async () => {
    expect(await codeOf(signIn('shared-a'))).toBe('account_ambiguous')
    expect(await set('--email', 'Shared@Studio.example', '--login', 'shared-b')).toMatchObject({ status: 0 })
    expect(await signIn('shared-a')).toMatchObject({ login: 'shared-b', user_id: idOf('shared-b') })
    const [row, ...more] = await rows()
    expect(more).toEqual([])
    expect(row).toMatchObject({
      account: { issuer: stage.world.identity.issuer, subject: 'SHAREDA00003' },
      email: 'shared@studio.example',
      userId: idOf('shared-b'),
      matchedBy: 'operator',
    })
  })

  test('may be one that no user of the site has', async () => {
    expect(await codeOf(signIn('stranger'))).toBe('account_not_mapped')
    await add(expectedRow('stranger@studio.example', 'artist'))
    expect(await signIn('stranger')).toMatchObject({ login: 'artist@studio.example' })
  })

  test('counts for nothing while it is not verified', async () => {
    await add(expectedRow('stranger@studio.example', 'artist'))
    stage.world.identity.setAccount('stranger', { emailVerified: false })
    expect(await codeOf(signIn('stranger'))).toBe('account_not_mapped')
    expect(await rows()).toHaveLength(1)
  })

  test('keeps the user for its account: whoever has the user’s own address is not let in', async () => {
    await add(expectedRow('stranger@studio.example', 'artist'))
    expect(await codeOf(signIn('artist'))).toBe('account_ambiguous')
    expect(await signIn('stranger')).toMatchObject({ user_id: idOf('artist') })
  })

  test('makes nobody of an administrator, of a disabled or of a deleted user', async () => {
    for (const [key, code] of [
      ['admin', 'privileged_account'],
      ['disabled', 'account_disabled'],
      ['retired', 'account_disabled'],
    ] as const) {
      await add(expectedRow('stranger@studio.example', key))
      expect(await codeOf(signIn('stranger'))).toBe(code)
      await removeNamed({ email: 'stranger@studio.example' })
    }
  })
})

describe('setting', () => {
  test('an account links it at once, whatever its address', async () => {
    const ran = await set('--subject', 'STRANG000015', '--login', 'supervisor')
    expect(ran.stdout).toMatch(
      /HumanUser \d+ \("supervisor"\) is linked to the Autodesk account "STRANG000015" \(set by /,
    )
    expect(await signIn('stranger')).toMatchObject({ login: 'supervisor' })
  })

  test('the same again changes nothing and leaves no row in the audit', async () => {
    const args = ['--subject', 'STRANG000015', '--login', 'supervisor']
    await add(linkedRow('STRANG000015', 'supervisor'))
    const before = await operator.auditRows()
    const ran = await set(...args)
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('that is so already') })
    expect(await operator.auditRows()).toEqual(before)
  })

  test('is in the audit: who did it, to which account and user', async () => {
    await add(linkedRow('STRANG000015', 'supervisor'))
    const row = (await operator.auditRows()).at(-1)
    expect(row).toMatchObject({
      outcome: 'done',
      actor: 'tester',
      site: stage.world.site.url,
      issuer: stage.world.identity.issuer,
      subject: 'STRANG000015',
      user_id: idOf('supervisor'),
      login: 'supervisor',
      detail: expect.stringContaining('set: HumanUser'),
    })
  })

  test('another user for an account that is linked says which row stands there and how to remove it', async () => {
    await signIn('artist')
    const ran = await set('--subject', 'ARTIST000001', '--login', 'supervisor')
    expect(ran.status).toBe(58)
    expect(ran.stderr).toContain(
      'linked to the Autodesk account "ARTIST000001" (matched by e-mail address, first sign-in',
    )
    const command = `sg-broker people remove --site ${stage.world.site.url} --subject ARTIST000001`
    expect(ran.stderr).toContain(command)
    expect((await operator.auditRows()).at(-1)).toMatchObject({ outcome: 'account_ambiguous', login: 'supervisor' })
    // What it says to do is what helps.
    expect(await operator.run(...command.split(' ').slice(1))).toMatchObject({ status: 0 })
    expect(await set('--subject', 'ARTIST000001', '--login', 'supervisor')).toMatchObject({ status: 0 })
    expect(await signIn('artist')).toMatchObject({ login: 'supervisor' })
  })

  test('a user that is another account’s is refused, by account and by address', async () => {
    await signIn('artist')
    expect(await codeOf(add(linkedRow('STRANG000015', 'artist')))).toBe('account_ambiguous')
    expect(await codeOf(add(expectedRow('new@studio.example', 'artist')))).toBe('account_ambiguous')
    expect(await rows()).toHaveLength(1)
  })

  test('a user that the site does not have, or has deleted, is refused', async () => {
    const ran = await set('--email', 'x@studio.example', '--user-id', String(idOf('retired')))
    expect([ran.status, ran.stderr]).toEqual([56, expect.stringContaining(`no HumanUser ${idOf('retired')}`)])
    const [site] = operator.parts().sites
    if (!site) throw new Error('the broker has no site')
    const names = [{ login: 'nobody' }, { login: 'SUPERVISOR' }, { login: '' }, { userId: 999_999 }]
    const found = await findUsers(site, [...names, { login: 'x', userId: idOf('artist') }, { login: 'supervisor' }])
    expect(found.map((user) => ('reason' in user ? user.about : user.id))).toEqual([
      ...['login', 'login', 'login', 'user_id', 'login'],
      idOf('supervisor'),
    ])
    expect(await rows()).toEqual([])
  })

  test('a user that nobody can sign in as yet is done, with a note', async () => {
    const ran = await set('--email', 'chief@studio.example', '--login', 'admin')
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('is "admin"') })
  })

  test('what is no address, half a name, or a site of somebody else is refused by name', async () => {
    expect(await set('--email', 'nonsense', '--login', 'artist')).toMatchObject({ status: 37 })
    expect(await set('--email', 'a@x')).toMatchObject({ status: 2 })
    expect(await set('--login', 'supervisor')).toMatchObject({ status: 2 })
    expect(await set('--email', 'a@x', '--subject', 'A', '--login', 'supervisor')).toMatchObject({ status: 2 })
    expect(await set('--email', 'a@x', '--user-id', '1e3')).toMatchObject({ status: 2 })
    const ran = await operator.run('people', 'set', '--site', 'https://x.example', '--email', 'a@x', '--user-id', '1')
    expect(ran).toMatchObject({ status: 50, stderr: expect.stringContaining(stage.world.site.url) })
  })

  test('while the site is down changes nothing', async () => {
    stage.world.site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 500 } })
    const ran = await set('--email', 'a@studio.example', '--login', 'supervisor')
    stage.clearFaults()
    expect(ran.status).toBe(51)
    expect(await rows()).toEqual([])
  })

  test('twenty accounts to one user at once: one has it, and it is in the audit once', async () => {
    const before = (await operator.auditRows()).length
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_none, turn) =>
        // Changes of their own, as twenty processes have them.
        codeOf(add(linkedRow(`ACCOUNT${turn}`, 'supervisor'))),
      ),
    )
    expect(outcomes.filter((code) => code === 'ok')).toHaveLength(1)
    expect(outcomes.filter((code) => code === 'account_ambiguous')).toHaveLength(19)
    const made = (await operator.auditRows()).slice(before)
    expect(made.filter(({ outcome }) => outcome === 'done')).toHaveLength(1)
    expect(made).toHaveLength(20)
    expect(await rows()).toHaveLength(1)
  })

  test('three processes at once: one has it', async () => {
    const ran = await Promise.all(
      ['A1', 'A2', 'A3'].map((subject) => set('--subject', subject, '--login', 'supervisor')),
    )
    expect(ran.map(({ status }) => status).sort()).toEqual([0, 58, 58])
    expect(await rows()).toHaveLength(1)
  })

  test('at the moment of a first sign-in: one of the two is refused, and one row stands', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const prepared = await stage.prepare('artist')
      const [signedIn, wasSet] = await Promise.all([
        codeOf(stage.exchange(prepared)),
        codeOf(add(linkedRow('STRANG000015', 'artist'))),
      ])
      expect([signedIn, wasSet].sort()).toEqual(['account_ambiguous', 'ok'])
      const [row, ...more] = await rows()
      expect(more).toEqual([])
      expect(row?.account?.subject).toBe(signedIn === 'ok' ? 'ARTIST000001' : 'STRANG000015')
      await removeNamed({ login: 'artist@studio.example' })
    }
  })
})

test('however close an operator and a first sign-in come to each other, one of them has the user', async () => {
  const { url } = stage.world.site
  const { issuer } = stage.world.identity
  for (let userId = 1; userId <= 100; userId += 1) {
    const match = { userId, login: 'l', matchedBy: 'email', email: 'x', setBy: 'first sign-in' } as const
    const signingIn = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, userId % 8))
      await operator.parts().peopleTable.remember(url, { issuer, subject: `FIRST${userId}` }, match)
    }
    const row = { ...common(), account: { issuer, subject: `SET${userId}` }, email: undefined, userId, login: 'l' }
    const outcomes = await Promise.all([codeOf(signingIn()), codeOf(add(row))])
    expect(outcomes.sort()).toEqual(['account_ambiguous', 'ok'])
  }
  expect(await rows()).toHaveLength(100)
})

describe('an address that another account has taken over', () => {
  test('is refused the user; an operator gives the new account a user of its own', async () => {
    const before = await signIn('artist')
    stage.world.identity.setAccount('artist', { email: 'left@studio.example' })
    stage.world.identity.setAccount('stranger', { email: 'artist@studio.example' })
    expect(await codeOf(signIn('stranger'))).toBe('account_ambiguous')
    const ran = await set('--email', 'artist@studio.example', '--login', 'supervisor')
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('"ARTIST000001"') })
    expect(await signIn('stranger')).toMatchObject({ login: 'supervisor' })
    expect(await signIn('artist')).toMatchObject({ user_id: before.user_id })
  })
})

describe('removing', () => {
  test('a link has the next sign-in matched anew', async () => {
    await add(linkedRow('ARTIST000001', 'supervisor'))
    expect(await signIn('artist')).toMatchObject({ login: 'supervisor' })
    const ran = await remove('--subject', 'ARTIST000001')
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^removed: HumanUser/) })
    expect(await signIn('artist')).toMatchObject({ login: 'artist@studio.example' })
    expect((await rows())[0]).toMatchObject({ matchedBy: 'email', setBy: 'first sign-in' })
  })

  test('names a row by login, by the address of its account, or by the address that is expected', async () => {
    await signIn('artist')
    expect(await remove('--login', 'artist@studio.example')).toMatchObject({ status: 0 })
    await signIn('artist')
    await removeNamed({ email: 'ARTIST@studio.example' })
    await add(expectedRow('x@studio.example', 'artist'))
    expect(await remove('--email', 'x@studio.example')).toMatchObject({ status: 0 })
    expect(await rows()).toEqual([])
  })

  test('leaves a row in the audit that says what was there; what is not there is refused and said too', async () => {
    await signIn('artist')
    await removeNamed({ subject: 'ARTIST000001' })
    const done = (await operator.auditRows()).at(-1)
    expect(done).toMatchObject({ outcome: 'done', subject: 'ARTIST000001', user_id: idOf('artist') })
    expect(done?.detail).toMatch(/^removed: HumanUser .*matched by e-mail address, first sign-in/)
    expect(await remove('--subject', 'ARTIST000001')).toMatchObject({ status: 56 })
    expect((await operator.auditRows()).at(-1)).toMatchObject({ outcome: 'account_not_mapped' })
  })

  test('takes the expected row of an address first, and what is ambiguous not at all', async () => {
    const changes = operator.changes()
    const { url } = stage.world.site
    await changes.add([{ ...linkedRow('A', 'artist'), email: 'x@studio.example' }], 'tester', 'set')
    await changes.add([{ ...linkedRow('B', 'supervisor'), email: 'X@studio.example' }], 'tester', 'set')
    await changes.add([expectedRow('x@studio.example', 'shared-a')], 'tester', 'set')
    expect(await changes.remove(url, { email: 'x@studio.example' }, 'tester')).toMatchObject({ account: undefined })
    expect(await codeOf(changes.remove(url, { email: 'x@studio.example' }, 'tester'))).toBe('account_ambiguous')
    expect(await rows()).toHaveLength(2)
  })

  test('ends the sessions that the account has through the gateway, and nobody else’s', async () => {
    const { database } = stage.world.broker
    const { url } = stage.world.site
    await operator.changes().add([linkedRow('A', 'artist'), linkedRow('B', 'supervisor')], 'tester', 'set')
    for (const [subject, key] of [
      ['A', 'artist'],
      ['B', 'supervisor'],
    ] as const) {
      const { id, login } = stage.world.site.person(key)
      const { issuer } = stage.world.identity
      const session = { site: url, issuer, subject, user_id: id, login, session_uuid: 'u', created_at: 1, used_at: 1 }
      await database
        .insertInto('gateway_session')
        .values({ hash: `hash of ${subject}`, ended_at: null, ...session })
        .execute()
    }
    await operator.changes().remove(url, { subject: 'A' }, 'tester')
    const sessions = await database.selectFrom('gateway_session').selectAll().orderBy('subject').execute()
    expect(sessions.map(({ ended_at }) => ended_at !== null)).toEqual([true, false])
    await database.deleteFrom('gateway_session').execute()
  })
})

describe('a login that the site changes', () => {
  test('is answered by the next exchange, and is in the table', async () => {
    const before = await signIn('artist')
    await changeOnSite(stage.world, 'artist', { login: 'renamed' })
    expect(await signIn('artist')).toMatchObject({ login: 'renamed', user_id: before.user_id })
    expect((await rows())[0]).toMatchObject({ login: 'renamed', userId: before.user_id })
    await changeOnSite(stage.world, 'artist', { login: 'artist@studio.example' })
  })
})
