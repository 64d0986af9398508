import { isErrorCode } from '../../src/errors.ts'
import type { SiteStatus } from '../../src/session/changes.ts'
import { type Command, clockTime, failureWords, type WaitedFor } from '../situation.ts'
import type { Language } from '../strings/catalogue.ts'

export interface Notice {
  readonly title: string
  readonly body: string
  /** What a click on the notification, or on its button, does. */
  readonly command: Command
  readonly button?: string
}

export interface Refusal {
  readonly tool: string
  readonly site: string
}

/** A program that may not have the session, by what the system says of it. */
export interface Outsider {
  /** What stays the same of it from one start to the next; one for all that nobody can name. */
  readonly key: string
  readonly name: string
}

interface Change {
  readonly status: SiteStatus
  readonly waitedFor: WaitedFor | undefined
}

/** Nobody needs to hear of an end who has signed in this short a time ago. */
const freshMs = 2 * 60_000
/** A tool that keeps asking is heard of once in this time. */
const refusalPauseMs = 10 * 60_000

/** A program under many names must not fill the day with notifications. */
const mostDeniedADay = 20

/** Reasons that an artist brought about, and that are no news to them; a session taken up again is none either. */
const noNews: ReadonlySet<string> = new Set(['sign_in_started', 'signed_out', 'sign_in_cancelled', 'resumed'])

/**
 * Decides what the artist is told, so that there is one notification at most, none about what they just did, and none
 * while the screen is locked: what happened meanwhile and is still true is told at unlocking.
 */
export class NotificationLadder {
  readonly #now: () => number
  readonly #remindBeforeMs: number
  #locked = false
  /** What each site would have told behind the locked screen; the newest last. */
  readonly #kept = new Map<string, Change>()
  readonly #signedInAt = new Map<string, number>()
  readonly #refusedAt = new Map<string, number>()
  /** Programs that the artist needs to hear no more of today. */
  readonly #heardOf = { day: '', keys: new Set<string>() }
  #unanswered: Notice | undefined

  constructor(now: () => number, remindBeforeMs: number) {
    this.#now = now
    this.#remindBeforeMs = remindBeforeMs
  }

  /**
   * What to show for a change: a notice, `'close'` when the one that stands is no longer true, or nothing. `waitedFor`: of
   * the sign-in there was.
   */
  onChange(status: SiteStatus, language: Language, waitedFor?: WaitedFor): Notice | 'close' | undefined {
    const { site, reason } = status
    const change = { status, waitedFor }
    if (reason === 'signed_in' || reason === 'resumed') this.#signedInAt.set(site, this.#now())
    const isNoNews = reason !== undefined && noNews.has(reason)
    if (!this.#locked) return isNoNews ? 'close' : this.#noticeFor(change, language)
    // What has no notice of its own takes nothing back: a renewal does not move the end.
    if (!isNoNews && !this.#noticeFor(change, language)) return undefined
    this.#kept.delete(site)
    if (!isNoNews) this.#kept.set(site, change)
    return undefined
  }

  /** What to show for a tool that got no session because nobody is signed in. */
  onRefusal({ tool, site }: Refusal, { strings }: Language): Notice | undefined {
    const { notify } = strings
    const last = this.#refusedAt.get(site) ?? Number.NEGATIVE_INFINITY
    if (this.#locked || this.#now() - last < refusalPauseMs) return undefined
    this.#refusedAt.set(site, this.#now())
    return {
      title: notify.refused(tool || strings.tool.unnamed),
      body: notify.refusedBody,
      command: { does: 'signIn', site },
      button: notify.signIn,
    }
  }

  /** What to show while a question about a program waits, and nobody seems to see its window. */
  onQuestion(program: string, { strings }: Language): Notice | undefined {
    const { notify } = strings
    if (this.#locked) return undefined
    const command = { does: 'showConsent' } as const
    return { title: notify.asks(program), body: notify.asksBody, command, button: notify.answer }
  }

  /** What to show for a question that nobody has answered: once a program and day. */
  onUnanswered({ key, name }: Outsider, { strings }: Language): Notice | undefined {
    if (!this.#isNewToday(key)) return undefined
    const { notify } = strings
    const command = { does: 'showPrograms' } as const
    return { title: notify.unanswered(name), body: notify.unansweredBody, command, button: notify.showPrograms }
  }

  /** The same for one that the lock took off the screen: it is told at unlocking. */
  onWithdrawn(program: Outsider, language: Language): undefined {
    if (this.#locked) this.#unanswered = this.onUnanswered(program, language) ?? this.#unanswered
  }

  /** What to show for a program that a rule, or nobody's knowing it, kept from the session: once a program and day. */
  onDenied({ key, name }: Outsider, { strings }: Language): Notice | undefined {
    const { notify } = strings
    if (this.#locked || !this.#isNewToday(key)) return undefined
    return { title: notify.denied(name), body: notify.deniedBody, command: { does: 'showStatus' } }
  }

  /** The artist has said no to it: nobody needs to tell them that it was refused. */
  onArtistDenied({ key }: Outsider): void {
    this.#isNewToday(key)
  }

  #isNewToday(key: string): boolean {
    const day = new Date(this.#now()).toDateString()
    const { keys } = this.#heardOf
    if (day !== this.#heardOf.day) keys.clear()
    this.#heardOf.day = day
    if (keys.has(key) || keys.size >= mostDeniedADay) return false
    keys.add(key)
    return true
  }

  onLock(): void {
    this.#locked = true
  }

  /** What happened last behind the locked screen, if the artist should know it. */
  onUnlock(language: Language): Notice | undefined {
    this.#locked = false
    const kept = [...this.#kept.values()].at(-1)
    this.#kept.clear()
    const unanswered = this.#unanswered
    this.#unanswered = undefined
    return (kept && this.#noticeFor(kept, language)) ?? unanswered
  }

  #noticeFor({ status, waitedFor }: Change, { tag, strings }: Language): Notice | undefined {
    const { notify } = strings
    const { site, reason } = status
    const signIn = { command: { does: 'signIn' as const, site }, button: notify.signIn }
    switch (reason) {
      case undefined:
        return undefined
      case 'signed_in': {
        const until = clockTime(status.signInEndsAt ?? this.#now(), this.#now(), tag)
        const body = notify.signedInBody(until)
        return { title: notify.signedIn(status.name || status.login || ''), body, command: { does: 'showStatus' } }
      }
      case 'ending': {
        if (this.#now() - (this.#signedInAt.get(site) ?? Number.NEGATIVE_INFINITY) < freshMs) return undefined
        const leftMs = Math.max(0, (status.signInEndsAt ?? this.#now()) - this.#now())
        if (leftMs > this.#remindBeforeMs) return undefined
        const title = notify.ending(Math.ceil(leftMs / 60_000))
        return { title, body: notify.endingBody, ...signIn, button: notify.renewNow }
      }
      case 'session_ended':
      case 'screen_locked':
      case 'slept_too_long':
        return { title: notify.ended, body: notify.endedBody, ...signIn }
      default: {
        // A renewal that failed while the session lives on is in the tray; it is no reason to interrupt anybody.
        if (status.state !== 'signed_out' || !isErrorCode(reason)) return undefined
        const { sentence, advice } = failureWords(reason, waitedFor, strings)
        return { title: notify.problem, body: `${sentence} ${advice}`, command: { does: 'showStatus' } }
      }
    }
  }
}
