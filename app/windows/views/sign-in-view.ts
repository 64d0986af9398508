import { type ErrorCode, isErrorCode } from '../../../src/errors.ts'
import { type CredentialsWanted, failureWords, isSignInUnderWay, type SiteSituation } from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Strings } from '../../strings/en.ts'
import type { Action, Problem, SignInView } from '../contract.ts'
import { act } from './action.ts'

/** The window of one sign-in, from “one moment” to how it ended. */
export function signInView(site: SiteSituation, { tag, strings }: Language): SignInView {
  const frame = { window: 'sign-in' as const, language: tag, title: strings.signIn.title }
  return { ...frame, ...(isSignInUnderWay(site) ? waiting(site, strings) : ended(site, strings)) }
}

type Body = Omit<SignInView, 'window' | 'language' | 'title'>

function waiting(site: SiteSituation, strings: Strings): Body {
  const { signIn: texts } = strings
  const at = { site: site.url }
  if (site.credentials) return asking(site, site.credentials, strings)
  if (!site.waitsForBrowser) {
    return {
      state: 'starting',
      headline: texts.starting,
      text: texts.startingText(site.name),
      actions: [act(texts.cancel, 'plain', 'cancelSignIn', at)],
    }
  }
  return {
    state: 'waiting',
    headline: site.takesRedirect ? texts.waiting : texts.approving,
    text: site.takesRedirect ? texts.waitingText(site.name) : texts.approvingText(site.name),
    ...(site.browserFailed ? { problem: { tone: 'warning', ...texts.browserFailed } } : {}),
    actions: [
      act(texts.openAgain, 'primary', 'openBrowserAgain', at),
      { ...act(texts.copyLink, 'plain', 'copyLink', at), done: texts.copied },
      act(texts.cancel, 'plain', 'cancelSignIn', at),
    ],
    ...(site.takesRedirect
      ? { paste: { ...at, label: texts.pasteLabel, hint: texts.pasteHint, submit: texts.pasteSubmit } }
      : {}),
  }
}

function asking(site: SiteSituation, { wantsCode, refusal }: CredentialsWanted, strings: Strings): Body {
  const { signIn: texts } = strings
  const at = { site: site.url }
  // What the hints say is among the steps then.
  const hinted = (label: string, hint: string) => ({ label, hint: refusal === undefined ? hint : '' })
  return {
    state: 'asking',
    headline: texts.asking(site.name),
    // Room for the steps.
    text: refusal === undefined ? texts.askingText(URL.parse(site.url)?.host ?? site.url) : '',
    ...(refusal === undefined ? {} : refused(refusal, site, strings)),
    credentials: {
      ...at,
      login: hinted(texts.loginLabel, texts.loginHint),
      passphrase: hinted(texts.passphraseLabel, texts.passphraseHint),
      ...(wantsCode ? { code: { label: texts.codeLabel, hint: '' } } : {}),
      submit: texts.credentialsSubmit,
    },
    actions: [act(texts.cancel, 'plain', 'cancelSignIn', at)],
  }
}

/** Why the site did not take them, and every step to what it takes. */
function refused(code: ErrorCode, site: SiteSituation, strings: Strings): { problem: Problem; help?: Action[] } {
  const { signIn: texts, errors } = strings
  const { sentence, advice } = errors[code]
  const openSite = act(texts.openSite, 'plain', 'openHelp', { site: site.url, page: 'site' })
  const openProfile = act(texts.openProfile, 'plain', 'openHelp', { site: site.url, page: 'autodesk-profile' })
  switch (code) {
    case 'passphrase_rejected':
    case 'two_factor_required': {
      // To be asked for a code is no mistake.
      const tone = code === 'two_factor_required' ? 'info' : 'error'
      return { problem: { tone, sentence, advice: '', steps: [...texts.steps[code]] }, help: [openSite] }
    }
    case 'personal_access_token_required': {
      const steps = [...texts.steps[code]]
      return { problem: { tone: 'error', sentence, advice: '', steps }, help: [openProfile, openSite] }
    }
    default:
      return { problem: { tone: 'error', sentence, advice } }
  }
}

function ended({ status, url, waitedFor }: SiteSituation, strings: Strings): Body {
  const { signIn: texts } = strings
  const close = act(texts.close, 'plain', 'closeWindow')
  const again = act(texts.tryAgain, 'primary', 'signIn', { site: url })
  const { state, reason } = status
  // An error comes first: somebody else's sign-in may have failed while the session of before is still held.
  if (isErrorCode(reason) && reason !== 'sign_in_cancelled') {
    const problem = { tone: 'error' as const, ...failureWords(reason, waitedFor, strings) }
    const headline = reason === 'access_denied' ? texts.declined : texts.failed
    return { state: 'failed', headline, text: '', problem, actions: [again, close] }
  }
  if (state === 'signed_in' && reason !== 'sign_in_cancelled') {
    return { state: 'done', headline: texts.done, text: texts.doneText, actions: [{ ...close, kind: 'primary' }] }
  }
  return { state: 'failed', headline: texts.cancelled, text: texts.cancelledText, actions: [again, close] }
}
