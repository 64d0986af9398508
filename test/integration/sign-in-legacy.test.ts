import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { AgentError } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { LegacyWayIn } from '../../src/sign-in/legacy.ts'
import type { CredentialsStep } from '../../src/sign-in/way-in.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, nodeFetch, refusalOf, TestClock } from './world.ts'

let stage: SiteStage
beforeAll(async () => {
  stage = await startSiteStage({ mode: 'default' })
})
afterAll(() => stage.close())
beforeEach(() => {
  Object.assign(stage.site.switches, { mode: 'default', launcher: true })
})
afterEach(() => {
  stage.site.faults.clear()
  stage.site.calls.clear()
})

const right = { login: 'artist@studio.example', passphrase: new Secret('legacy-passphrase') }
const wrong = { ...right, passphrase: new Secret('wrong') }

/** An agent whose sign-in waits for credentials. */
async function waiting(fetch: Fetch = nodeFetch) {
  const agent = stage.agent('artist', 'legacy', { fetch })
  const done = agent.signIn(undefined)
  done.catch(() => undefined)
  await untilAsked(agent)
  return { agent, done, submit: (typed: object) => agent.submitCredentials(undefined, { ...right, ...typed }) }
}

function untilAsked(agent: Agent): Promise<CredentialsStep> {
  return vi.waitFor(() => {
    const step = agent.signInStep()
    if (step?.kind !== 'credentials') throw new Error('the sign-in does not ask yet')
    return step
  })
}

const asked = (method: string): number => stage.site.calls.get(method) ?? 0

describe('signing in with login and passphrase', () => {
  test('a refused try leaves the sign-in waiting, and the next may succeed', async () => {
    const { agent, done, submit } = await waiting()
    expect(await codeOf(submit(wrong))).toBe('passphrase_rejected')
    expect(agent.status()).toMatchObject([{ state: 'signing_in' }])
    expect(await submit(right)).toMatchObject({ state: 'signed_in', obtainedBy: 'legacy', expiry: 'exact' })
    expect(await done).toMatchObject({ login: 'artist@studio.example' })
  })

  test('the site asks for a code: the step says so, a wrong one is named, and the right one signs in', async () => {
    const { agent, submit } = await waiting()
    const login = 'two-factor'
    expect(agent.signInStep()).toMatchObject({ wantsCode: false })
    expect(await codeOf(submit({ login }))).toBe('two_factor_required')
    expect(agent.signInStep()).toMatchObject({ wantsCode: true })
    expect(await refusalOf(submit({ login, code: new Secret('000000') }))).toMatch(
      /^passphrase_rejected: .*passphrase and two-factor code/,
    )
    expect(agent.signInStep()).toMatchObject({ wantsCode: true })
    expect(await submit({ login, code: new Secret('246810') })).toMatchObject({ state: 'signed_in', login })
  })

  test('from the third refused try on it says that the site may have locked the user', async () => {
    const { agent, submit } = await waiting()
    const login = 'case-lower'
    const refusals = []
    for (let attempt = 1; attempt <= 3; attempt += 1) refusals.push(await refusalOf(submit({ ...wrong, login })))
    expect(refusals.map((said) => said.includes('may have locked the user'))).toEqual([false, false, true])
    agent.cancelSignIn(undefined)
    // A sign-in that has only just begun has refused nothing.
    const next = agent.signIn(undefined)
    next.catch(() => undefined)
    await untilAsked(agent)
    expect(await refusalOf(submit({ ...wrong, login }))).not.toContain('may have locked')
    agent.cancelSignIn(undefined)
  })

  test('after four refused tries within a minute a login is left alone, in the next sign-in too', async () => {
    const clock = new TestClock()
    const agent = stage.agent('artist', 'legacy', { clock })
    const begin = async () => {
      agent.signIn(undefined).catch(() => undefined)
      await untilAsked(agent)
    }
    const submit = (typed: object) => codeOf(agent.submitCredentials(undefined, { ...right, ...typed }))
    await begin()
    for (let attempt = 1; attempt <= 4; attempt += 1) expect(await submit(wrong)).toBe('passphrase_rejected')
    stage.site.calls.clear()
    expect(await submit(right)).toBe('rate_limited')
    agent.cancelSignIn(undefined)
    await begin()
    expect(await submit({ login: ' ARTIST@studio.example' })).toBe('rate_limited')
    expect(asked('get_session_token')).toBe(0)
    // Somebody else's is their own affair.
    expect(await submit({ ...wrong, login: 'case-lower' })).toBe('passphrase_rejected')
    clock.advance(60_000)
    expect(await submit(right)).toBe('ok')
  })

  test('a site with the company’s own sign-in is refused before anything is asked for', async () => {
    stage.site.switches.mode = 'saml2'
    const agent = stage.agent('artist', 'legacy')
    const steps: unknown[] = []
    agent.onSignInStep((_site, step) => steps.push(step))
    expect(await refusalOf(agent.signIn(undefined))).toMatch(/^legacy_sign_in_unavailable: .*\(saml2\)/)
    expect([steps, asked('get_session_token')]).toEqual([[], 0])
  })

  test('a site that changes over while somebody types says so too', async () => {
    const { agent, submit } = await waiting()
    stage.site.switches.mode = 'saml2'
    expect(await codeOf(submit(right))).toBe('legacy_sign_in_unavailable')
    agent.cancelSignIn(undefined)
  })
})

describe('a tool that asks for the session, interactive', () => {
  const headless = (signIn: 'auto' | 'legacy' | 'web' = 'auto') =>
    stage.agent('artist', signIn, {}, {}, { hasCredentialsWindow: false })

  test.each([
    ['the configuration says so', 'legacy', true],
    ['the site knows no other way', 'auto', false],
  ] as const)('is sent to a terminal at once by an agent without a window: %s', async (_why, signIn, launcher) => {
    stage.site.switches.launcher = launcher
    const agent = headless(signIn)
    const refusal = await agent.session(undefined, 0, true).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      code: 'interaction_required',
      message: `"${stage.site.url}" wants a login and passphrase, and this agent has no window to ask for them`,
      advice: 'Run "sg-session sign-in" in a terminal, then ask again.',
    })
    expect([agent.status()[0]?.state, agent.signInStep()]).toEqual(['signed_out', undefined])
  })

  test('joins the sign-in that somebody began at a terminal of such an agent', async () => {
    const agent = headless('legacy')
    const done = agent.signIn(undefined)
    await untilAsked(agent)
    const tool = agent.session(undefined, 0, true)
    await agent.submitCredentials(undefined, right)
    expect((await tool).session.login).toBe(right.login)
    await done
  })

  test('goes through the browser of such an agent where the site does', async () => {
    stage.site.switches.launcher = true
    expect((await headless().session(undefined, 0, true)).session.obtainedBy).toBe('web')
  })

  test('waits for the window where there is one', async () => {
    const agent = stage.agent('artist', 'legacy', {}, {}, { hasCredentialsWindow: true })
    const asked: string[] = []
    agent.onSignInStep((_site, { kind }) => asked.push(kind))
    const tool = agent.session(undefined, 0, true)
    await untilAsked(agent)
    await agent.submitCredentials(undefined, right)
    expect([(await tool).session.login, asked]).toEqual([right.login, ['credentials']])
  })
})

describe('one try at a time', () => {
  test('a second one meanwhile is refused, and the first goes on', async () => {
    const { submit } = await waiting()
    stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 200 } })
    const first = submit(right)
    expect(await codeOf(submit(wrong))).toBe('rate_limited')
    expect(await first).toMatchObject({ state: 'signed_in' })
    expect(asked('get_session_token')).toBe(1)
  })

  test('a try after the one that succeeded asks the site nothing', async () => {
    const { agent, submit } = await waiting()
    const step = await untilAsked(agent)
    await submit(right)
    expect(await codeOf(step.submit(right))).toBe('invalid_request')
    expect(await codeOf(submit(right))).toBe('invalid_request')
    expect(asked('get_session_token')).toBe(1)
  })
})

describe('a sign-in that is cancelled', () => {
  test('while it waits: it is over at once, and takes nothing any more', async () => {
    const { agent, done, submit } = await waiting()
    const step = await untilAsked(agent)
    agent.cancelSignIn(undefined)
    expect(await codeOf(done)).toBe('sign_in_cancelled')
    expect(await codeOf(submit(right))).toBe('invalid_request')
    expect(await codeOf(step.submit(right))).toBe('sign_in_cancelled')
    expect(asked('get_session_token')).toBe(0)
  })

  test('before it asks', async () => {
    stage.site.faults.inject({ path: '/api3/json', does: { kind: 'delay', ms: 300 } })
    const agent = stage.agent('artist', 'legacy')
    const done = agent.signIn(undefined)
    setTimeout(() => agent.cancelSignIn(undefined), 50)
    expect(await codeOf(done)).toBe('sign_in_cancelled')
    await new Promise((wake) => setTimeout(wake, 400))
    expect([agent.signInStep(), agent.status()[0]?.state]).toEqual([undefined, 'signed_out'])
  })

  // What the try asks the site: for the session, whose it is (two calls), and until when.
  test.each([
    ['the session is asked for', '/api3/json'],
    ['it is asked whose the session is', '/api/v1/auth/access_token'],
    ['it is asked how long the session lasts', '/internal_api/session'],
  ])('while %s: the try is over, and nobody is signed in', async (_when, path) => {
    const { agent, done, submit } = await waiting()
    stage.site.faults.inject({ path, does: { kind: 'delay', ms: 400 } })
    const attempt = submit(right)
    setTimeout(() => agent.cancelSignIn(undefined), 200)
    expect(await codeOf(attempt)).toBe('sign_in_cancelled')
    expect(await codeOf(done)).toBe('sign_in_cancelled')
    await new Promise((wake) => setTimeout(wake, 400))
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
    expect(await codeOf(agent.session(undefined, 0, false))).toBe('login_required')
  })

  test('when the session is already home, which is thrown away', async () => {
    const abort = new AbortController()
    const steps: CredentialsStep[] = []
    const way = new LegacyWayIn({ site: stage.site.url }, { fetch: deafFetch, clock: systemClock })
    const done = way.signIn({
      switchUser: false,
      signal: abort.signal,
      onStep: (step) => steps.push(step as CredentialsStep),
    })
    await vi.waitFor(() => expect(steps).toHaveLength(1), 20_000)
    stage.site.faults.inject({ path: '/internal_api/session', times: 1, does: { kind: 'delay', ms: 200 } })
    const attempt = steps[0]?.submit(right)
    await vi.waitFor(() => expect(stage.site.sessions().some((one) => one.createdBy === 'password')).toBe(true), 20_000)
    abort.abort(new AgentError('sign_in_cancelled'))
    expect(await codeOf(Promise.resolve(done))).toBe('sign_in_cancelled')
    expect(await codeOf(Promise.resolve(attempt))).toBe('sign_in_cancelled')
  })
})

/** A way out that does not hear a signal: what was sent comes home whatever happens meanwhile. */
const deafFetch: Fetch = (url, { signal: _unheard, ...init } = {}) => fetch(url, init)

describe('a site in trouble', () => {
  test.each([
    ['answers 503', { kind: 'status', status: 503 }, /503/],
    ['answers with a page', { kind: 'html' }, /web page/],
    ['hangs up', { kind: 'reset' }, /ECONNRESET/],
    ['sends half an answer', { kind: 'half-body' }, /signing in|calling/],
    ['answers something unknown', { kind: 'status', status: 200, body: '{"results": {}}' }, /unknown form/],
    [
      'repeats what it was sent',
      {
        kind: 'status',
        status: 200,
        body: JSON.stringify({ exception: true, error_code: 103, message: 'bad: legacy-passphrase' }),
      },
      /number 103/,
    ],
    ['repeats what it was sent as a page', { kind: 'status', status: 200, body: 'legacy-passphrase' }, /not JSON/],
  ] as const)('that %s is unreachable, and the sign-in goes on waiting', async (_what, does, said) => {
    const { submit } = await waiting()
    stage.site.faults.inject({ path: '/api3/json', times: 1, does })
    const error = await submit(right).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'site_unreachable', message: expect.stringMatching(said) })
    for (let one: unknown = error; one instanceof Error; one = one.cause)
      expect(`${one.message}${one instanceof AgentError ? one.advice : ''}`).not.toContain('legacy-passphrase')
    expect(await submit(right)).toMatchObject({ state: 'signed_in' })
  })

  test.each([502, 504])(
    'that answers %i may have judged the passphrase: it is not sent again by itself',
    async (status) => {
      const sent: unknown[] = []
      const { submit } = await waiting((url, init) => {
        if (String(init.body).includes('get_session_token')) sent.push(url)
        return nodeFetch(url, init)
      })
      stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status } })
      expect(await refusalOf(submit(right))).toMatch(new RegExp(`^site_unreachable: .*answered ${status}$`))
      expect(sent).toHaveLength(1)
      expect(await submit(right)).toMatchObject({ state: 'signed_in' })
      expect(sent).toHaveLength(2)
    },
  )

  test('that sends elsewhere with the passphrase (307, 308) is not followed', async () => {
    const asked: URL[] = []
    const { agent, submit } = await waiting((url, init) => {
      asked.push(new URL(url))
      return nodeFetch(url, init)
    })
    for (const status of [307, 308]) {
      const headers = { location: `${stage.site.url}/elsewhere` }
      stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status, headers } })
      expect(await refusalOf(submit(right))).toMatch(/^site_unreachable: .*answered 30[78]$/)
    }
    expect(new Set(asked.map(({ pathname }) => pathname))).toEqual(new Set(['/api3/json']))
    expect(stage.site.web.requests.filter(({ path }) => path === '/elsewhere')).toEqual([])
    agent.cancelSignIn(undefined)
  })

  test('that does not answer costs one try a limited time', async () => {
    const steps: CredentialsStep[] = []
    const abort = new AbortController()
    const way = new LegacyWayIn({ site: stage.site.url, tryLimitMs: 150 }, { fetch: nodeFetch, clock: systemClock })
    const done = way.signIn({
      switchUser: false,
      signal: abort.signal,
      onStep: (step) => steps.push(step as CredentialsStep),
    })
    await vi.waitFor(() => expect(steps).toHaveLength(1), 20_000)
    stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 1_000 } })
    expect(await refusalOf(Promise.resolve(steps[0]?.submit(right)))).toMatch(/^site_unreachable: .*no answer in time/)
    abort.abort(new AgentError('sign_in_timeout'))
    expect(await codeOf(done)).toBe('sign_in_timeout')
  })
})
