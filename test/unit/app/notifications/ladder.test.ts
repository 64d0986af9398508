import { describe, expect, test } from 'vitest'
import { type Notice, NotificationLadder } from '../../../../app/notifications/ladder.ts'
import type { Language } from '../../../../app/strings/catalogue.ts'
import type { SiteStatus } from '../../../../src/session/changes.ts'
import { at, english, french, minute, secondUnit, signedIn, signedOut, statusOf, studio } from '../situations.ts'

/** A ladder with a clock that a test sets, and what it would have shown. */
class Stage {
  now = at(8)
  readonly #ladder = new NotificationLadder(() => this.now, 30 * minute)
  readonly #language: Language

  constructor(language: Language = english) {
    this.#language = language
  }

  change(status: Partial<SiteStatus>, afterMs = 0): string | undefined {
    this.now += afterMs
    const answer = this.#ladder.onChange(statusOf(status), this.#language)
    return typeof answer === 'object' ? titleOf(answer) : answer
  }

  notice(status: Partial<SiteStatus>): Notice | 'close' | undefined {
    return this.#ladder.onChange(statusOf(status), this.#language)
  }

  refuse(tool = 'Maya', site = studio): Notice | undefined {
    return this.#ladder.onRefusal({ tool, site }, this.#language)
  }

  ask(name = 'maya.bin'): Notice | undefined {
    return this.#ladder.onQuestion(name, this.#language)
  }

  unanswered(name = 'maya.bin'): Notice | undefined {
    return this.#ladder.onUnanswered({ key: name, name }, this.#language)
  }

  withdraw(name = 'maya.bin'): void {
    this.#ladder.onWithdrawn({ key: name, name }, this.#language)
  }

  deny(name = 'maya.bin'): Notice | undefined {
    return this.#ladder.onDenied({ key: name, name }, this.#language)
  }

  sayNo(name = 'maya.bin'): void {
    this.#ladder.onArtistDenied({ key: name, name })
  }

  lock(): void {
    this.#ladder.onLock()
  }

  unlock(): string | undefined {
    return titleOf(this.#ladder.onUnlock(this.#language))
  }
}

const titleOf = (notice: Notice | undefined): string | undefined => notice?.title
const ended: Partial<SiteStatus> = { ...signedOut, reason: 'session_ended' }
const ending: Partial<SiteStatus> = { ...signedIn, reason: 'ending' }
const renewed: Partial<SiteStatus> = { ...signedIn, reason: 'renewed' }
const signedOutByHand: Partial<SiteStatus> = { ...signedOut, reason: 'signed_out' }
const elsewhere = (status: Partial<SiteStatus>): Partial<SiteStatus> => ({ ...status, site: secondUnit })
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ')

describe('what is told', () => {
  test('that somebody is signed in, and until when; a click shows the status', () => {
    const notice = new Stage().notice(signedIn) as Notice
    expect({ ...notice, body: plain(notice.body) }).toEqual({
      title: 'Signed in as Plain Artist',
      body: 'Every tool has the session until 7:40 PM.',
      command: { does: 'showStatus' },
    })
  })

  test('who has no name is called by the login', () => {
    expect(new Stage().change({ ...signedIn, name: '' })).toBe('Signed in as artist@studio.example')
  })

  test('half an hour before the end; a click signs in again', () => {
    const stage = new Stage()
    stage.now = at(19, 10)
    expect(stage.notice(ending)).toEqual({
      title: 'Your ShotGrid session ends in 30 min',
      body: 'Renew it now, and nothing is interrupted.',
      command: { does: 'signIn', site: studio },
      button: 'Renew now',
    })
  })

  test.for(['session_ended', 'screen_locked', 'slept_too_long'] as const)('the end, by %s', (reason) => {
    expect(new Stage().notice({ ...signedOut, reason })).toEqual({
      title: 'Your ShotGrid session has ended',
      body: 'Sign in again when a tool needs it.',
      command: { does: 'signIn', site: studio },
      button: 'Sign in',
    })
  })

  test.for([
    'sign_in_timeout',
    'access_denied',
    'broker_unreachable',
    'account_not_mapped',
    'redirect_ports_busy',
    'internal_error',
  ] as const)('a sign-in that failed, by %s: what happened and what to do', (reason) => {
    const { sentence, advice } = english.strings.errors[reason]
    expect(new Stage().notice({ ...signedOut, reason })).toEqual({
      title: 'ShotGrid sign-in',
      body: `${sentence} ${advice}`,
      command: { does: 'showStatus' },
    })
  })

  test('in French the same', () => {
    const stage = new Stage(french)
    expect(stage.change(signedIn)).toBe('Connecté en tant que Plain Artist')
    expect(stage.change(ended)).toBe('Votre session ShotGrid est terminée')
    expect(stage.refuse()?.title).toBe('Maya a besoin de ShotGrid')
    expect(stage.change({ ...signedOut, reason: 'access_denied' })).toBe('Connexion à ShotGrid')
  })
})

describe('what is not told', () => {
  test('an end that comes right after signing in', () => {
    const stage = new Stage()
    const soon = { signInEndsAt: stage.now + 20 * minute }
    stage.change({ ...signedIn, ...soon })
    expect(stage.change({ ...ending, ...soon }, 2 * minute - 1)).toBeUndefined()
    expect(stage.change({ ...ending, ...soon }, 1)).toBe('Your ShotGrid session ends in 18 min')
  })

  test('an end that comes right after a session was taken up again', () => {
    const stage = new Stage()
    const soon = { signInEndsAt: stage.now + 20 * minute }
    expect(stage.change({ ...signedIn, ...soon, reason: 'resumed' })).toBe('close')
    expect(stage.change({ ...ending, ...soon }, minute)).toBeUndefined()
  })

  test('one site’s sign-in keeps no other site’s end quiet', () => {
    const stage = new Stage()
    stage.change(signedIn)
    expect(stage.change(elsewhere({ ...ending, signInEndsAt: stage.now + 20 * minute }))).toBe(
      'Your ShotGrid session ends in 20 min',
    )
  })

  test('an end farther away than the reminder: the clock was set back meanwhile', () => {
    const stage = new Stage()
    stage.now = at(19, 10) - 1
    expect(stage.change(ending)).toBeUndefined()
  })

  test.for(['broker_unreachable', 'site_unreachable', 'proof_rejected', 'internal_error'] as const)(
    'a renewal that failed by %s while the session lives on',
    (problem) => expect(new Stage().change({ ...signedIn, reason: problem, problem })).toBeUndefined(),
  )

  test('a renewal, and it takes no notification away: the reminder before it is still true', () => {
    expect(new Stage().change(renewed)).toBeUndefined()
  })

  test('a state nothing has led to', () => expect(new Stage().change(signedOut)).toBeUndefined())
})

test.for([
  ['starting to sign in', { state: 'signing_in', reason: 'sign_in_started' }],
  ['signing out', signedOutByHand],
  ['cancelling', { ...signedOut, reason: 'sign_in_cancelled' }],
  ['being signed in as before', { ...signedIn, reason: 'resumed' }],
] as const)('%s closes the notification that stands, and makes none', ([, status]) => {
  const stage = new Stage()
  stage.change(ended)
  expect(stage.change(status)).toBe('close')
})

describe('a tool that is refused', () => {
  test('is told, and a click signs in to that site', () => {
    expect(new Stage().refuse('Maya', secondUnit)).toEqual({
      title: 'Maya needs ShotGrid',
      body: 'Nobody is signed in. Sign in, then try again in the tool.',
      command: { does: 'signIn', site: secondUnit },
      button: 'Sign in',
    })
  })

  test('is told once in ten minutes, however many tools ask', () => {
    const stage = new Stage()
    expect(stage.refuse('Maya')).toBeDefined()
    stage.now += 10 * minute - 1
    expect(stage.refuse('Maya')).toBeUndefined()
    expect(stage.refuse('Nuke')).toBeUndefined()
    stage.now += 1
    expect(stage.refuse('Nuke')?.title).toBe('Nuke needs ShotGrid')
    expect(stage.refuse('Nuke')).toBeUndefined()
  })

  test('is told of each site by itself', () => {
    const stage = new Stage()
    expect(stage.refuse('Maya', studio)).toBeDefined()
    expect(stage.refuse('Maya', secondUnit)).toBeDefined()
    expect(stage.refuse('Maya', secondUnit)).toBeUndefined()
  })

  test('is not told behind a locked screen, nor afterwards; and does not use up the next one', () => {
    const stage = new Stage()
    stage.lock()
    expect(stage.refuse()).toBeUndefined()
    expect(stage.unlock()).toBeUndefined()
    expect(stage.refuse()).toBeDefined()
  })

  test('may have no name', () => expect(new Stage().refuse('')?.title).toBe('An unnamed tool needs ShotGrid'))
})

describe('a question about a program', () => {
  test('that waits is told, and a click brings it to the front', () => {
    expect(new Stage().ask()).toEqual({
      title: 'May maya.bin use your session?',
      body: 'A question waits for your answer, and is gone in a minute.',
      command: { does: 'showConsent' },
      button: 'Answer',
    })
  })

  test('that nobody answered is told once a day, and a click shows the programs', () => {
    const stage = new Stage()
    expect(stage.unanswered()).toEqual({
      title: 'maya.bin asked for your session',
      body: 'Nobody answered, so it got nothing. Under Programs you can have it ask again.',
      command: { does: 'showPrograms' },
      button: 'Show programs',
    })
    expect(stage.unanswered()).toBeUndefined()
    expect(stage.deny()).toBeUndefined()
    expect(stage.unanswered('nuke')).toBeDefined()
    stage.now += 24 * 60 * minute
    expect(stage.unanswered()).toBeDefined()
  })

  test('that the lock took away is told at unlocking, and no other one is', () => {
    const stage = new Stage()
    stage.lock()
    stage.withdraw()
    expect(stage.ask()).toBeUndefined()
    expect(stage.unlock()).toBe('maya.bin asked for your session')
    stage.lock()
    expect(stage.unlock()).toBeUndefined()
    // Not the lock, but the agent’s own end.
    stage.withdraw('nuke')
    stage.lock()
    expect(stage.unlock()).toBeUndefined()
  })

  test('behind the lock gives way to a session that ended there', () => {
    const stage = new Stage()
    stage.change(signedIn)
    stage.lock()
    stage.withdraw()
    stage.change(ended)
    expect(stage.unlock()).toBe('Your ShotGrid session has ended')
  })
})

describe('a program that is not allowed', () => {
  test('is told once a day, and a click shows the status', () => {
    const stage = new Stage()
    expect(stage.deny()).toEqual({
      title: 'maya.bin did not get your session',
      body: 'It is not allowed here. If you need it, ask IT.',
      command: { does: 'showStatus' },
    })
    stage.now += 13 * 60 * minute
    expect(stage.deny()).toBeUndefined()
    stage.now += 11 * 60 * minute
    expect(stage.deny()).toBeDefined()
  })

  test('is not told when the artist has just said no, nor behind a locked screen', () => {
    const stage = new Stage()
    stage.sayNo()
    expect(stage.deny()).toBeUndefined()
    stage.lock()
    expect(stage.deny('nuke')).toBeUndefined()
    stage.unlock()
    expect(stage.deny('nuke')).toBeDefined()
  })

  test('under ever new names fills no day: twenty are told', () => {
    const stage = new Stage()
    const told = Array.from({ length: 100 }, (_, index) => stage.deny(`program ${index}`)).filter(Boolean)
    expect(told).toHaveLength(20)
  })
})

describe('behind a locked screen', () => {
  /** What is told at unlocking, after these changes behind the lock; nothing may be told before. */
  function toldAfter(...changes: Partial<SiteStatus>[]): string | undefined {
    const stage = new Stage()
    stage.now = at(19, 20)
    stage.lock()
    for (const change of changes) expect(stage.change(change)).toBeUndefined()
    return stage.unlock()
  }

  test('nothing happened: nothing is told', () => expect(toldAfter()).toBeUndefined())

  test('the session ended: told at unlocking, once', () => {
    const stage = new Stage()
    stage.lock()
    expect(stage.change(ended)).toBeUndefined()
    expect(stage.unlock()).toBe('Your ShotGrid session has ended')
    stage.lock()
    expect(stage.unlock()).toBeUndefined()
  })

  test('locking itself ended it', () => {
    expect(toldAfter({ ...signedOut, reason: 'screen_locked' })).toBe('Your ShotGrid session has ended')
  })

  test('the end came near: told with the minutes that are left then', () => {
    const stage = new Stage()
    stage.now = at(19, 10)
    stage.lock()
    stage.change(ending)
    stage.now = at(19, 28)
    expect(stage.unlock()).toBe('Your ShotGrid session ends in 12 min')
  })

  test('only what is true at last counts', () => {
    expect(toldAfter(ending, ended)).toBe('Your ShotGrid session has ended')
    expect(toldAfter(ended, signedIn)).toBe('Signed in as Plain Artist')
    expect(toldAfter(ended, signedOutByHand)).toBeUndefined()
    expect(toldAfter(ended, { ...signedIn, reason: 'resumed' })).toBeUndefined()
    expect(toldAfter(ended, { state: 'signing_in', reason: 'sign_in_started' })).toBeUndefined()
  })

  test('a renewal, or trouble with one, takes no reminder back', () => {
    expect(toldAfter(ending, renewed)).toBe('Your ShotGrid session ends in 20 min')
    expect(toldAfter(ending, { ...signedIn, reason: 'site_unreachable', problem: 'site_unreachable' })).toBe(
      'Your ShotGrid session ends in 20 min',
    )
  })

  test('what one site does hides nothing of another', () => {
    expect(toldAfter(ended, elsewhere(renewed))).toBe('Your ShotGrid session has ended')
    expect(toldAfter(ended, elsewhere(signedOutByHand))).toBe('Your ShotGrid session has ended')
  })

  test('two sites have news: the newest is told', () => {
    expect(toldAfter(ending, elsewhere(ended))).toBe('Your ShotGrid session has ended')
    expect(toldAfter(elsewhere(ended), ending)).toBe('Your ShotGrid session ends in 20 min')
    expect(toldAfter(ended, elsewhere(signedIn), ended)).toBe('Your ShotGrid session has ended')
  })

  test('once it is open again, things are told as ever', () => {
    const stage = new Stage()
    stage.lock()
    stage.unlock()
    expect(stage.change(ended)).toBe('Your ShotGrid session has ended')
    expect(stage.refuse()).toBeDefined()
  })
})

test('a sign-in that waited for login and passphrase is not said to have waited at the browser, locked or not', () => {
  const late = statusOf({ ...signedOut, reason: 'sign_in_timeout' })
  const ladder = new NotificationLadder(() => at(10), 30 * minute)
  const body = 'No login and passphrase were entered in time. Sign in again when you have both at hand.'
  expect(ladder.onChange(late, english, 'credentials')).toMatchObject({ body })
  ladder.onLock()
  expect(ladder.onChange(late, english, 'credentials')).toBeUndefined()
  expect(ladder.onUnlock(english)).toMatchObject({ body })
  expect(ladder.onChange(late, english, 'browser')).toMatchObject({
    body: expect.stringContaining('If the browser showed'),
  })
})
