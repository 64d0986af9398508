import { accountSettings, tokenPage } from '../sign-in/legacy-refusal.ts'
import type { TryOutcome } from './passphrase-try.ts'

/** The tries of the guided test: one with a deleted token, then one with the same login and passphrase after it was mended. */
export interface TokenTest {
  readonly authentication: string
  readonly withDeletedToken: TryOutcome
  /** Absent when it was not made: it needs no control when the first was taken, and people may leave before it. */
  readonly control?: TryOutcome
}

export interface TokenVerdict {
  /** `pass`: the site refused for the token, and for nothing else. */
  readonly result: 'pass' | 'fail' | 'undecided'
  readonly says: string
  readonly next: string
}

/** Whether the control is worth making: the first try was refused, and could have been for the token. */
export function wantsControl(outcome: TryOutcome): boolean {
  return !outcome.accepted && judged.has(outcome.code)
}

/** The two codes a wrong passphrase, too, may get: a site says the same to both. facts: shotgrid §1.5, §5 */
const judged = new Set<string>(['passphrase_rejected', 'personal_access_token_required'])

const mend = `Your user has no valid token now. To have one: create it at ${tokenPage} (product scope ShotGrid), and bind it in ${accountSettings}.`

/** What the tries prove. Only the control tells a missing token from a wrong passphrase. facts: asked-for 17, 18 */
export function judgeTokenTest({ authentication, withDeletedToken, control }: TokenTest): TokenVerdict {
  if (withDeletedToken.accepted) {
    const why =
      authentication === 'oxygen'
        ? 'this site asks for tokens, so it most likely believes one that was used within about the last hour'
        : 'either it does not check tokens yet, or it believes one that was used within about the last hour'
    return {
      result: 'fail',
      says: `the site took login and passphrase although the token was deleted: ${why}`,
      next: `Let no tool sign in as you for more than an hour, then do all the steps again. If it is taken again, tokens are not checked. ${mend}`,
    }
  }
  const { code, says, next } = withDeletedToken
  if (!judged.has(code)) {
    return {
      result: 'undecided',
      says: `the site refused for another reason than the token: ${says}`,
      next: `${next} ${mend}`,
    }
  }
  if (!control) {
    return {
      result: 'undecided',
      says: 'the site refused, but it says the same to a wrong passphrase, and the second try that would tell was not made',
      next: `Run the test again to the end. ${mend}`,
    }
  }
  if (!control.accepted) {
    return {
      result: 'undecided',
      says: `the site refused the second try too, so it is not the token alone: ${control.says}`,
      next: `${control.next} Then run the test again.`,
    }
  }
  return {
    result: 'pass',
    says: 'the site refused login and passphrase while the token was deleted, and took the same ones afterwards: it checks tokens',
    next: 'Do the steps again, and between the third and the fourth run your own tool: if it fails, it signs in with login and passphrase, and everybody who uses it needs a valid token once the site has moved.',
  }
}
