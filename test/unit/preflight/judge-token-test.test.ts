import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../../src/errors.ts'
import { judgeTokenTest, wantsControl } from '../../../src/preflight/judge-token-test.ts'
import type { TryOutcome } from '../../../src/preflight/passphrase-try.ts'

const taken: TryOutcome = { accepted: true }
const refused = (code: Extract<TryOutcome, { accepted: false }>['code']): TryOutcome => ({
  accepted: false,
  code,
  says: `said of ${code}`,
  next: 'Do it.',
})

describe('the guided test', () => {
  test.each(['personal_access_token_required', 'passphrase_rejected'] as const)(
    'passes when "%s" turns into a sign-in by nothing but the token',
    (code) => {
      for (const authentication of ['oxygen', 'default']) {
        const verdict = judgeTokenTest({ authentication, withDeletedToken: refused(code), control: taken })
        expect(verdict).toMatchObject({ result: 'pass', says: expect.stringContaining('it checks tokens') })
      }
    },
  )

  test('is undecided without the second try: a wrong passphrase looks the same', () => {
    expect(
      judgeTokenTest({ authentication: 'oxygen', withDeletedToken: refused('personal_access_token_required') }),
    ).toMatchObject({ result: 'undecided', says: expect.stringContaining('wrong passphrase') })
  })

  test('is undecided when the second try is refused too', () => {
    const control = refused('personal_access_token_required')
    expect(judgeTokenTest({ authentication: 'oxygen', withDeletedToken: control, control })).toMatchObject({
      result: 'undecided',
      says: expect.stringContaining('not the token alone'),
    })
  })

  test('fails when the site takes a deleted token, and says what may be behind it', () => {
    const verdict = (authentication: string) => judgeTokenTest({ authentication, withDeletedToken: taken })
    expect(verdict('default')).toMatchObject({
      result: 'fail',
      says: expect.stringContaining('does not check tokens yet'),
    })
    expect(verdict('oxygen')).toMatchObject({
      result: 'fail',
      says: expect.stringContaining('within about the last hour'),
    })
    expect(verdict('oxygen').says).not.toContain('does not check tokens yet')
  })

  test('is undecided for every other refusal, and wants no second try for it', () => {
    for (const code of errorCodes) {
      if (code === 'personal_access_token_required' || code === 'passphrase_rejected') {
        expect(wantsControl(refused(code))).toBe(true)
        continue
      }
      expect(wantsControl(refused(code))).toBe(false)
      expect(judgeTokenTest({ authentication: 'oxygen', withDeletedToken: refused(code) })).toMatchObject({
        result: 'undecided',
        says: expect.stringContaining(`said of ${code}`),
      })
    }
    expect(wantsControl(taken)).toBe(false)
  })

  test('says how to get a token back wherever the person may be left without one', () => {
    for (const withDeletedToken of [taken, refused('site_unreachable'), refused('passphrase_rejected')]) {
      expect(judgeTokenTest({ authentication: 'oxygen', withDeletedToken }).next).toContain(
        'https://profile.autodesk.com',
      )
    }
  })
})
