import { describe, expect, test } from 'vitest'
import { judgeSite, type SiteAsSeen } from '../../../../src/broker/people/judge-site.ts'
import { expected, linked, site, user } from './rows.ts'

const policy = { emailDomains: undefined, permissionGroups: ['artist'], allowPrivileged: [] }

function judge(seen: Partial<SiteAsSeen>) {
  const verdicts = judgeSite({ url: site, active: [], retired: [], rows: [], policy, ...seen })
  return verdicts.map(({ user, problems, notes }) => ({
    id: user.id,
    problems: problems.map(({ code }) => code),
    notes: notes.map(({ code }) => code),
  }))
}

const ready = (id: number, ...notes: string[]) => ({ id, problems: [], notes })
const not = (id: number, ...problems: string[]) => ({ id, problems, notes: [] })

describe('a person of the site', () => {
  test('with an address of their own is ready', () => expect(judge({ active: [user(1)] })).toEqual([ready(1)]))

  for (const email of [undefined, 'none', 'a b@studio.example', '@', 'a@b@c']) {
    test(`with the address ${JSON.stringify(email)} has none`, () => {
      expect(judge({ active: [user(1, { email })] })[0]?.problems).toEqual(['no_email'])
    })
  }

  test('who shares an address, in whatever case, is not ready, and neither is the other', () => {
    const active = [user(1, { email: 'One@studio.example' }), user(2, { email: 'one@STUDIO.example' }), user(3)]
    expect(judge({ active }).map(({ problems }) => problems)).toEqual([['shared_email'], ['shared_email'], []])
    const [problem] = judgeSite({ url: site, active, retired: [], rows: [], policy })[0]?.problems ?? []
    expect(problem?.says).toContain('HumanUser 2 ("user-2@studio.example")')
    expect(problem?.next).toContain(`sg-broker people set --site ${site} --user-id 1 --email one@studio.example`)
  })

  test('does not share an address with users who are disabled or deleted', () => {
    const email = 'one@studio.example'
    const verdicts = judge({
      active: [user(1, { login: email, email }), user(2, { login: email.toUpperCase(), email, isActive: false })],
      retired: [user(3, { email })],
    })
    expect(verdicts).toEqual([ready(1), not(2, 'disabled', 'shared_email'), not(3, 'retired')])
  })

  test('names five of those who share the address, and how many more there are', () => {
    const active = Array.from({ length: 8 }, (_none, index) => user(index + 1, { email: 'team@studio.example' }))
    const [problem] = judgeSite({ url: site, active, retired: [], rows: [], policy })[0]?.problems ?? []
    expect(problem?.says).toContain('HumanUser 6 ("user-6@studio.example"), 2 more')
  })

  test('whom an operator expects with the shared address is ready, and the other learns who has it', () => {
    const active = [user(1, { email: 'a@x' }), user(2, { email: 'A@x' })]
    const rows = [expected('a@x', 1)]
    expect(judge({ active, rows })).toEqual([
      ready(1, 'login_differs_from_email', 'expected'),
      { id: 2, problems: ['email_taken'], notes: ['login_differs_from_email'] },
    ])
  })

  test('whose account is linked is ready whatever the address; the one who shares it needs another', () => {
    const active = [user(1, { email: 'a@x' }), user(2, { email: 'a@x' }), user(3, { email: undefined })]
    const rows = [linked('A', 1, { email: 'a@x' }), linked('C', 3)]
    expect(judge({ active, rows })).toEqual([
      ready(1, 'login_differs_from_email', 'linked'),
      { id: 2, problems: ['shared_email'], notes: ['login_differs_from_email', 'email_linked_elsewhere'] },
      ready(3, 'linked'),
    ])
    const [problem] = judgeSite({ url: site, active, retired: [], rows, policy })[1]?.problems ?? []
    expect(problem?.next).toContain('--user-id 2 --email ADDRESS')
  })

  test('whose address is expected to be another user is not ready', () => {
    const rows = [expected('user-1@studio.example', 2)]
    expect(judge({ active: [user(1), user(2)], rows }).map(({ problems }) => problems)).toEqual([['email_taken'], []])
  })

  test('of a domain that the policy does not name is not ready, unless an operator says so', () => {
    const strict = { ...policy, emailDomains: ['studio.example'] }
    const active = [user(1), user(2, { email: 'user-2@OTHER.example' }), user(3, { email: 'user-3@other.example' })]
    const rows = [expected('user-3@other.example', 3)]
    const verdicts = judge({ active, rows, policy: strict })
    expect(verdicts.map(({ problems }) => problems)).toEqual([[], ['email_domain'], []])
  })

  test('may have several problems, which a link does not take away', () => {
    const one = user(1, { isActive: false, canBeImpersonated: false, permissionGroup: 'admin', email: undefined })
    expect(judge({ active: [one] })).toEqual([not(1, 'disabled', 'impersonation_off', 'privileged', 'no_email')])
    expect(judge({ active: [one], rows: [linked('A', 1)] })[0]).toEqual({
      id: 1,
      problems: ['disabled', 'impersonation_off', 'privileged'],
      notes: ['linked'],
    })
  })

  test('of a group that is not listed is privileged, also of none, and named by it', () => {
    const active = [user(1, { permissionGroup: 'Chief' }), user(2, { permissionGroup: undefined })]
    expect(judge({ active })).toEqual([not(1, 'privileged'), not(2, 'privileged')])
    const verdicts = judgeSite({ url: site, active, retired: [], rows: [], policy })
    expect(verdicts[0]?.problems[0]?.says).toContain('"Chief"')
  })

  test('of such a group whom the policy names is ready', () => {
    const allowing = { ...policy, allowPrivileged: ['user-1@studio.example'] }
    const active = [user(1, { permissionGroup: 'admin' })]
    expect(judge({ active, policy: allowing })).toEqual([ready(1, 'privileged_allowed')])
  })

  test('who was deleted is not ready; if their login was given away, both learn of it', () => {
    const verdicts = judge({
      active: [user(1, { login: 'reused', email: 'a@x' })],
      retired: [user(2, { login: 'reused' }), user(3)],
      rows: [linked('C', 3)],
    })
    expect(verdicts).toEqual([
      ready(1, 'login_differs_from_email', 'reused_login'),
      not(2, 'retired', 'reused_login'),
      { id: 3, problems: ['retired'], notes: ['linked'] },
    ])
  })

  test('has a next step for every problem, and a linked one is told to which account, how and by whom', () => {
    const active = [
      user(1, { email: undefined }),
      user(2, { isActive: false }),
      user(3, { canBeImpersonated: false }),
      user(4, { permissionGroup: 'admin' }),
    ]
    const verdicts = judgeSite({ url: site, active, retired: [user(9)], rows: [], policy })
    for (const { next } of verdicts.flatMap(({ problems }) => problems)) expect(next).toMatch(/^[A-Z].{10,}/)
    const rows = [linked('SUBJECT', 1, { matchedBy: 'import', setBy: 'somebody' })]
    const [note] = judgeSite({ url: site, active: [user(1)], retired: [], rows, policy })[0]?.notes ?? []
    expect(note?.says).toMatch(/"SUBJECT" \(imported by somebody, 2026-11-22\)/)
  })
})
