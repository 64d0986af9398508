import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config/config.ts'
import { AgentError } from '../../src/errors.ts'
import type { OpenBrowser } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import type { SiteStatus } from '../../src/session/changes.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { personNamed } from '../sandbox/people.ts'
import { nodeFetch, rules, silentLog, startWorld, type World } from './world.ts'

export const modes = ['default', 'saml2', 'oxygen'] as const
export const ways = ['broker', 'web', 'legacy'] as const

/**
 * How it is with a person, and who plays that. `expired`: the session ends at the site after the sign-in. `revoked`: an
 * administrator disables the person after it, which is what an administrator can do. The rest holds before the sign-in.
 */
export const states = {
  ok: 'artist',
  expired: 'supervisor',
  revoked: 'reused',
  disabled: 'disabled',
  locked: 'no-impersonation',
  'two-factor': 'two-factor',
  'no token': 'no-pat',
  'deleted token': 'deleted-pat',
  'no passphrase': 'no-passphrase',
} as const

export type Mode = (typeof modes)[number]
export type WayName = (typeof ways)[number]
export type State = keyof typeof states

/** What came of it, step by step: `ok`, or an error's code; and in words. */
export interface Outcome {
  readonly codes: readonly string[]
  readonly words: readonly string[]
}

/** How long a site remembers a request of its launcher, and a little. */
const launchForgottenMs = 306_000

/** One kind of site, and everybody going every way in to it. */
export class MatrixSite {
  readonly #world: World
  readonly #agents: Agent[] = []

  private constructor(world: World) {
    this.#world = world
  }

  static async start(mode: Mode, launcher: boolean): Promise<MatrixSite> {
    const world = await startWorld({ site: { mode, launcher } })
    const { site } = world
    site.person(states.locked).canImpersonate = true
    site.person(states.locked).lockedUntil = '2199-01-01T00:00:00Z'
    return new MatrixSite(world)
  }

  /** One way after the other: each sees the people as they were seeded. */
  async playAll(): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = new Map<string, Outcome>()
    for (const way of ways) {
      for (const [state, outcome] of await this.#play(way)) outcomes.set(`${way} ${state}`, outcome)
    }
    return outcomes
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.close()))
    await this.#world.close()
  }

  async #play(way: WayName): Promise<[State, Outcome][]> {
    const all = Object.keys(states) as State[]
    if (way === 'web') return this.#playWeb(all)
    const outcomes: [State, Outcome][] = []
    // One at a time: a broker's sign-in holds one of three redirect ports.
    for (const state of all) {
      const agent = way === 'broker' ? this.#world.agent(states[state]) : this.#agent('legacy')
      const story = new Story()
      if (way === 'broker') await story.tellSignIn(agent.signIn(undefined))
      else await this.#type(agent, state, story)
      if (story.isSignedIn) await this.#afterwards(agent, state, story)
      outcomes.push([state, story])
    }
    return outcomes
  }

  /** All at once, because each waits two seconds for its next question to the site. */
  async #playWeb(all: readonly State[]): Promise<[State, Outcome][]> {
    const begun = all.map((state) => {
      let answered: (approved: boolean) => void = () => undefined
      const isApproved = new Promise<boolean>((resolve) => {
        answered = resolve
      })
      const agent = this.#agent('web', async (url) => answered(await this.#approve(url, state)))
      const story = new Story()
      const done = story.tellSignIn(agent.signIn(undefined))
      return { state, agent, story, done, isApproved: Promise.race([isApproved, done.then(() => true)]) }
    })
    const approved = await Promise.all(begun.map(({ isApproved }) => isApproved))
    await Promise.all(begun.filter((_one, index) => approved[index]).map(({ done }) => done))
    // Whoever cannot get into the site in the browser leaves it at that, until the site has had enough.
    this.#world.site.clock.advance(launchForgottenMs)
    return Promise.all(
      begun.map(async ({ state, agent, story, done }): Promise<[State, Outcome]> => {
        await done
        if (story.isSignedIn) await this.#afterwards(agent, state, story)
        return [state, story]
      }),
    )
  }

  /** What the person does in the browser: signs in to the site, if it lets them, and says yes. */
  async #approve(url: URL, state: State): Promise<boolean> {
    const person = personNamed(states[state])
    const browser = new HeadlessBrowser()
    const { location = '' } = await browser.send(url)
    const login = new URL(location, url)
    const returnPath = login.searchParams.get('return_path') ?? ''
    const form = new URLSearchParams({
      return_path: returnPath,
      login: person.site?.login ?? '',
      passphrase: person.site?.passphrase ?? 'what they believe it is',
      code: person.site?.twoFactorCode ?? '',
      email: person.email,
      password: person.autodesk?.password ?? '',
    })
    const { status } = await browser.send(login, form)
    if (status !== 303) return false
    const answer = await browser.send(new URL(returnPath, url), new URLSearchParams({ decision: 'approve' }))
    return answer.status === 200
  }

  /** What the person types: what they know, the code when they are asked, and thrice where they are locked out. */
  async #type(agent: Agent, state: State, story: Story): Promise<void> {
    const asked = new Promise<void>((resolve) => {
      agent.onSignInStep(() => resolve())
    })
    const done = agent.signIn(undefined)
    if (await Promise.race([asked, done.then(undefined, () => 'refused')])) return story.tellSignIn(done)
    done.catch(() => undefined)
    const {
      login = '',
      passphrase = 'what they believe it is',
      twoFactorCode = '',
    } = personNamed(states[state]).site ?? {}
    const typed = { login, passphrase: new Secret(passphrase) }
    for (let tries = 1; tries <= (state === 'locked' ? 3 : 1); tries += 1) {
      await story.tellSignIn(agent.submitCredentials(undefined, typed))
    }
    if (story.codes.at(-1) !== 'two_factor_required') return
    for (const code of ['000000', twoFactorCode]) {
      await story.tellSignIn(agent.submitCredentials(undefined, { ...typed, code: new Secret(code) }))
    }
  }

  /** The session ends at the site, and a tool finds out. */
  async #afterwards(agent: Agent, state: State, story: Story): Promise<void> {
    const { site } = this.#world
    const person = site.person(states[state])
    if (state === 'expired') site.expireSessions({ login: person.login })
    else if (state === 'revoked') person.status = 'dis'
    else return
    const before = await agent.session(undefined, 0, false)
    await story.tell(agent.reportRejected(undefined, before.generation), () => 'session/reportRejected: renewed')
    await story.tell(agent.session(undefined, 0, false), ({ session }) => {
      const isNext = session.sessionToken.reveal() !== before.session.sessionToken.reveal()
      return isNext ? 'session/get: the next session' : 'session/get: the session that has ended'
    })
    person.status = 'act'
  }

  #agent(signIn: 'web' | 'legacy', openBrowser: OpenBrowser = async () => undefined): Agent {
    const content = { sites: [{ url: this.#world.site.url, signIn }] }
    const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
    const agent = new Agent(config, { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser }, rules)
    this.#agents.push(agent)
    return agent
  }
}

/** What happened, in the order it did. */
class Story implements Outcome {
  readonly codes: string[] = []
  readonly words: string[] = []

  get isSignedIn(): boolean {
    return this.codes.at(-1) === 'ok'
  }

  /** Of a sign-in. */
  tellSignIn(what: Promise<SiteStatus>): Promise<void> {
    return this.tell(what, ({ login, obtainedBy, expiry }) => `signed in as ${login} by ${obtainedBy}, end ${expiry}`)
  }

  /** Never throws: what went wrong is what is told. */
  async tell<T>(what: Promise<T>, inWords: (outcome: T) => string): Promise<void> {
    try {
      const words = inWords(await what)
      this.codes.push('ok')
      this.words.push(words)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      this.codes.push(error.code)
      this.words.push(`${error.code}: ${error.message} | ${error.advice}`.replaceAll('\n', ' ⏎ '))
    }
  }
}
