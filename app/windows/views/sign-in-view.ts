import { isErrorCode } from '../../../src/errors.ts'
import { isSignInUnderWay, type SiteSituation } from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Strings } from '../../strings/en.ts'
import type { SignInView } from '../contract.ts'
import { act } from './status-view.ts'

/** The window of one sign-in, from “one moment” to how it ended. */
export function signInView(site: SiteSituation, { tag, strings }: Language): SignInView {
  const frame = { window: 'sign-in' as const, language: tag, title: strings.signIn.title }
  return { ...frame, ...(isSignInUnderWay(site) ? waiting(site, strings) : ended(site, strings)) }
}

type Body = Omit<SignInView, 'window' | 'language' | 'title'>

function waiting(site: SiteSituation, { signIn: texts }: Strings): Body {
  const at = { site: site.url }
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
    headline: texts.waiting,
    text: texts.waitingText(site.name),
    ...(site.browserFailed ? { problem: { tone: 'warning', ...texts.browserFailed } } : {}),
    actions: [
      act(texts.openAgain, 'primary', 'openBrowserAgain', at),
      { ...act(texts.copyLink, 'plain', 'copyLink', at), done: texts.copied },
      act(texts.cancel, 'plain', 'cancelSignIn', at),
    ],
    paste: { site: site.url, label: texts.pasteLabel, hint: texts.pasteHint, submit: texts.pasteSubmit },
  }
}

function ended({ status, url }: SiteSituation, { signIn: texts, errors }: Strings): Body {
  const close = act(texts.close, 'plain', 'closeWindow')
  const again = act(texts.tryAgain, 'primary', 'signIn', { site: url })
  const { state, reason } = status
  // An error comes first: somebody else's sign-in may have failed while the session of before is still held.
  if (isErrorCode(reason) && reason !== 'sign_in_cancelled') {
    const problem = { tone: 'error' as const, ...errors[reason] }
    return { state: 'failed', headline: texts.failed, text: '', problem, actions: [again, close] }
  }
  if (state === 'signed_in' && reason !== 'sign_in_cancelled') {
    return { state: 'done', headline: texts.done, text: texts.doneText, actions: [{ ...close, kind: 'primary' }] }
  }
  return { state: 'failed', headline: texts.cancelled, text: texts.cancelledText, actions: [again, close] }
}
