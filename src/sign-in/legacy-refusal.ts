import { AgentError } from '../errors.ts'
import type { SiteFault } from '../shotgrid/faults.ts'
import type { SiteInfo } from '../shotgrid/site-info.ts'

/** One refused try to sign in with login and passphrase, and what is known around it. */
export interface RefusedTry {
  readonly fault: Pick<SiteFault, 'kind' | 'faultCode'>
  readonly site: string
  readonly info: Pick<SiteInfo, 'authentication' | 'hasLauncher'>
  /** Tries of this sign-in that the site refused for what was typed, this one included. */
  readonly refusedTries: number
  readonly codeGiven: boolean
}

/** So many mistakes are a habit; a site that locks accounts may have begun to. How many a site allows, it does not tell. */
const triesThatMayLock = 3

/** Where a person sets passphrase and Personal Access Token at a site. */
export const accountSettings = 'Account Settings → Legacy Login and Personal Access Token'
/** Where a person makes a token. */
export const tokenPage = 'https://profile.autodesk.com'
/** Autodesk's own page about passphrase and Personal Access Token. */
const accountSettingsHelp = 'https://help.autodesk.com/view/SGSUB/ENU/?contextId=AR_ACCOUNT_SETTINGS_MIGRATED'

/**
 * What a site's number means on a site of its kind, and the steps that lead on. A site says 102 to a wrong login, a wrong
 * passphrase, a disabled and a locked account alike, so the words name all that it can be. Nothing that was typed, and
 * nothing the site wrote about it, is repeated. facts: shotgrid §1.5, §5
 */
export function explainRefusal(refused: RefusedTry): AgentError {
  const { fault, site, info } = refused
  switch (fault.kind) {
    case 'two_factor_missing':
      return wantsCode(refused)
    case 'sso_only':
      return takesNoPassphrases(site, info)
    case 'identity_only':
      return wantsToken(refused)
    case 'authentication':
      return info.authentication === 'oxygen' ? wantsToken(refused) : wrongPassphrase(refused)
    case 'other': {
      const number = fault.faultCode === undefined ? 'without a number' : `number ${fault.faultCode}`
      return new AgentError(
        'site_unreachable',
        `"${site}" did not judge the login: it answered with a fault ${number}`,
        {
          advice: `Try again; if it stays, look whether the site is well at ${site}, and tell IT the number.`,
        },
      )
    }
  }
}

/** `legacy_sign_in_unavailable`, for a site that signs people in through the company's own sign-in. */
export function takesNoPassphrases(
  site: string,
  { authentication, hasLauncher }: Pick<SiteInfo, 'authentication' | 'hasLauncher'>,
): AgentError {
  const said = `"${site}" signs people in through the company's own sign-in only (${authentication}) and takes no login and passphrase from anybody`
  const advice = hasLauncher
    ? 'Sign in through the browser, which this site offers: ask IT to set "signIn" of this site to "web".'
    : 'Ask IT to switch on the App Session Launcher of the site (then "signIn": "web" goes through the browser), or to name a broker for it.'
  return new AgentError('legacy_sign_in_unavailable', said, { advice })
}

function wantsCode({ site, codeGiven }: RefusedTry): AgentError {
  const said = codeGiven
    ? `"${site}" did not take the two-factor code and asks for one again`
    : `"${site}" asks for a two-factor code besides login and passphrase`
  const advice =
    'Enter the code that your authenticator shows now. If you have none any more, ask an administrator of the site.'
  return new AgentError('two_factor_required', said, { advice })
}

function wrongPassphrase(refused: RefusedTry): AgentError {
  const { site, info, codeGiven } = refused
  const isDirectory = info.authentication === 'ldap'
  const typed = codeGiven ? 'login, passphrase and two-factor code' : 'login and passphrase'
  const said = `"${site}" did not accept ${typed}; it says the same when the user is disabled or locked`
  const whose = isDirectory
    ? "This site asks the company's directory (LDAP): type the login and password you have there."
    : 'The login is the one of your ShotGrid user, which need not be your e-mail address, and the passphrase is not the Autodesk password.'
  const code = codeGiven ? ' A code is good for a short time and once: wait for the next one.' : ''
  const check = `Try the same at ${site} in a browser: if you get in there, type it here again just so; if not, ask an administrator whether your user is active.`
  const leftover = isDirectory
    ? ''
    : ' If you once bound a Personal Access Token there and it was deleted or has expired since, bind a new one: a site that is moving to Autodesk Identity checks it.'
  const advice = `${whose}${code} ${check}${leftover}`
  return withLockWarning('passphrase_rejected', said, advice, refused)
}

function wantsToken(refused: RefusedTry): AgentError {
  const { site, fault } = refused
  const said =
    fault.kind === 'identity_only'
      ? `"${site}" uses Autodesk Identity and takes a login and passphrase only with a valid Personal Access Token behind them`
      : `"${site}" uses Autodesk Identity and did not accept login and passphrase; it says the same when the Personal Access Token is missing or deleted, no passphrase was ever set, or the user is disabled or locked`
  const advice = [
    `1. Sign in at ${site} in a browser. If that fails, ask an administrator whether your user is active.`,
    `2. There, open ${accountSettings}, and set a passphrase. It is not the Autodesk password, and a new account has none.`,
    `3. At ${tokenPage}, under Personal Access Tokens, generate one with the product scope ShotGrid and copy it: it is shown once.`,
    '4. Back in Account Settings, bind it. Bind a new one too if the old was deleted: a deleted one can look valid for about an hour.',
    '5. Type the login shown there and that passphrase here.',
    `Help: ${accountSettingsHelp}`,
  ].join('\n')
  return withLockWarning('personal_access_token_required', said, advice, refused)
}

function withLockWarning(
  code: 'passphrase_rejected' | 'personal_access_token_required',
  said: string,
  advice: string,
  { refusedTries }: RefusedTry,
): AgentError {
  if (refusedTries < triesThatMayLock) return new AgentError(code, said, { advice })
  const locked = `${said}. After ${refusedTries} refused tries it may have locked the user, and does not say until when`
  const wait = 'Do not go on guessing: wait a while, or ask an administrator whether your user is locked.'
  return new AgentError(code, locked, { advice: `${wait} Then:\n${advice}` })
}
