import { isErrorCode } from '../../../src/errors.ts'
import {
  clockTime,
  failureWords,
  isCutOff,
  isSignInUnderWay,
  minutesToEnd,
  type ReadyUpdate,
  type SiteSituation,
  type Situation,
} from '../../situation.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { Strings } from '../../strings/en.ts'
import type { Action, Problem, SiteCard, StatusView } from '../contract.ts'
import { act } from './action.ts'
import { questionName } from './shown-program.ts'
import { callsPart, toolsPart } from './tools-view.ts'

/** The status window: each site, the day's tools, and what is wrong. */
export function statusView(situation: Situation, { tag, strings }: Language): StatusView {
  const { status } = strings
  const { question, answersProblem, update } = situation
  const problems: Problem[] = [
    ...(situation.online ? [] : [{ tone: 'info' as const, ...status.offline }]),
    ...(situation.trayShown ? [] : [{ tone: 'info' as const, ...status.noTray }]),
    ...(question === undefined ? [] : [asked(questionName(question, strings), strings)]),
    ...(answersProblem === undefined ? [] : [notKept(answersProblem, strings)]),
    ...(update === undefined ? [] : [ready(update, strings)]),
    ...situation.problems.map(({ code, detail }) => {
      const { sentence, advice } = strings.errors[code]
      return { tone: 'warning' as const, sentence, advice: detail === undefined ? advice : `${detail} ${advice}` }
    }),
  ]
  return {
    window: 'status',
    language: tag,
    title: status.title,
    sites: situation.sites.map((site) => siteCard(site, situation, { tag, strings })),
    problems,
    tools: toolsPart(situation, { tag, strings }),
    calls: callsPart(situation, { tag, strings }),
    actions: [
      ...(question === undefined ? [] : [act(strings.tray.answer, 'primary', 'showConsent')]),
      ...(update?.obstacle === 'window' ? [act(strings.update.restart, 'plain', 'restartForUpdate')] : []),
      ...(canBeSetUp(situation) ? [act(strings.tray.setUp, 'primary', 'openFirstRun')] : []),
      {
        ...act(status.copyDiagnosis, 'plain', 'copyDiagnosis'),
        doing: strings.diagnosis.collecting,
        done: strings.diagnosis.copied,
      },
      act(status.settings, 'plain', 'openSettings'),
      act(status.about, 'plain', 'openAbout'),
      // Where there is no icon there is no menu with it.
      ...(situation.trayShown ? [] : [act(strings.tray.quit, 'plain', 'quit')]),
    ],
  }
}

function asked(program: string, { tray, status }: Strings): Problem {
  return { tone: 'info', sentence: tray.asks(program), advice: status.answerAdvice }
}

function ready({ version, obstacle }: ReadyUpdate, { update }: Strings): Problem {
  return { tone: 'info', sentence: update.ready(version), advice: update.waits[obstacle ?? 'nothing'] }
}

function notKept(detail: string, { status: { answersNotKept } }: Strings): Problem {
  const { sentence, advice } = answersNotKept
  return { tone: 'warning', sentence, advice: `${detail} ${advice}` }
}

/** Not where there are sites, or would be if the agent ran. */
function canBeSetUp({ sites, problems }: Situation): boolean {
  return sites.length === 0 && problems.length === 0
}

function siteCard(site: SiteSituation, situation: Situation, language: Language): SiteCard {
  const { status, name, url } = site
  const { strings } = language
  const left = timeLeft(site, situation, language)
  const obtained = howObtained(site, situation, language)
  const problem = problemOf(site, strings)
  return {
    site: url,
    name,
    state: status.state,
    ...words(site, strings),
    ...(obtained ? { obtained } : {}),
    ...(left ? { left } : {}),
    ...(problem ? { problem } : {}),
    actions: actionsOf(site, situation, strings),
  }
}

function words(site: SiteSituation, strings: Strings): { headline: string; detail: string } {
  const { status, name, waitsForBrowser, credentials } = site
  const { status: texts, signIn } = strings
  switch (status.state) {
    case 'signed_out':
      return { headline: texts.signedOut, detail: texts.signedOutDetail }
    case 'signing_in':
      if (credentials) return { headline: texts.credentialsWanted, detail: texts.signingInDetail }
      if (waitsForBrowser) return { headline: texts.signingIn, detail: texts.signingInDetail }
      return { headline: signIn.starting, detail: signIn.startingText(name) }
    case 'signed_in': {
      const who = [...new Set([status.login, status.account])].filter(Boolean).join(' · ')
      return { headline: texts.signedIn(status.name || status.login || ''), detail: who }
    }
  }
}

function timeLeft(site: SiteSituation, situation: Situation, { tag, strings }: Language): SiteCard['left'] {
  const { state, signInEndsAt, expiresAt, expiry } = site.status
  if (state !== 'signed_in' || signInEndsAt === undefined) return undefined
  const leftMs = Math.max(0, signInEndsAt - situation.now)
  const minutes = Math.ceil(leftMs / 60_000)
  const duration = strings.status.hours(Math.floor(minutes / 60), minutes % 60)
  // The end of the day is known; that of a session which cannot be renewed is as well known as the site tells it.
  const isEstimated = expiry === 'estimated' && signInEndsAt === expiresAt
  const label = isEstimated ? strings.status.leftAbout : strings.status.left
  return {
    share: Math.min(1, leftMs / situation.dayMs),
    label: label(duration, clockTime(signInEndsAt, situation.now, tag)),
    soon: minutesToEnd(site, situation) !== undefined,
  }
}

function howObtained({ status }: SiteSituation, { now }: Situation, { tag, strings }: Language): string | undefined {
  const { obtained } = strings.status
  const { state, obtainedBy = '', expiresAt, expiry, signInEndsAt } = status
  if (state !== 'signed_in' || !isObtainedBy(obtainedBy)) return undefined
  const how = obtained[obtainedBy]
  // A sign-in at Autodesk makes the next one; what came from the site itself lives only as long as somebody uses it.
  if (obtainedBy === 'broker' || obtainedBy === 'identity-direct' || expiresAt === undefined) return how
  // With the day it ends anyway, and that is said already.
  if (signInEndsAt !== undefined && signInEndsAt - expiresAt < 60_000) return how
  const ends = expiry === 'exact' ? obtained.unused : obtained.unusedAbout
  return `${how} ${ends(clockTime(expiresAt, now, tag))}`
}

function isObtainedBy(text: string): text is 'broker' | 'web' | 'legacy' | 'identity-direct' {
  return text === 'broker' || text === 'web' || text === 'legacy' || text === 'identity-direct'
}

function problemOf(site: SiteSituation, strings: Strings): Problem | undefined {
  const { status, browserFailed, waitedFor } = site
  if (browserFailed) return { tone: 'warning', ...strings.signIn.browserFailed }
  if (status.problem) return { tone: isCutOff(site) ? 'info' : 'warning', ...strings.errors[status.problem] }
  const { state, reason } = status
  // Other reasons are no trouble, and cancelling is the artist's own doing.
  if (state !== 'signed_out' || !isErrorCode(reason) || reason === 'sign_in_cancelled') return undefined
  return { tone: reason === 'session_ended' ? 'info' : 'error', ...failureWords(reason, waitedFor, strings) }
}

function actionsOf(site: SiteSituation, situation: Situation, { status: texts }: Strings): Action[] {
  const at = { site: site.url }
  const signingIn = [act(texts.showSignIn, 'primary', 'showSignIn', at), act(texts.cancel, 'plain', 'cancelSignIn', at)]
  switch (site.status.state) {
    case 'signed_out':
      return [act(texts.signIn, 'primary', 'signIn', at), act(texts.switchUser, 'plain', 'switchUser', at)]
    case 'signing_in':
      return signingIn
    case 'signed_in': {
      if (isSignInUnderWay(site)) return [...signingIn, act(texts.signOut, 'danger', 'signOut', at)]
      const renew = minutesToEnd(site, situation) === undefined ? [] : [act(texts.renew, 'primary', 'signIn', at)]
      return [
        ...renew,
        act(texts.openSite, renew.length > 0 ? 'plain' : 'primary', 'openSite', at),
        act(texts.switchUser, 'plain', 'switchUser', at),
        act(texts.signOut, 'danger', 'signOut', at),
      ]
    }
  }
}
