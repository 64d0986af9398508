import { resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chromiumMissing, launchChromium, signInAt } from '../sandbox/chromium.ts'
import { personNamed } from '../sandbox/people.ts'
import { findSecret } from './find-secret.ts'
import { type Scene, type SceneOptions, setScene } from './scene.ts'

const plugin = resolve('test/sandbox/plugin.py')

describe('the morning, with the real programs', () => {
  let scene: Scene
  afterEach(() => scene.close())

  test('over TLS with a private authority: Chromium signs in, a plug-in works as the artist', async (context) => {
    if (chromiumMissing) return context.skip(chromiumMissing)
    scene = await setScene({ tls: true })
    const { site, studio } = scene
    await studio.startBroker()
    await studio.startAgent()
    const running = studio.startSgSession('sign-in', '--json')
    const address = await studio.openedAddress()
    expect(address).toMatch(/^https:\/\/localhost:\d+\/authentication\/v2\/authorize\?/)
    const browser = await launchChromium()
    const page = await browser.newPage({ ignoreHTTPSErrors: true })
    expect(await signInAt(page, address, personNamed('artist'))).toBe('You are signed in')
    // The code is gone from the address bar, and with it from what a history or a shoulder could show.
    expect(new URL(page.url()).search).toBe('')
    await browser.close()
    expect(await running.ended).toBe(0)
    expect(JSON.parse(running.stdout())).toMatchObject({ state: 'signed_in', login: 'artist@studio.example' })

    const { status, stdout, stderr } = await studio.python('env', `SG_CA=${studio.folder}/ca.pem`, 'python3', plugin)
    expect(status, stderr).toBe(0)
    const done = JSON.parse(stdout) as { note: number; created_by: unknown }
    expect(done).toMatchObject({
      login: 'artist@studio.example',
      read: { Project: 2, Shot: 12 },
      created_by: { type: 'HumanUser', id: site.person('artist').id, name: 'Plain Artist' },
    })
    const event = site.eventLog().findLast((row) => row.event_type === 'Shotgun_Note_New')
    expect(event).toMatchObject({
      user: { type: 'HumanUser', id: site.person('artist').id },
      entity: { type: 'Note', id: done.note },
    })
  })
})

describe('a site whose sudo session belongs to the script (the dangerous reading, and the sandbox’s default)', () => {
  let scene: Scene
  afterEach(() => scene.close())

  const works = async (options: SceneOptions): Promise<void> => {
    scene = await setScene({ ...options, site: { sudoSessionOwner: 'script' } })
    const { site, studio } = scene
    const broker = await studio.startBroker()
    await studio.startAgent()
    await scene.signIn()
    const session = JSON.parse((await studio.sgSession('get', '--json')).stdout) as { sessionToken: string }
    expect(session).toMatchObject({ site: site.url, apiUrl: studio.brokerUrl, login: 'artist@studio.example' })
    const ca = options.tls ? [`SG_CA=${studio.folder}/ca.pem`] : []
    const { status, stdout, stderr } = await studio.python('env', ...ca, 'python3', plugin)
    expect(status, stderr).toBe(0)
    const done = JSON.parse(stdout) as { note: number }
    const id = site.person('artist').id
    expect(done).toMatchObject({ read: { Project: 2, Shot: 12 }, created_by: { type: 'HumanUser', id } })
    const event = site.eventLog().findLast((row) => row.event_type === 'Shotgun_Note_New')
    expect(event).toMatchObject({
      user: { type: 'HumanUser', id },
      entity: { type: 'Note', id: done.note },
      meta: { sudo_actual_user: { type: 'ApiUser' } },
    })
    expect(event?.session_uuid).toMatch(/^[0-9a-f-]{36}$/)
    // The audit's lines are in the broker's log too: the same session there and here.
    expect(broker.stderr()).toContain(`"session_uuid":"${event?.session_uuid}"`)
    expect(broker.stderr()).not.toContain(session.sessionToken)
    // The session is the broker's: the site does not know it.
    const foreign = {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'session_token', session_token: session.sessionToken }),
    }
    if (!options.tls) expect((await fetch(`${site.url}/api/v1/auth/access_token`, foreign)).status).toBe(400)
  }

  test('is served through the gateway, found out by the broker itself: a plug-in works as the artist', () => works({}))

  test('over TLS with a private authority too', () => works({ tls: true }))

  test('gives nobody a session when the operator wants the site’s own: session_owner_mismatch', async () => {
    scene = await setScene({ site: { sudoSessionOwner: 'script' }, issue: 'session' })
    const broker = await scene.studio.startBroker()
    await scene.studio.startAgent()
    await expect(scene.signIn()).rejects.toThrow(/ended with 60: .*not this person’s/s)
    const made = scene.site.sessions().filter(({ owner }) => owner.type === 'ApiUser')
    expect(made.length).toBeGreaterThan(0)
    expect(broker.stderr()).toContain('session_owner_mismatch')
    expect((await scene.studio.sgSession('get')).status).toBe(10)
  })
})

describe('when the agent dies', () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await setScene()
    await scene.studio.startBroker()
  })
  afterEach(() => scene.close())

  test('watchers are back within two seconds of its return, and nothing secret was on disk', async () => {
    const { studio } = scene
    const first = await studio.startAgent()
    await scene.signIn()
    const { sessionToken } = JSON.parse((await studio.sgSession('get', '--json')).stdout) as { sessionToken: string }
    expect(await findSecret(sessionToken, studio.folder, first.pid)).toEqual([])

    const watcher = studio.startPython('python3', '-u', resolve('test/e2e/watcher.py'))
    const commandLine = studio.startSgSession('watch', '--json')
    const said = async (running: { stdout(): string }, pattern: RegExp): Promise<number> => {
      while (!pattern.test(running.stdout())) await new Promise((wake) => setTimeout(wake, 10))
      return performance.now()
    }
    await Promise.all([said(watcher, /signed_in/), said(commandLine, /signed_in/)])
    await first.stop('SIGKILL')
    await Promise.all([said(watcher, /agent_not_running/), said(commandLine, /agent_not_running/)])
    expect(await findSecret(sessionToken, studio.folder)).toEqual([])

    await studio.startAgent()
    const startedMs = performance.now()
    const backMs = await Promise.all([said(watcher, /signed_out/), said(commandLine, /signed_out/)])
    for (const ms of backMs) expect(ms - startedMs).toBeLessThan(2_000)
    expect((await studio.sgSession('get')).status).toBe(10)
    await scene.signIn()
    expect((await studio.sgSession('get')).status).toBe(0)
    await Promise.all([watcher.stop(), commandLine.stop()])
  })
})

describe('thirty Python processes', () => {
  let scene: Scene
  afterEach(() => scene.close())

  test('that ask at the moment the session ends: one renewal at the site, no error', async () => {
    scene = await setScene({ sessionLifetimeS: 8, site: { sessionWindowS: 8 } })
    const { site, identity, studio } = scene
    await studio.startBroker()
    await studio.startAgent()
    await scene.signIn()
    const first = JSON.parse((await studio.sgSession('get', '--json')).stdout) as {
      sessionToken: string
      expiresAt: number
    }
    const [sessions, refreshes] = [site.calls.get('get_session_token'), identity.calls.get('token:refresh_token') ?? 0]
    // All thirty have imported everything and wait for the second in which the session ends.
    const processes = Array.from({ length: 30 }, () =>
      studio.startPython('python3', resolve('test/e2e/ask-at.py'), String(first.expiresAt)),
    )
    expect(await Promise.all(processes.map(({ ended }) => ended))).toEqual(Array(30).fill(0))
    const tokens = new Set(processes.map((one) => one.stdout().trim()))
    expect(tokens.size).toBe(1)
    expect(tokens.has(first.sessionToken)).toBe(false)
    expect((site.calls.get('get_session_token') ?? 0) - (sessions ?? 0)).toBe(1)
    expect((identity.calls.get('token:refresh_token') ?? 0) - refreshes).toBe(1)
  })

  test('that all start the agent: one agent, thirty answers', async () => {
    scene = await setScene()
    const { studio } = scene
    const processes = Array.from({ length: 30 }, () =>
      studio.startPython('python3', resolve('test/e2e/start-agent.py')),
    )
    expect(
      await Promise.all(processes.map(({ ended }) => ended)),
      processes.map((one) => one.stderr()).join(''),
    ).toEqual(Array(30).fill(0))
    expect(new Set(processes.map((one) => one.stdout().trim())).size).toBe(1)
    const pid = Number(processes[0]?.stdout())
    process.kill(pid, 'SIGTERM')
  })
})
