import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import {
  commandLineProgram,
  type Finished,
  finished,
  type Running,
  startProcess,
  untilSaid,
} from '../sandbox/processes.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { openStudio, type Studio } from '../sandbox/studio.ts'
import { type AtTerminal, answeringInto, runAtTerminal, typeAt } from './at-terminal.ts'
import { findSecret, shapesOf } from './find-secret.ts'

/** A studio whose site has no browser sign-in: `sg-session` at a real terminal, an agent without a window. */
let site: Site
let studio: Studio
let agent: Running
let env: Record<string, string>
let client: AgentClient

beforeAll(async () => {
  site = await startSite({ switches: { mode: 'default', launcher: false } })
  const [brokerPort = 0, ...redirectPorts] = await freePorts(2)
  const issuer = 'http://127.0.0.1:9'
  studio = await openStudio({ siteUrl: site.url, issuer, clientId: 'none', redirectPorts, brokerPort })
  const settings = join(studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  await writeFile(settings, JSON.stringify({ sites: [{ url: site.url }], tools: { consent: 'allow-all' } }))
  // One place and no other: on a shared machine another agent of this user may run.
  env = { ...studio.env, SG_SESSION_ENDPOINT: join(studio.folder, 'run', 'sg-session', 'endpoint.json') }
  agent = start('agent', '--log-level', 'debug', '--allow-insecure-loopback')
  await untilSaid(agent, 'is ready', 20_000)
  client = new AgentClient({
    endpointFiles: [env['SG_SESSION_ENDPOINT'] ?? ''],
    caller: { name: 'canary', version: '1' },
  })
})
afterAll(async () => {
  client.close()
  await agent.stop()
  await studio.close()
  await site.close()
})
beforeEach(() => {
  Object.assign(site.switches, { mode: 'default', launcher: false })
})
afterEach(async () => {
  site.calls.clear()
  await client.signOut()
})

function start(...args: string[]): Running {
  return startProcess(process.execPath, [commandLineProgram, ...args], env)
}

function run(...args: string[]): Promise<Finished> {
  return finished(start(...args))
}

function atTerminal(...args: string[]): AtTerminal {
  return runAtTerminal([process.execPath, commandLineProgram, ...args], env)
}

async function state(): Promise<string | undefined> {
  return (await client.status()).sites[0]?.state
}

describe('sg-session sign-in at a terminal', () => {
  test('says which way it goes and why, asks, explains a refusal, asks again, and signs in', async () => {
    const artist = atTerminal('sign-in')
    await artist.until(
      `Signing in to ${site.url} with login and passphrase: no broker is configured, and the site does`,
    )
    await typeAt(artist, ['Login: ', 'artist@studio.exampel\u007f\u007fle'], ['Passphrase', 'not the one'])
    await artist.until('did not accept login and passphrase')
    await artist.until('The login is the one of your ShotGrid user')
    await typeAt(artist, ['Login [artist@studio.example]: ', ''], ['Passphrase', 'a slip\u0015legacy-passphrase'])
    await artist.until('signed in as Plain Artist (artist@studio.example)')
    expect(await artist.ended).toBe(0)
    expect(artist.shown()).not.toMatch(/not the one|slip|legacy-pass|code/)
  })

  test('asks for the two-factor code when the site does, without asking for the passphrase again', async () => {
    const artist = atTerminal('sign-in', '--login', 'two-factor')
    await artist.until('Passphrase')
    artist.type('legacy-passphrase\r')
    await artist.until('asks for a two-factor code')
    await artist.until('Two-factor code')
    artist.type('135791\r')
    await artist.until('did not accept login, passphrase and two-factor code')
    await typeAt(
      artist,
      ['Login [two-factor]: ', ''],
      ['Passphrase', 'legacy-passphrase'],
      ['Two-factor code', '246810'],
    )
    await artist.until('signed in as Two Factor (two-factor)')
    expect(await artist.ended).toBe(0)
    expect(artist.shown()).not.toMatch(/Login: |135791|246810/)
  })

  test('takes a paste of every answer at once', async () => {
    const artist = atTerminal('sign-in')
    await artist.until('Login: ')
    artist.type('supervisor\rlegacy-passphrase\r')
    await artist.until('signed in as Old Login (supervisor)')
    expect(await artist.ended).toBe(0)
    expect(artist.shown()).not.toContain('legacy-passphrase')
  })

  test('with --json asks all the same, and standard output holds the answer alone', async () => {
    const file = join(studio.folder, 'answer.json')
    const words = answeringInto(file, [process.execPath, commandLineProgram, 'sign-in', '--json'])
    const artist = runAtTerminal(words, env)
    await artist.until('Login: ')
    artist.type('supervisor\rwrong\r')
    await artist.until('did not accept')
    await artist.until('Login [supervisor]: ')
    artist.type('\rlegacy-passphrase\r')
    expect(await artist.ended).toBe(0)
    expect(artist.shown()).not.toContain('Signing in to')
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ state: 'signed_in', obtainedBy: 'legacy' })
  })

  test('`get --interactive` asks too, and prints the token alone on standard output', async () => {
    const file = join(studio.folder, 'token')
    const words = answeringInto(file, [process.execPath, commandLineProgram, 'get', '--interactive'])
    const artist = runAtTerminal(words, env)
    await artist.until('Login: ')
    artist.type('supervisor\rlegacy-passphrase\r')
    expect(await artist.ended).toBe(0)
    expect(await readFile(file, 'utf8')).toMatch(/^[0-9a-f]{32}\n$/)
  })
})

test('where the site signs in through the browser it says so, shows the address and asks nothing', async () => {
  site.switches.launcher = true
  const artist = atTerminal('sign-in', '--no-browser', '--login', 'supervisor')
  await artist.until(`Signing in to ${site.url} in your browser, at the site itself: no broker is configured, and`)
  await artist.until('--login is for sites that ask for one; this one does not.')
  await artist.until(`${site.url}/app_session_request/`)
  await artist.until('Ctrl-C cancels.')
  artist.type('\u0003')
  await artist.until('The sign-in was cancelled.')
  expect(await artist.ended).toBe(12)
  expect([await state(), artist.shown().includes('Login')]).toEqual(['signed_out', false])
})

describe('a sign-in that is given up at the terminal', () => {
  test.each([
    ['Ctrl-C at the login', 'Login: ', '\u0003'],
    ['Ctrl-D at the login', 'Login: ', '\u0004'],
    ['Ctrl-C in the middle of the passphrase', 'Passphrase', 'legacy\u0003'],
  ])('%s cancels it at the agent', async (_what, prompt, keys) => {
    const artist = atTerminal('sign-in', ...(prompt === 'Passphrase' ? ['--login', 'supervisor'] : []))
    await artist.until(prompt)
    expect(await state()).toBe('signing_in')
    artist.type(keys)
    await artist.until('The sign-in was cancelled.')
    expect(await artist.ended).toBe(12)
    expect([await state(), site.calls.get('get_session_token')]).toEqual(['signed_out', undefined])
  })

  test('Ctrl-C while the site is thinking', async () => {
    const artist = atTerminal('sign-in', '--login', 'supervisor')
    await artist.until('Passphrase')
    site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'delay', ms: 2_000 } })
    artist.type('legacy-passphrase\r')
    await artist.until('\n')
    artist.type('\u0003')
    expect(await artist.ended).toBe(12)
    expect(await state()).toBe('signed_out')
  })

  test('a terminal that is closed does not leave the agent waiting', async () => {
    const artist = atTerminal('sign-in')
    await artist.until('Login: ')
    artist.hangUp()
    await artist.ended
    expect(await state()).toBe('signed_out')
  })

  test('a kill does, and the next `sign-in` joins what waits', async () => {
    const artist = atTerminal('sign-in')
    await artist.until('Login: ')
    process.kill(await artist.pid(), 'SIGKILL')
    expect(await artist.ended).toBe(128 + 9)
    expect(await state()).toBe('signing_in')
    const next = atTerminal('sign-in', '--login', 'supervisor')
    await next.until('Passphrase')
    next.type('legacy-passphrase\r')
    await next.until('signed in as Old Login')
    expect(await next.ended).toBe(0)
  })
})

describe('without a terminal', () => {
  test.each([[['sign-in']], [['sign-in', '--login', 'supervisor']], [['get', '--interactive']]])(
    '%j fails at once, says so, and starts no sign-in',
    async (args) => {
      const { status, stdout, stderr } = await run(...args)
      expect([status, stdout]).toEqual([11, ''])
      expect(stderr).toMatch(/wants a login and passphrase, and there is no terminal\)\nRun "sg-session sign-in" in a/)
      const json = await run(...args, '--json')
      expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'interaction_required' } })
      expect(await state()).toBe('signed_out')
    },
  )

  test('a tool that asks the agent to sign the artist in is told at once to do it at a terminal', async () => {
    await expect(client.getSession({ interactive: true })).rejects.toMatchObject({
      code: 'interaction_required',
      advice: expect.stringContaining('Run "sg-session sign-in" in a terminal'),
    })
    expect(await state()).toBe('signed_out')
  })

  test('a passphrase as an argument is wrong usage', async () => {
    expect((await run('sign-in', '--passphrase', 'x')).status).toBe(2)
  })
})

test('a site with the company’s own sign-in is refused before anybody types', async () => {
  site.switches.mode = 'saml2'
  const artist = atTerminal('sign-in')
  await artist.until('There is no way to sign in to this site through the browser.')
  expect(await artist.ended).toBe(17)
  expect(artist.shown()).not.toContain('Login')
})

describe('what is typed', () => {
  const canary = `canary-${Math.random().toString(36).slice(2)}-passphrase`
  const code = `7${Math.floor(Math.random() * 1e9)}`

  test('is in no log line, no file, no error, no argument and no environment', async () => {
    site.person('supervisor').passphrase = canary
    site.person('two-factor').passphrase = canary
    site.person('two-factor').twoFactorCode = code
    const seen: string[] = []
    const holders: string[] = []

    // At the terminal: refused, then with a code, then taken.
    const artist = atTerminal('sign-in', '--login', 'no-pat')
    await typeAt(artist, ['Passphrase', canary], ['Login [no-pat]: ', `two-factor\r${canary}`])
    await artist.until('Two-factor code')
    const commandLine = await artist.pid()
    holders.push(...(await findSecret(canary, studio.folder, commandLine)))
    artist.type(`${code}\r`)
    await artist.until('signed in as Two Factor')
    expect(await artist.ended).toBe(0)
    seen.push(artist.shown())

    // Over the socket: refused, of a wrong form, asked for by nobody, in the middle of trouble, and taken.
    const attempt = (request: object) =>
      client.submitCredentials({ login: 'supervisor', passphrase: canary, code, ...request }).then(
        (answer) => seen.push(JSON.stringify(answer)),
        (error: Error & { advice?: string }) => seen.push(`${error.stack} ${error.advice} ${JSON.stringify(error)}`),
      )
    await attempt({})
    let asked = (): void => undefined
    const waiting = new Promise<void>((wake) => {
      asked = wake
    })
    const done = client.signIn({}, { onCredentialsWanted: asked })
    await waiting
    await attempt({ login: 'no-pat' })
    await attempt({ passphrase: canary.repeat(60) })
    await attempt({ code: code.repeat(9) })
    await attempt({ login: canary.repeat(20) })
    await attempt({ login: canary })
    const echo = { exception: true, error_code: 100, message: `bad request: ${canary} ${code}` }
    for (const body of [JSON.stringify(echo), `${canary} ${code}`]) {
      site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status: 200, body } })
      await attempt({})
    }
    await attempt({})
    expect(await done).toMatchObject({ state: 'signed_in', login: 'supervisor' })

    seen.push(agent.stdout(), agent.stderr())
    expect(agent.stderr()).toContain('"method":"signIn/credentials","outcome":"passphrase_rejected"')
    for (const secret of [canary, code]) {
      holders.push(...(await findSecret(secret, studio.folder, agent.pid)))
      for (const text of seen) expect(shapesOf(secret).filter((shape) => Buffer.from(text).includes(shape))).toEqual([])
    }
    expect(holders).toEqual([])
    expect(seen.join('\n')).toMatch(/number 100[\s\S]*not JSON/)
  })
})
