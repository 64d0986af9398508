import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { Consent } from '../../../src/consent/consent.ts'
import { consentLimits } from '../../../src/consent/limits.ts'
import type { AskConsent, ConsentAnswer, ConsentQuestion } from '../../../src/consent/question.ts'
import type { CallingTool } from '../../../src/socket/gate.ts'
import type { Scope } from '../../../src/socket/scopes.ts'
import { programAt, unknownProgram } from './programs.ts'

const site = 'https://studio.example'
const maya = programAt('/usr/bin/maya')
const nuke = programAt('/usr/bin/nuke', { pid: 4712 })
const log = { debug() {}, info() {}, warn() {}, error() {} }
const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }

/** The artist in front of the screen: what is on it, and how to answer. */
class Screen {
  readonly shown: ConsentQuestion[] = []
  isLocked = false
  fails = false
  #answer: ((answer: ConsentAnswer) => void) | undefined

  readonly ask: AskConsent = (question, signal) => {
    if (this.fails) return Promise.reject(new Error('no window'))
    expect(this.#answer, 'two questions at once').toBeUndefined()
    this.shown.push(question)
    signal.addEventListener('abort', () => {
      this.#answer = undefined
    })
    return new Promise((resolve) => {
      this.#answer = resolve
    })
  }

  get programs(): string[] {
    return this.shown.map(({ tool }) => (tool.identified.kind === 'known' ? tool.identified.peer.executable : '?'))
  }

  get isEmpty(): boolean {
    return this.#answer === undefined
  }

  async answer(answer: ConsentAnswer): Promise<void> {
    await settle()
    if (!this.#answer) throw new Error('no question is on the screen')
    this.#answer(answer)
    this.#answer = undefined
    await settle()
  }
}

let screen: Screen
let consent: Consent
let rootOwned: Set<string>
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date', 'performance'] })
  vi.setSystemTime(new Date(2026, 10, 20, 9, 0))
  screen = new Screen()
  rootOwned = new Set()
  consent = consentWith({})
})
afterEach(async () => {
  await consent.close()
  vi.useRealTimers()
})

function consentWith(tools: Partial<Config['tools']>, hasScreen = true): Consent {
  return new Consent({
    tools: { consent: 'prompt', allow: [], deny: [], ...tools },
    clock,
    log,
    files: { isRootOwned: async (file) => rootOwned.has(file), sha256Of: async () => undefined },
    limits: consentLimits,
    ask: hasScreen ? screen.ask : undefined,
    isScreenLocked: () => screen.isLocked,
    stateFolder: undefined,
    isHandingOn: async ({ script }) => script === '/opt/sg-session.js',
  })
}

/** Lets everything that waits for nothing happen. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

const outcomes = new WeakMap<Promise<unknown>, string>()
/** Asks as a tool that waits; `outcomeOf` says what came of it. */
function ask(tool: CallingTool, { scope = 'session' as Scope, at = site, interactive = true } = {}): Promise<unknown> {
  const asked = consent.demand(tool, scope, at, interactive)
  asked.then(
    () => outcomes.set(asked, 'allowed'),
    (error: { code: string }) => outcomes.set(asked, error.code),
  )
  return asked
}
async function outcomeOf(asked: Promise<unknown>): Promise<string> {
  await settle()
  return outcomes.get(asked) ?? 'waits'
}
async function adviceOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'allowed',
    (error: { advice: string }) => error.advice,
  )
}

describe('by the policy', () => {
  test('`allow-all` lets everybody in without a question, also one that nobody can name', async () => {
    consent = consentWith({ consent: 'allow-all' })
    for (const tool of [maya, unknownProgram()])
      for (const scope of ['status', 'session', 'rest', 'autodesk'] as const)
        expect(await outcomeOf(ask(tool, { scope }))).toBe('allowed')
    expect(screen.shown).toEqual([])
  })

  test('`allow-list` lets in what the list names, and asks nobody', async () => {
    consent = consentWith({ consent: 'allow-list', allow: [{ executable: '/usr/bin/maya' }] })
    expect(await outcomeOf(ask(maya))).toBe('allowed')
    expect(await outcomeOf(ask(maya, { scope: 'autodesk' }))).toBe('consent_denied')
    expect(await outcomeOf(ask(nuke))).toBe('consent_denied')
    expect(await outcomeOf(ask(unknownProgram()))).toBe('consent_denied')
    expect(await outcomeOf(ask(nuke, { scope: 'status' }))).toBe('allowed')
    await consent.allow({ executable: '/usr/bin/nuke', site, scope: 'rest' })
    expect(await outcomeOf(ask(nuke))).toBe('consent_denied')
    expect(screen.shown).toEqual([])
  })

  test('an allow rule spares the question, a deny rule beats everything', async () => {
    consent = consentWith({ allow: [{ executable: '/usr/bin/*' }], deny: [{ executable: '/usr/bin/nuke' }] })
    await consent.allow({ executable: '/usr/bin/nuke', site, scope: 'rest' })
    expect(await outcomeOf(ask(maya))).toBe('allowed')
    expect(await outcomeOf(ask(nuke))).toBe('consent_denied')
    expect(await outcomeOf(ask(nuke, { scope: 'status' }))).toBe('consent_denied')
    consent = consentWith({ consent: 'allow-all', deny: [{ executable: '/usr/bin/nuke' }] })
    expect(await outcomeOf(ask(nuke))).toBe('consent_denied')
    expect(screen.shown).toEqual([])
  })

  test('a program that nobody can name is not asked about', async () => {
    expect(await outcomeOf(ask(unknownProgram()))).toBe('consent_denied')
    expect(await outcomeOf(ask(unknownProgram(), { scope: 'status' }))).toBe('allowed')
    expect(screen.shown).toEqual([])
  })
})

describe('a yes', () => {
  test('for good is for that application and site, every process of it, the bearer too; not for the Autodesk token', async () => {
    const asked = ask(maya)
    await screen.answer('always')
    expect(await outcomeOf(asked)).toBe('allowed')
    expect(await outcomeOf(ask(programAt('/usr/bin/maya', { pid: 9, startMark: '7' }), { scope: 'rest' }))).toBe(
      'allowed',
    )
    expect(screen.shown).toHaveLength(1)
    for (const other of [
      ask(programAt('/usr/bin/maya', { script: '/x.py' })),
      ask(maya, { at: 'https://other.example' }),
      ask(maya, { scope: 'autodesk' }),
    ]) {
      expect(await outcomeOf(other)).toBe('waits')
      await screen.answer('deny')
      expect(await outcomeOf(other)).toBe('consent_denied')
    }
    expect(await outcomeOf(ask(maya))).toBe('allowed')
  })

  test('to the Autodesk token is a yes to the session', async () => {
    void ask(maya, { scope: 'autodesk' })
    await screen.answer('always')
    expect(await outcomeOf(ask(maya))).toBe('allowed')
    expect(consent.allowed()).toMatchObject([{ executable: '/usr/bin/maya', site, scope: 'autodesk' }])
  })

  test('for once is for that process: not for another of the program, nor a later one with its number', async () => {
    const own = programAt('/usr/bin/maya', { pid: process.pid })
    const asked = ask(own)
    await screen.answer('once')
    expect(await outcomeOf(asked)).toBe('allowed')
    expect(await outcomeOf(ask(own, { scope: 'rest' }))).toBe('allowed')
    expect(consent.allowed()).toMatchObject([{ executable: '/usr/bin/maya', pid: process.pid }])
    expect(await outcomeOf(ask(programAt('/usr/bin/maya', { pid: process.pid, startMark: '200' })))).toBe('waits')
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('to sg-session’s own command line is for once, whatever was answered: it hands on to whoever starts it', async () => {
    const command = programAt('/usr/bin/node', { script: '/opt/sg-session.js', pid: process.pid })
    const asked = ask(command)
    await screen.answer('always')
    expect(await outcomeOf(asked)).toBe('allowed')
    expect(await outcomeOf(ask(programAt('/usr/bin/node', { script: '/opt/sg-session.js' })))).toBe('waits')
    const wanted = { executable: '/usr/bin/node', script: '/opt/sg-session.js', site, scope: 'rest' } as const
    await expect(consent.allow(wanted)).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('to an interpreter that runs no script is for once too: it runs whatever it is given', async () => {
    const python = '/usr/bin/python3.11'
    void ask(programAt(python, { pid: process.pid }))
    await screen.answer('always')
    expect(await outcomeOf(ask(programAt(python, { pid: process.pid })))).toBe('allowed')
    expect(await outcomeOf(ask(programAt(python)))).toBe('waits')
    await expect(consent.allow({ executable: python, site, scope: 'rest' })).rejects.toMatchObject({
      code: 'invalid_request',
      advice: expect.stringMatching(/--script/),
    })
    // A program that can run scripts, but is one without.
    void ask(programAt('/usr/local/Nuke15.1v3/Nuke15.1'))
    await screen.answer('deny')
    await screen.answer('always')
    expect(await outcomeOf(ask(programAt('/usr/local/Nuke15.1v3/Nuke15.1', { pid: 9 })))).toBe('allowed')
  })

  test.each([
    ...['/usr/bin/python3.11-dbg', 'C:\\Python311\\python_d.exe', '/usr/bin/perl5.36-x86_64-linux-gnu', '/bin/tcsh'],
    ...[
      'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe',
      '/usr/bin/pwsh',
      '/bin/busybox',
      '/usr/bin/php8.2',
    ],
  ])('to %s without a script is for once too', async (executable) => {
    await expect(consent.allow({ executable, site, scope: 'rest' })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('holds while a file that only root could write still is such a file', async () => {
    rootOwned.add('/usr/bin/maya')
    void ask(maya)
    await screen.answer('always')
    expect(await outcomeOf(ask(maya))).toBe('allowed')
    rootOwned.clear()
    expect(await outcomeOf(ask(maya))).toBe('waits')
    await screen.answer('always')
    // Now it is known to be anybody's.
    expect(await outcomeOf(ask(maya))).toBe('allowed')
  })

  test('to the session gives back no Autodesk token that a file of today would not get', async () => {
    rootOwned.add('/usr/bin/maya')
    void ask(maya, { scope: 'autodesk' })
    await screen.answer('always')
    rootOwned.clear()
    void ask(maya)
    await screen.answer('always')
    expect(await outcomeOf(ask(maya))).toBe('allowed')
    expect(await outcomeOf(ask(maya, { scope: 'autodesk' }))).toBe('waits')
  })

  test('is told to whoever listens, with the application and the site', async () => {
    const told: unknown[] = []
    consent.allowedNow.listen((...what) => told.push(what))
    void ask(maya)
    await screen.answer('once')
    expect(told).toEqual([[{ executable: '/usr/bin/maya' }, site]])
  })
})

describe('a question', () => {
  test('is asked once for all who wait for the same', async () => {
    const asked = [ask(maya), ask(maya, { scope: 'rest' }), ask(maya)]
    await screen.answer('always')
    for (const one of asked) expect(await outcomeOf(one)).toBe('allowed')
    expect(screen.shown).toHaveLength(1)
  })

  test('that was answered for one process is asked again for the next', async () => {
    const own = programAt('/usr/bin/maya', { pid: process.pid })
    const first = ask(own)
    const second = ask(maya)
    await screen.answer('once')
    expect(await outcomeOf(first)).toBe('allowed')
    expect(await outcomeOf(second)).toBe('waits')
    expect(screen.shown.map(({ tool }) => tool.claim.pid)).toEqual([process.pid, 4711])
    await screen.answer('once')
    expect(await outcomeOf(second)).toBe('allowed')
  })

  test('comes up when the one before it is answered, in the order they came', async () => {
    const first = ask(maya)
    const second = ask(nuke)
    await settle()
    expect(screen.programs).toEqual(['/usr/bin/maya'])
    await screen.answer('deny')
    expect(await outcomeOf(first)).toBe('consent_denied')
    expect(screen.programs).toEqual(['/usr/bin/maya', '/usr/bin/nuke'])
    await screen.answer('always')
    expect(await outcomeOf(second)).toBe('allowed')
  })

  test('goes up for a caller that does not wait, which hears at once what to do', async () => {
    const asked = ask(maya, { interactive: false })
    expect(await outcomeOf(asked)).toBe('interaction_required')
    expect(await adviceOf(asked)).toMatch(/Answer the question on the screen, then try again/)
    expect(await outcomeOf(ask(maya, { interactive: false }))).toBe('interaction_required')
    expect(screen.shown).toHaveLength(1)
    await screen.answer('always')
    expect(await outcomeOf(ask(maya, { interactive: false }))).toBe('allowed')
  })

  test('without an answer is off the screen after a minute, and counts as no for ten', async () => {
    const asked = ask(maya)
    await vi.advanceTimersByTimeAsync(59_999)
    expect(await outcomeOf(asked)).toBe('waits')
    expect(screen.isEmpty).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcomeOf(asked)).toBe('consent_timeout')
    expect(screen.isEmpty).toBe(true)
    const again = ask(maya)
    expect(await outcomeOf(again)).toBe('consent_denied')
    expect(await adviceOf(again)).toMatch(/asks again after 09:11:00\. .*sg-session tools allow/)
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('that was refused is not asked again for ten minutes: no question about less or more, another program is', async () => {
    void ask(maya).catch(() => undefined)
    await screen.answer('deny')
    expect(consent.refused()).toMatchObject([{ executable: '/usr/bin/maya', site, scope: 'rest' }])
    expect(await outcomeOf(ask(maya))).toBe('consent_denied')
    expect(await outcomeOf(ask(maya, { scope: 'autodesk' }))).toBe('consent_denied')
    expect(await outcomeOf(ask(maya, { interactive: false }))).toBe('consent_denied')
    expect(await outcomeOf(ask(nuke))).toBe('waits')
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(consent.refused()).toMatchObject([{ executable: '/usr/bin/nuke' }])
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('about the Autodesk token that was refused leaves the session to be asked about', async () => {
    void ask(maya, { scope: 'autodesk' }).catch(() => undefined)
    await screen.answer('deny')
    expect(await outcomeOf(ask(maya, { scope: 'autodesk' }))).toBe('consent_denied')
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('waits for nobody who has waited a minute, though it has not had its turn', async () => {
    const first = ask(maya)
    const second = ask(nuke)
    await vi.advanceTimersByTimeAsync(30_000)
    await screen.answer('always')
    expect(await outcomeOf(first)).toBe('allowed')
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await outcomeOf(second)).toBe('consent_timeout')
    // It is on the screen for its own minute, and the answer counts for the next time.
    await screen.answer('always')
    expect(await outcomeOf(ask(nuke))).toBe('allowed')
  })

  test('is not asked while the screen is locked', async () => {
    screen.isLocked = true
    const asked = ask(maya)
    expect(await outcomeOf(asked)).toBe('consent_denied')
    expect(await adviceOf(asked)).toMatch(/Unlock the screen/)
    screen.isLocked = false
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('is taken off when the screen is locked, with those behind it, and none of it counts as no', async () => {
    const asked = [ask(maya), ask(nuke)]
    await settle()
    screen.isLocked = true
    await vi.advanceTimersByTimeAsync(1_000)
    for (const one of asked) expect(await outcomeOf(one)).toBe('consent_timeout')
    expect(screen.isEmpty).toBe(true)
    expect(screen.programs).toEqual(['/usr/bin/maya'])
    screen.isLocked = false
    expect(consent.refused()).toEqual([])
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('that cannot be shown is no answer', async () => {
    screen.fails = true
    expect(await outcomeOf(ask(maya))).toBe('consent_timeout')
    screen.fails = false
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('is the eighth that waits, or is not asked', async () => {
    const asked = Array.from({ length: 9 }, (_, index) => ask(programAt(`/usr/bin/tool${index}`)))
    expect(await outcomeOf(asked[7] ?? Promise.reject(new Error()))).toBe('waits')
    expect(await outcomeOf(asked[8] ?? Promise.reject(new Error()))).toBe('consent_denied')
    expect(consent.questions.pending()).toHaveLength(8)
    // One that waits may still be joined.
    expect(await outcomeOf(ask(programAt('/usr/bin/tool3')))).toBe('waits')
    await screen.answer('always')
    expect(await outcomeOf(ask(programAt('/usr/bin/tool8')))).toBe('waits')
  })

  test('is not asked after five that were not welcome, until the ten minutes are over', async () => {
    for (const index of [0, 1, 2, 3, 4]) {
      void ask(programAt(`/usr/bin/tool${index}`)).catch(() => undefined)
      await screen.answer(index === 2 ? 'always' : 'deny')
    }
    void ask(programAt('/usr/bin/tool5')).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    const asked = ask(maya)
    expect(await outcomeOf(asked)).toBe('consent_denied')
    expect(await adviceOf(asked)).toMatch(/asks again after 09:10:00/)
    expect(await outcomeOf(ask(programAt('/usr/bin/tool2')))).toBe('allowed')
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('is taken back when the agent stops', async () => {
    const asked = ask(maya)
    await settle()
    await consent.close()
    expect(await outcomeOf(asked)).toBe('consent_timeout')
    expect(screen.isEmpty).toBe(true)
  })

  test('may be answered elsewhere while it is on the screen', async () => {
    const asked = ask(maya)
    await settle()
    const [question] = consent.questions.pending()
    expect(consent.questions.answer(question?.id ?? '', 'always')).toBe(true)
    expect(await outcomeOf(asked)).toBe('allowed')
    expect(screen.isEmpty).toBe(true)
    expect(consent.questions.answer(question?.id ?? '', 'deny')).toBe(false)
  })
})

describe('where there is no screen', () => {
  beforeEach(() => {
    consent = consentWith({}, false)
  })

  test('questions wait in a list, several at once, for ten minutes; callers wait one', async () => {
    const asked = [ask(maya), ask(nuke)]
    await settle()
    expect(consent.questions.pending()).toMatchObject([{ site, scope: 'rest', tool: maya }, { tool: nuke }])
    await vi.advanceTimersByTimeAsync(60_000)
    for (const one of asked) expect(await outcomeOf(one)).toBe('consent_timeout')
    await vi.advanceTimersByTimeAsync(8 * 60_000)
    const [, second] = consent.questions.pending()
    consent.questions.answer(second?.id ?? '', 'always')
    expect(await outcomeOf(ask(nuke))).toBe('allowed')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(consent.questions.pending()).toEqual([])
    // Nobody was disturbed: it may be asked again.
    expect(await outcomeOf(ask(maya))).toBe('waits')
  })

  test('a caller that does not wait hears the command to answer with', async () => {
    const asked = ask(maya, { interactive: false })
    await settle()
    const [question] = consent.questions.pending()
    expect(await adviceOf(asked)).toBe(`Run "sg-session tools approve ${question?.id}", then try again.`)
  })

  test('a no is remembered for ten minutes, a locked screen is nobody’s', async () => {
    screen.isLocked = true
    const asked = ask(maya)
    await settle()
    consent.questions.answer(consent.questions.pending()[0]?.id ?? '', 'deny')
    expect(await outcomeOf(asked)).toBe('consent_denied')
    expect(await outcomeOf(ask(maya))).toBe('consent_denied')
  })
})

describe('what was allowed', () => {
  test('before it asked is not asked about, and answers a question that waits', async () => {
    const asked = ask(maya)
    await settle()
    await consent.allow({ executable: '/usr/bin/maya', site, scope: 'autodesk' })
    expect(await outcomeOf(asked)).toBe('allowed')
    expect(await outcomeOf(ask(maya, { scope: 'autodesk' }))).toBe('allowed')
  })

  test('takes away the no of a moment ago', async () => {
    void ask(maya).catch(() => undefined)
    await screen.answer('deny')
    await consent.allow({ executable: '/usr/bin/maya', site, scope: 'rest' })
    expect(await outcomeOf(ask(maya))).toBe('allowed')
  })

  test('is taken back with what was allowed for once; who listens hears of it', async () => {
    const own = programAt('/usr/bin/maya', { pid: process.pid })
    const told: unknown[] = []
    consent.revokedNow.listen((application) => told.push(application))
    void ask(own, { at: 'https://other.example' })
    await screen.answer('once')
    const { id } = await consent.allow({ executable: '/usr/bin/maya', site, scope: 'rest' })
    expect(consent.allowed()).toHaveLength(2)
    await consent.revoke(id)
    expect(consent.allowed()).toEqual([])
    expect(told).toEqual([{ executable: '/usr/bin/maya' }])
    expect(await outcomeOf(ask(own, { at: 'https://other.example' }))).toBe('waits')
    await expect(consent.revoke(id)).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('for once is not on the list any more when the process has ended', async () => {
    void ask(programAt('/usr/bin/maya', { pid: 2 ** 30 }))
    await screen.answer('once')
    expect(consent.allowed()).toEqual([])
  })
})
