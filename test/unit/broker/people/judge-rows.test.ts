import { describe, expect, test } from 'vitest'
import { judgeRows } from '../../../../src/broker/people/judge-rows.ts'
import { expected, linked } from './rows.ts'

describe('rows that an operator wants', () => {
  test('are new where nothing stands', () => {
    expect(judgeRows([], [linked('A', 1), expected('b@x', 2)])).toEqual([{ kind: 'new' }, { kind: 'new' }])
  })

  test('change nothing where the same stands, whoever made it and whatever the login was', () => {
    const standing = [linked('A', 1, { matchedBy: 'email', email: 'a@x' }), expected('b@x', 2)]
    const wanted = [linked('A', 1, { login: 'renamed' }), expected('b@x', 2, { setBy: 'somebody else' })]
    expect(judgeRows(standing, wanted)).toEqual([{ kind: 'unchanged' }, { kind: 'unchanged' }])
  })

  const byAccount = linked('A', 1)
  const byAddress = expected('a@x', 1)
  for (const [said, standing, wanted] of [
    ['an account that is somebody else', byAccount, linked('A', 2)],
    ['a user that is another account’s', byAccount, linked('B', 1)],
    ['a linked user that is to be expected', byAccount, expected('b@x', 1)],
    ['an expected user that is to be linked', byAddress, linked('B', 1)],
    ['an address that is expected to be somebody else', byAddress, expected('a@x', 2)],
    ['a user that is expected with another address', byAddress, expected('b@x', 1)],
  ] as const) {
    test(`do not get past ${said}`, () => {
      expect(judgeRows([standing], [wanted])).toEqual([{ kind: 'conflict', with: standing }])
    })
  }

  test('do not meet those of another site, nor of another issuer', () => {
    const elsewhere = linked('A', 1, { site: 'https://other.example' })
    const otherIssuer = linked('A', 2, { account: { issuer: 'https://other-issuer.example', subject: 'A' } })
    expect(judgeRows([elsewhere, otherIssuer], [linked('A', 1)])).toEqual([{ kind: 'new' }])
  })

  test('are said once: of two about one account, address or user the later one is refused', () => {
    const wanted = [
      linked('A', 1),
      linked('A', 2),
      linked('B', 1),
      expected('c@x', 3),
      expected('c@x', 4),
      expected('d@x', 1),
    ]
    expect(judgeRows([], wanted)).toEqual([
      { kind: 'new' },
      { kind: 'repeated', of: 0 },
      { kind: 'repeated', of: 0 },
      { kind: 'new' },
      { kind: 'repeated', of: 3 },
      { kind: 'repeated', of: 0 },
    ])
  })
})
