import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { preflightReportSchema } from '../../src/preflight/preflight-report.ts'
import { commandLineProgram } from '../sandbox/processes.ts'
import { type AtTerminal, answeringInto, runAtTerminal, typeAt } from './at-terminal.ts'
import { findSecret } from './find-secret.ts'
import { type Scene, setScene } from './scene.ts'

/** One that nothing else could hold. */
const passphrase = 'pässphrase "canary" 8f2c'

let scene: Scene
beforeAll(async () => {
  scene = await setScene()
})
afterAll(() => scene.close())
beforeEach(() => {
  for (const key of ['supervisor', 'two-factor']) scene.site.person(key).passphrase = passphrase
})
afterEach(async () => {
  await fetch(`${scene.site.url}/sandbox/reset`, { method: 'POST' })
})

const always = ['preflight', '--allow-insecure-loopback']
const run = (...args: string[]) => scene.studio.sgSession(...always, ...args)

/** The command at a terminal; what it answers on standard output lies in a file when it has ended. */
function atTerminal(...args: string[]): AtTerminal & { answer(): Promise<string> } {
  const file = join(scene.studio.folder, 'answer')
  const command = answeringInto(file, [process.execPath, commandLineProgram, ...always, ...args])
  return { ...runAtTerminal(command, scene.studio.env), answer: () => readFile(file, 'utf8') }
}

const findingsOf = (stdout: string): Record<string, string> => {
  const { findings } = preflightReportSchema.parse(JSON.parse(stdout))
  return Object.fromEntries(findings.map(({ subject, state, evidence }) => [subject, `${state}, ${evidence}`]))
}

describe('sg-session preflight', () => {
  test('says what it can say when no agent runs and nobody sits at a terminal', async () => {
    const { status, stdout, stderr } = await run('--try-legacy')
    expect([status, stderr]).toEqual([0, `Asking ${scene.site.url} …\n`])
    expect(stdout).toContain('your ShotGrid user could not be looked at')
    expect(stdout).toMatch(/^unknown +seat +only somebody who is signed in can look: sg-session is not running\./m)
    expect(stdout.replace(/\s+/g, ' ')).toContain('there is no terminal to ask for the passphrase at')
    const json = await run('--json')
    expect(findingsOf(json.stdout)).toMatchObject({ seat: 'unknown, cannot_be_seen', two_factor: 'not_needed, known' })
    expect(json.stderr).toBe('')
  })

  test('tells a broker that is down from one that serves the site', async () => {
    expect(findingsOf((await run('--json')).stdout)).toMatchObject({ browser_sign_in: 'unknown, tried' })
    const broker = await scene.studio.startBroker()
    expect(findingsOf((await run('--json')).stdout)).toMatchObject({
      browser_sign_in: 'ok, tried',
      mapping: 'unknown, cannot_be_seen',
    })
    await broker.stop()
  })

  test('looks with the session that the agent holds, and names the Autodesk account', async () => {
    const [broker, agent] = [await scene.studio.startBroker(), await scene.studio.startAgent()]
    await scene.signIn('supervisor')
    const { status, stdout } = await run('--json')
    expect([status, findingsOf(stdout)]).toEqual([
      0,
      {
        site: 'ok, known',
        browser_sign_in: 'ok, tried',
        mapping: 'ok, tried',
        impersonation: 'ok, tried',
        seat: 'ok, known',
        lock: 'ok, known',
        legacy_sign_in: 'unknown, cannot_be_seen',
        passphrase: 'unknown, cannot_be_seen',
        personal_access_token: 'unknown, cannot_be_seen',
        two_factor: 'not_needed, known',
      },
    ])
    expect(stdout).toContain('the Autodesk account \\"supervisor@studio.example\\"')
    const token = (await scene.studio.sgSession('get')).stdout.trim()
    expect(token).toMatch(/^\w{20,}$/)
    expect(stdout + (await run()).stdout).not.toContain(token)
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })

  test('knows why the last sign-in failed', async () => {
    const [broker, agent] = [await scene.studio.startBroker(), await scene.studio.startAgent()]
    await expect(scene.signIn('shared-a')).rejects.toThrow()
    const { status, stdout } = await run('--json')
    expect([status, findingsOf(stdout)['mapping']]).toEqual([3, 'missing, tried'])
    await expect(scene.signIn('admin')).rejects.toThrow()
    expect(findingsOf((await run('--json')).stdout)['impersonation']).toBe('missing, tried')
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })

  test.each([
    [['--site', 'https://'], 50],
    [['--site', 'http://studio.example'], 50],
    [['--site', 'http://127.0.0.1:9'], 51],
    [['--nonsense'], 2],
    [['--login'], 2],
  ])('%j ends with %i', async (args, expected) => {
    expect((await run(...args)).status).toBe(expected)
  })

  test('asks nobody who reads JSON, unless told to try', async () => {
    const terminal = atTerminal('--json')
    expect([await terminal.ended, terminal.shown()]).toEqual([0, ''])
    const trying = atTerminal('--json', '--try-legacy', '--login', 'supervisor')
    await typeAt(trying, ['Passphrase', passphrase])
    expect(await trying.ended).toBe(0)
    expect(findingsOf(await trying.answer())).toMatchObject({ passphrase: 'ok, tried' })
  })
})

describe('at a terminal', () => {
  test('it asks whether to try, and takes no for an answer', async () => {
    const terminal = atTerminal()
    await typeAt(terminal, ['[y/N] ', ''])
    expect(await terminal.ended).toBe(0)
    expect(await terminal.answer()).toMatch(/^unknown +login and passphrase +.*none was made: you did/m)
    expect(scene.site.calls.get('get_session_token')).toBeUndefined()
  })

  test('it tries once, shows nothing of the passphrase, and leaves nothing of it behind', async () => {
    const terminal = atTerminal('--site', scene.site.url)
    await typeAt(terminal, ['[y/N] ', 'y'], ['Login: ', 'supervisor'])
    await terminal.until('Passphrase')
    for (const place of ['environ', 'cmdline']) {
      expect(await readFile(`/proc/${await terminal.pid()}/${place}`, 'utf8')).not.toContain('canary')
    }
    terminal.type(`${passphrase}\r`)
    expect(await terminal.ended).toBe(0)
    const answer = await terminal.answer()
    expect(answer).toMatch(/^ok +Personal Access Token/m)
    expect(answer).toContain('ShotGrid has no call that ends one')
    expect(answer + terminal.shown()).not.toContain('canary')
    expect(await findSecret(passphrase, scene.studio.folder)).toEqual([])
    expect(scene.site.calls.get('get_session_token')).toBe(1)
  })

  test('a refusal ends with 3, and tells whose login it should have been', async () => {
    const [broker, agent] = [await scene.studio.startBroker(), await scene.studio.startAgent()]
    await scene.signIn('supervisor')
    const terminal = atTerminal('--try-legacy')
    await typeAt(terminal, ['Login [supervisor]: ', 'supervisor@studio.example'], ['Passphrase', passphrase])
    expect(await terminal.ended).toBe(3)
    expect((await terminal.answer()).replace(/\s+/g, ' ')).toContain(
      'You tried "supervisor@studio.example"; your login is "supervisor", which is not your e-mail address.',
    )
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })

  test('it asks for the two-factor code where the site does', async () => {
    scene.site.switches.mode = 'default'
    const terminal = atTerminal('--try-legacy', '--login', 'two-factor')
    await typeAt(terminal, ['Passphrase', passphrase], ['Two-factor code', '246810'])
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).not.toContain('246810')
    const without = atTerminal('--try-legacy', '--login', 'two-factor')
    await typeAt(without, ['Passphrase', passphrase], ['Two-factor code', ''])
    expect(await without.ended).toBe(3)
    expect(await without.answer()).toMatch(/^MISSING +two-factor code +the site asks for a code, and none was given/m)
  })

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s ends it at once, and nothing was tried', async (_name, keys) => {
    const terminal = atTerminal('--try-legacy', '--login', 'supervisor')
    await terminal.until('Passphrase')
    terminal.type(keys)
    expect(await terminal.ended).toBe(12)
    expect(scene.site.calls.get('get_session_token')).toBeUndefined()
  })

  test('a terminal that is closed ends it too', async () => {
    const terminal = atTerminal('--try-legacy', '--login', 'supervisor')
    await terminal.until('Passphrase')
    terminal.hangUp()
    expect(await terminal.ended).not.toBe(0)
    expect(scene.site.calls.get('get_session_token')).toBeUndefined()
  })

  test('a site that takes no passphrase is not asked to', async () => {
    scene.site.switches.mode = 'saml2'
    const terminal = atTerminal('--try-legacy')
    expect([await terminal.ended, terminal.shown()]).toEqual([0, expect.stringMatching(/^Asking .* …\r\n$/)])
  })
})

describe('sg-session preflight --expect-pat-failure', () => {
  const login = ['--expect-pat-failure', '--login', 'supervisor'] as const
  const go = 'Press Enter when it is done'

  /** Does the steps on the site as the person is told to, up to the first try. */
  async function follow(terminal: AtTerminal, typed = passphrase): Promise<void> {
    const person = scene.site.person('supervisor')
    for (const pat of ['none', 'bound', 'deleted'] as const) {
      await terminal.until(go)
      person.pat = pat
      terminal.type('\r')
    }
    await terminal.until('Passphrase')
    terminal.type(`${typed}\r`)
  }

  /** Binds a token for good, and goes on. */
  async function mend(terminal: AtTerminal): Promise<void> {
    await terminal.until(go)
    scene.site.person('supervisor').pat = 'bound'
    terminal.type('\r')
  }

  test.each([
    ['an Identity site', { mode: 'oxygen' }],
    ['an Identity site that answers with its own number', { mode: 'oxygen', oxygenPasswordFault: 110 }],
    ['an Identity site that believes used tokens', { mode: 'oxygen', tokenBelievedS: 3600 }],
    ['a site in mid-migration', { mode: 'default' }],
  ] as const)('passes on %s', async (_what, switches) => {
    Object.assign(scene.site.switches, switches)
    const terminal = atTerminal(...login)
    await follow(terminal)
    await terminal.until('The site refused it.')
    await mend(terminal)
    expect(await terminal.ended).toBe(0)
    expect(await terminal.answer()).toMatch(/^PASS: the site refused .* while the token was deleted/)
    expect((await terminal.answer()) + terminal.shown()).not.toContain('canary')
    expect(await findSecret(passphrase, scene.studio.folder)).toEqual([])
  })

  test('clearing the token is a control as well where the site takes sign-ins without', async () => {
    scene.site.switches.mode = 'default'
    const terminal = atTerminal(...login, '--json')
    await follow(terminal)
    await terminal.until(go)
    scene.site.person('supervisor').pat = 'none'
    terminal.type('\r')
    expect(await terminal.ended).toBe(0)
    expect(JSON.parse(await terminal.answer())).toMatchObject({
      format: 'sg-session preflight pat-failure 1',
      ...{ site: scene.site.url, authentication: 'default', login: 'supervisor' },
      ...{ result: 'pass', withDeletedToken: 'passphrase_rejected', control: 'accepted' },
    })
  })

  test('fails on a site that does not check tokens yet', async () => {
    Object.assign(scene.site.switches, { mode: 'default', checksBoundTokens: false })
    const terminal = atTerminal(...login)
    await follow(terminal)
    expect(await terminal.ended).toBe(3)
    expect(await terminal.answer()).toMatch(/^FAIL: .*either it does not check tokens yet/s)
  })

  test('fails when the token was used before it was deleted and the site still believes it', async () => {
    scene.site.switches.tokenBelievedS = 3600
    const person = scene.site.person('supervisor')
    const used = atTerminal('--try-legacy', '--login', 'supervisor')
    await typeAt(used, ['Passphrase', passphrase])
    expect(await used.ended).toBe(0)
    const terminal = atTerminal(...login)
    // Who leaves the first two steps out goes on with the token that was used.
    await typeAt(terminal, [go, ''], [go, ''])
    await terminal.until(go)
    person.pat = 'deleted'
    terminal.type('\r')
    await typeAt(terminal, ['Passphrase', passphrase])
    expect(await terminal.ended).toBe(3)
    expect((await terminal.answer()).replace(/\s+/g, ' ')).toContain(
      'believes one that was used within about the last hour',
    )
  })

  test('does not take a wrong passphrase for a missing token', async () => {
    const terminal = atTerminal(...login)
    await follow(terminal, 'wrong')
    await mend(terminal)
    expect(await terminal.ended).toBe(4)
    expect(await terminal.answer()).toMatch(/^UNDECIDED: the site refused the second try too/)
  })

  test('proves nothing without the control', async () => {
    const terminal = atTerminal(...login, '--json')
    await follow(terminal)
    await terminal.until(go)
    terminal.type('skip\r')
    expect(await terminal.ended).toBe(4)
    expect(JSON.parse(await terminal.answer())).toMatchObject({ result: 'undecided', control: null })
  })

  test('asks for the two-factor code in both tries', async () => {
    scene.site.switches.mode = 'default'
    const terminal = atTerminal('--expect-pat-failure', '--login', 'two-factor')
    const person = scene.site.person('two-factor')
    await typeAt(terminal, [go, ''], [go, ''])
    await terminal.until(go)
    person.pat = 'deleted'
    terminal.type('\r')
    await typeAt(terminal, ['Passphrase', passphrase])
    await terminal.until(go)
    person.pat = 'bound'
    terminal.type('\r')
    await typeAt(terminal, ['Two-factor code', '246810'])
    expect(await terminal.ended).toBe(0)
  })

  test('needs a terminal, and a site that takes passphrases', async () => {
    expect(await run('--expect-pat-failure')).toMatchObject({
      status: 11,
      stderr: expect.stringContaining('in a terminal'),
    })
    scene.site.switches.mode = 'saml2'
    expect((await run('--expect-pat-failure')).status).toBe(21)
  })

  test('Ctrl-C ends it between the steps', async () => {
    const terminal = atTerminal(...login)
    await terminal.until(go)
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(12)
  })
})

describe('through the gateway of the broker', () => {
  let other: Scene
  beforeAll(async () => {
    other = await setScene({ issue: 'gateway', site: { sudoSessionOwner: 'script' } })
  })
  afterAll(() => other.close())

  test('the user is looked at all the same', async () => {
    const [broker, agent] = [await other.studio.startBroker(), await other.studio.startAgent()]
    await other.signIn('artist')
    const { status, stdout } = await other.studio.sgSession(...always, '--json')
    expect([status, findingsOf(stdout)]).toEqual([
      0,
      expect.objectContaining({ seat: 'ok, known', mapping: 'ok, tried' }),
    ])
    expect([await agent.stop(), await broker.stop()]).toEqual([0, 0])
  })
})
