import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SignInWatch } from '../../app/sign-in-watch.ts'
import type { Situation } from '../../app/situation.ts'
import { trayView } from '../../app/tray/tray-view.ts'
import type { CallArgs } from '../../app/windows/calls.ts'
import type { Outcome, SignInView, StatusView } from '../../app/windows/contract.ts'
import { judgeCall } from '../../app/windows/judge-call.ts'
import { signInView } from '../../app/windows/views/sign-in-view.ts'
import { statusView } from '../../app/windows/views/status-view.ts'
import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config/config.ts'
import { AgentError } from '../../src/errors.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { chromiumMissing } from '../sandbox/chromium.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import { english, situation } from '../unit/app/situations.ts'
import { type Call, type Opened, useWindowStage } from './window-stage.ts'
import { nodeFetch, rules, silentLog, startWorld, type World } from './world.ts'

/** Two sites at once, one with a broker and one without, on the real core, and what the artist sees and does. */
const stage = useWindowStage()
const login = 'artist@studio.example'
let world: World
let plain: Site
let agent: Agent
let signIns: SignInWatch
let changed: () => void = () => undefined
beforeAll(async () => {
  ;[world, plain] = await Promise.all([startWorld(), startSite({ switches: { mode: 'oxygen', launcher: false } })])
  const content = {
    sites: [
      { url: world.site.url, name: 'Studio Example', broker: world.broker.url },
      { url: plain.url, name: 'Second Unit' },
    ],
    identity: world.config.identity,
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const openBrowser = (url: URL): Promise<void> =>
    url.origin === plain.url ? approve(url) : world.browserOf('artist')(url)
  agent = new Agent(config, { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser }, rules)
  signIns = new SignInWatch(agent, () => changed())
  agent.onChange(() => changed())
})
afterAll(async () => {
  await agent.close()
  await Promise.all([world.close(), plain.close()])
})

/** Who is signed in to the second site in the browser says yes. */
async function approve(url: URL): Promise<void> {
  const id = url.pathname.split('/').at(-1)
  const body = JSON.stringify({ decision: 'approve', person: 'supervisor' })
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(`${plain.url}/sandbox/launches/${id}`, { method: 'POST', headers, body })).ok).toBe(true)
}

function now(): Situation {
  const names = new Map([
    [world.site.url, 'Studio Example'],
    [plain.url, 'Second Unit'],
  ])
  const sites = agent.status().map((status) => ({
    url: status.site,
    name: names.get(status.site) ?? '',
    status,
    ...signIns.factsOf(status.site),
  }))
  return situation({ now: Date.now(), sites })
}

function signInNow(site: string): SignInView {
  const found = now().sites.find(({ url }) => url === site)
  if (!found) throw new Error(`there is no ${site}`)
  return signInView(found, english)
}
const statusNow = (): StatusView => statusView(now(), english)
const headlines = (): string[] => statusNow().sites.map(({ headline }) => headline)
/** The line of each site in the tray's menu, without until when. */
const menuLines = (): string[] =>
  trayView(now(), english)
    .menu.flatMap((item) => (item.kind === 'menu' ? [item.label.replace(/, until .*/, '')] : []))
    .slice(0, 2)

/** What the main process does with the calls of these windows. */
async function act({ name, args }: Call, window: 'status' | 'sign-in'): Promise<Outcome<unknown>> {
  try {
    judgeCall(name, args, { name: window })
    const site = String(args['site'])
    if (name === 'signOut') await agent.signOut(site)
    if (name === 'submitCredentials') {
      const { passphrase, ...typed } = args as CallArgs<'submitCredentials'>
      await signIns.submitCredentials(site, { login: typed.login, passphrase: new Secret(passphrase) })
    }
    return { ok: true, value: null }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return { ok: false, code: error.code, ...english.strings.errors[error.code] }
  }
}

/** A window on what is now, and on every later change. */
async function open(view: () => SignInView | StatusView): Promise<Opened> {
  const opened = await stage.open(view())
  await opened.answerBy((call) => act(call, view().window))
  changed = () => void opened.show(view()).catch(() => undefined)
  return opened
}

describe.skipIf(chromiumMissing)('two sites with different ways in', () => {
  test('signing in to one says nothing of the other', async () => {
    expect(headlines()).toEqual(['Nobody is signed in', 'Nobody is signed in'])
    await agent.signIn(world.site.url)
    expect(menuLines()).toEqual(['Studio Example: Signed in as Plain Artist', 'Second Unit: Not signed in'])
    expect(statusNow().sites[0]?.obtained).toBe('Through your studio’s broker.')
    await expect(agent.session(plain.url, 0, false)).rejects.toMatchObject({ code: 'login_required' })
    await expect(agent.session('https://other.example', 0, true)).rejects.toMatchObject({ code: 'site_unknown' })
  })

  test('a tool that needs the other one is served once login and passphrase are typed, wrong at first', async () => {
    const served = agent.session(plain.url, 0, true)
    await vi.waitFor(() => expect(signInNow(plain.url).state).toBe('asking'), 20_000)
    expect(menuLines()).toEqual([
      'Studio Example: Signed in as Plain Artist',
      'Second Unit: Waits for your login and passphrase',
    ])
    const { page } = await open(() => signInNow(plain.url))
    await page.getByRole('textbox', { name: 'ShotGrid login' }).fill(login)
    await page.getByLabel('ShotGrid passphrase').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByRole('listitem').first().waitFor()
    expect(await page.getByRole('button', { name: 'Open Autodesk profile' }).count()).toBe(1)
    expect(await page.getByRole('alert').count()).toBe(1)
    // Focus is there already, and the login still stands.
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('passphrase')
    await page.keyboard.type('legacy-passphrase')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect((await served).session).toMatchObject({ site: plain.url, login, obtainedBy: 'legacy' })
    expect(JSON.stringify(now())).not.toContain('legacy-passphrase')
  })

  test('the status window shows both, each with its own; signing out of one leaves the other', async () => {
    const { page } = await open(statusNow)
    const first = page.getByRole('region', { name: 'Studio Example' })
    const second = page.getByRole('region', { name: 'Second Unit' })
    await first.getByText('Through your studio’s broker.').waitFor()
    await second.getByText('With login and passphrase.').waitFor()
    await first.getByRole('button', { name: 'Sign out' }).click()
    await first.getByText('Nobody is signed in').waitFor()
    await second.getByText('Signed in as Plain Artist').waitFor()
    expect(menuLines()).toEqual(['Studio Example: Not signed in', 'Second Unit: Signed in as Plain Artist'])
    expect((await agent.session(plain.url, 0, false)).session.login).toBe(login)
    await expect(agent.session(world.site.url, 0, false)).rejects.toMatchObject({ code: 'login_required' })
  })

  test('becoming somebody else on one leaves the other, and the way in is the one the site has now', async () => {
    await agent.signIn(world.site.url)
    plain.switches.launcher = true
    const done = agent.signIn(plain.url, { switchUser: true })
    await vi.waitFor(() => expect(signInNow(plain.url).headline).toBe('Approve in your browser'), 20_000)
    expect(signInNow(plain.url).paste).toBeUndefined()
    // Until it has worked, what was there stays.
    expect((await agent.session(plain.url, 0, false)).session.login).toBe(login)
    expect(await done).toMatchObject({ login: 'supervisor', obtainedBy: 'web' })
    expect(menuLines()).toEqual(['Studio Example: Signed in as Plain Artist', 'Second Unit: Signed in as Old Login'])
    expect(statusNow().sites.map(({ obtained }) => obtained)).toEqual([
      'Through your studio’s broker.',
      expect.stringContaining('Approved in the browser.'),
    ])
  })

  test('a sign-in that nobody answers can be cancelled, and what the other one holds is still there', async () => {
    plain.switches.launcher = false
    await agent.signOut(plain.url)
    const done = agent.signIn(plain.url)
    await vi.waitFor(() => expect(signInNow(plain.url).state).toBe('asking'), 20_000)
    agent.cancelSignIn(plain.url)
    await expect(done).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    expect(signInNow(plain.url).headline).toBe('The sign-in was cancelled')
    expect(menuLines()).toEqual(['Studio Example: Signed in as Plain Artist', 'Second Unit: Not signed in'])
  })

  test('a site that does not tell when its sessions end is said to be estimated', async () => {
    plain.switches.launcher = true
    plain.switches.sessionEndpoint = false
    await agent.signIn(plain.url)
    expect(statusNow().sites[1]?.obtained).toMatch(/Unused, it ends at about (\w+ )?\d/)
  })
})
