import type { ErrorCode } from '../errors.ts'
import { accountSettings, tokenPage } from '../sign-in/legacy-refusal.ts'
import { noPassphrases } from './inspect-site.ts'
import type { Way } from './judge-person.ts'
import type { PassphraseTry } from './passphrase-try.ts'
import {
  type Evidence,
  type Found,
  found,
  type NoTry,
  type PersonFacts,
  type Problem,
  type Subject,
} from './person-facts.ts'
import { foldCase, type SiteUser } from './site-user.ts'

type LegacySubject = Extract<Subject, 'legacy_sign_in' | 'passphrase' | 'personal_access_token' | 'two_factor'>
type LegacyFindings = Readonly<Record<LegacySubject, Found>>

/**
 * What login and passphrase lead to: for tools that still sign in with them, and for sg-session where that is its way in. A
 * site shows nobody whether a passphrase or a token is set, and refuses both alike. facts: shotgrid §1.5, §5
 */
export function judgeLegacy(facts: PersonFacts, way: Way): LegacyFindings {
  const { passphrase, info, user, site } = facts
  const nobody = noPassphrases(site, info)
  if (nobody) return noneTaken(nobody, 'known', way === 'legacy')
  if ('notTried' in passphrase) return untried(passphrase, info.authentication)
  const { outcome } = passphrase
  if (outcome.accepted) return accepted(passphrase, info.authentication)
  switch (outcome.code) {
    case 'passphrase_rejected':
    case 'personal_access_token_required':
      return refused(passphrase, { ...outcome, user, isIdentity: info.authentication === 'oxygen' })
    case 'two_factor_required':
      return codeWanted(passphrase, outcome)
    case 'legacy_sign_in_unavailable':
      return noneTaken(outcome, 'tried', true)
    default:
      return undecided(outcome)
  }
}

const setOne = `Bind one before the site moves, if a tool of yours signs in with login and passphrase: create it at ${tokenPage} (product scope ShotGrid), then ${accountSettings}.`

function noneTaken({ says, next }: Omit<Problem, 'code'>, how: Evidence, isWanted: boolean): LegacyFindings {
  const nothing = found('not_needed', how, says)
  return {
    legacy_sign_in: isWanted ? found('missing', how, says, next) : nothing,
    passphrase: nothing,
    personal_access_token: nothing,
    two_factor: nothing,
  }
}

const whyNotTried: Readonly<Record<NoTry['notTried'], string>> = {
  no_terminal: 'there is no terminal to ask for the passphrase at',
  declined: 'you did not ask for it',
  pointless: 'it can lead nowhere on this site',
}

function untried({ notTried }: NoTry, authentication: string): LegacyFindings {
  const unseen = (says: string, next?: string): Found => found('unknown', 'cannot_be_seen', says, next)
  const isIdentity = authentication === 'oxygen'
  return {
    legacy_sign_in: unseen(
      `only a try can tell, and none was made: ${whyNotTried[notTried]}`,
      'Run this on a terminal: sg-session preflight --try-legacy',
    ),
    passphrase: unseen('the site shows nobody whether a passphrase is set'),
    personal_access_token: isIdentity
      ? unseen('the site asks for one beside the passphrase, and shows nobody whether one is bound')
      : unseen(
          'the site asks for none before it has moved, but one that is set may be checked; it shows nobody whether one is',
          setOne,
        ),
    two_factor: isIdentity ? notForTokens() : unseen('the site asks for a code only when the passphrase comes'),
  }
}

/** facts: shotgrid §5 (FORUM t/12599) */
function notForTokens(): Found {
  return found(
    'not_needed',
    'known',
    'login and passphrase with a token ask for no code; Autodesk’s own second factor is asked for in the browser',
  )
}

function accepted({ login, withCode }: PassphraseTry, authentication: string): LegacyFindings {
  const isIdentity = authentication === 'oxygen'
  return {
    legacy_sign_in: found('ok', 'tried', `the site took login "${login}" and passphrase`),
    passphrase: found('ok', 'tried', 'the site took it'),
    personal_access_token: isIdentity
      ? found(
          'ok',
          'tried',
          'the site took the sign-in, which it does not without one; one that was deleted within about the last hour can still look valid',
        )
      : found(
          'not_needed',
          'tried',
          'the site asked for none; after it has moved, every sign-in with login and passphrase needs one',
          setOne,
        ),
    two_factor: twoFactorOf(withCode, isIdentity),
  }
}

function twoFactorOf(withCode: boolean, isIdentity: boolean): Found {
  if (withCode) {
    return found(
      'ok',
      'tried',
      'the site asked for a code and took it; a tool that asks for none cannot sign you in so',
    )
  }
  return isIdentity ? notForTokens() : found('not_needed', 'tried', 'the site did not ask for a code')
}

interface Refused {
  readonly code: ErrorCode
  readonly says: string
  readonly next: string
  readonly user: SiteUser | undefined
  readonly isIdentity: boolean
}

function refused({ login, withCode }: PassphraseTry, { code, says, next, user, isIdentity }: Refused): LegacyFindings {
  const unclear = (text: string, advice: string): Found => found('unknown', 'tried', text, advice)
  const setAgain = `Set one in ${accountSettings}; it is not the Autodesk password, and new users have none until they set it.`
  const findings = {
    legacy_sign_in: found('missing', 'tried', says, `${wrongLogin(login, user)}${next}`),
    two_factor: isIdentity
      ? notForTokens()
      : withCode
        ? unclear('the site may have refused the code for what it is', 'Wait for the next code and try again.')
        : unclear('the site did not get as far as asking for a code', 'Try again when the passphrase is right.'),
  }
  if (code === 'personal_access_token_required') {
    const alike =
      'the site gives one answer to a wrong login, a wrong or unset passphrase, and a missing or deleted token'
    return {
      ...findings,
      passphrase: unclear(alike, setAgain),
      personal_access_token: unclear(
        alike,
        `Create one at ${tokenPage} (product scope ShotGrid), bind it in ${accountSettings}, and try again.`,
      ),
    }
  }
  return {
    ...findings,
    passphrase: found('missing', 'tried', 'the site did not take it, or not this login', setAgain),
    personal_access_token: unclear(
      'the site asks for none before it has moved; but if a move has begun, one that is set and was deleted is refused like a wrong passphrase',
      `Clear the token in ${accountSettings}, or bind a new one, and try again.`,
    ),
  }
}

function wrongLogin(tried: string, user: SiteUser | undefined): string {
  if (!user || user.login === tried) return ''
  const hint = user.email && foldCase(user.email) === foldCase(tried) ? ', which is not your e-mail address' : ''
  return `You tried "${tried}"; your login is "${user.login}"${hint}. `
}

function codeWanted({ withCode }: PassphraseTry, { says, next }: { says: string; next: string }): LegacyFindings {
  const unclear = found('unknown', 'tried', 'the site asks for a two-factor code before it says more')
  return {
    legacy_sign_in: found('missing', 'tried', says, next),
    passphrase: unclear,
    personal_access_token: unclear,
    two_factor: found(
      'missing',
      'tried',
      withCode ? 'the site did not take the code' : 'the site asks for a code, and none was given',
      next,
    ),
  }
}

/** The site did not judge them. */
function undecided({ says, next }: { readonly says: string; readonly next: string }): LegacyFindings {
  const nothing = found('unknown', 'tried', 'the try came to nothing')
  return {
    legacy_sign_in: found('unknown', 'tried', says, next),
    passphrase: nothing,
    personal_access_token: nothing,
    two_factor: nothing,
  }
}
