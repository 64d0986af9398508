import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { calls } from '../../../app/windows/calls.ts'
import type { View } from '../../../app/windows/contract.ts'
import { HeadlessBrowser } from '../../sandbox/identity/headless-browser.ts'
import { personNamed } from '../../sandbox/people.ts'
import { demandElectron } from './app-stage.ts'
import { calling, type OpenableWindow, openableWindows, openEveryWindow, type WindowsStage } from './every-window.ts'

let opening: Promise<WindowsStage> | undefined
afterAll(async () => {
  await (await opening?.catch(() => undefined))?.close()
})

function onStage(context: TestContext): Promise<WindowsStage> {
  opening ??= openEveryWindow(demandElectron(context))
  return opening
}

/** What a refused call must leave as it was. */
async function untouched({ scene, app, askedToOpen }: WindowsStage): Promise<unknown> {
  const settings = await readFile(join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json'), 'utf8')
  const windows = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)
  return { settings, windows, opened: await askedToOpen() }
}

const refused = { ok: false, code: 'invalid_request', sentence: expect.any(String), advice: expect.any(String) }

/** A window from which a call is allowed; the one of the question about a program is not among these. */
function allowedFrom(name: keyof typeof calls): OpenableWindow | undefined {
  return openableWindows.find((window) => (calls[name].from as readonly string[]).includes(window))
}

const some = 'https://studio.example'
const long = 'x'.repeat(9_000)
const withPrototype = (text: string): unknown => JSON.parse(text)

const wrongArguments: Partial<Record<keyof typeof calls, readonly unknown[]>> = {
  signIn: [
    ...[undefined, null, true, 0, 1, Number.NaN, Number.POSITIVE_INFINITY, 10n, '', some, [], [some], {}, new Date(0)],
    ...[{ site: undefined }, { site: null }, { site: 1 }, { site: true }, { site: [some] }, { site: { href: some } }],
    ...[{ site: some, more: 1 }, { site: some, site2: some }, { Site: some }, { url: some }, { site: long }],
    ...[{ site: new Date(0) }, new Map([['site', some]]), new Set([some]), /site/],
    ...[withPrototype(`{"__proto__":{"site":"${some}"}}`), withPrototype(`{"__proto__":{"site":"${some}"},"more":1}`)],
    ...[withPrototype(`{"constructor":{"prototype":{"site":"${some}"}}}`), { site: some, toString: 1 }],
    ...[{ site: 'x'.repeat(20_000_000) }, Object.fromEntries([...Array(50_000).keys()].map((key) => [`k${key}`, 1]))],
    new Uint8Array(1_000_000),
    { length: 1, 0: some },
  ],
  paste: [
    {},
    { site: some },
    { address: some },
    { site: some, address: 1 },
    { site: some, address: long },
    [some, some],
  ],
  submitCredentials: [
    ...[{}, { site: some }, { site: some, login: 'x' }, { site: some, passphrase: 'x' }, ['x', 'x', 'x']],
    ...[
      { site: some, login: '', passphrase: 'x' },
      { site: some, login: 'x', passphrase: '' },
      { site: some, login: 'x', passphrase: 1 },
    ],
    ...[
      { site: some, login: 'x', passphrase: long },
      { site: some, login: 'x', passphrase: 'x', code: 1 },
      { site: some, login: 'x', passphrase: 'x', more: 1 },
    ],
  ],
  openHelp: [
    ...[{}, { site: some }, { page: 'site' }, { site: some, page: some }, { site: some, page: 'https://evil.example' }],
    ...[
      { site: some, page: '__proto__' },
      { site: some, page: 'constructor' },
      { site: some, page: ['site'] },
    ],
  ],
  checkAddresses: [
    { site: some },
    { broker: some },
    { site: some, broker: null },
    { site: some, broker: some, more: 1 },
  ],
  saveAddresses: [{ site: some }, { site: [some], broker: some }, { site: some, broker: long }, null],
  saveSetting: [
    ...[
      {},
      { key: 'app.startAtLogin' },
      { value: true },
      { key: 'sites', value: 'x' },
      { key: '__proto__', value: true },
    ],
    ...[
      { key: 'constructor.prototype', value: 'x' },
      { key: 'app.language', value: 1 },
      { key: 'app.language', value: {} },
    ],
    ...[
      { key: 'app.language', value: 'x'.repeat(33) },
      { key: ['app.language'], value: 'fr' },
      { key: 'identity.issuer', value: some },
    ],
    ...[
      { key: 'app.startAtLogin', value: true, more: true },
      { key: 'app.startAtLogin ', value: true },
    ],
  ],
  openLogs: [{ path: '/etc' }, '/etc', ['x'], null],
  openSite: [{ site: some, url: some }, some, { href: some }],
  openBrowserAgain: [{ site: some, url: some }, {}],
  closeWindow: [{ window: 'status' }, 'status', null],
  openSettings: [1, { a: 1 }],
}

test('wrong arguments are refused, call by call', async (context) => {
  const stage = await onStage(context)
  const before = await untouched(stage)
  let tried = 0
  for (const [name, all] of Object.entries(wrongArguments)) {
    const page = stage.pages[allowedFrom(name as keyof typeof calls) ?? 'status']
    for (const args of all) {
      expect(await calling(page, name, args), `${name} ${String(JSON.stringify(args, asText)).slice(0, 80)}`).toEqual(
        refused,
      )
      tried += 1
    }
  }
  expect(tried).toBeGreaterThan(70)
  expect(await untouched(stage)).toEqual(before)
})

function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value
}

test('what is huge or deep is refused, and the app goes on', async (context) => {
  const { pages, app } = await onStage(context)
  const outcomes = await pages.status.evaluate(async () => {
    const deep = (levels: number): unknown => {
      let value: unknown = 'x'
      for (let level = 0; level < levels; level++) value = { site: value }
      return value
    }
    const wide = Object.fromEntries([...Array(50_000).keys()].map((key) => [`key${key}`, 1]))
    const huge = [
      { site: 'x'.repeat(20_000_000) },
      new Uint8Array(200_000),
      [deep(20)],
      deep(30),
      deep(2_000),
      wide,
      Array(50_000),
    ]
    const call = window.sgSession.call as (name: unknown, args: unknown) => Promise<{ ok: boolean; code?: string }>
    const told: unknown[] = []
    for (const args of huge) {
      // A promise of the bridge, or the bridge's own exception.
      const answer = (async () => call('signIn', args))()
      told.push(
        await answer.then(
          ({ ok, code }) => (ok ? 'done' : code),
          () => 'rejected',
        ),
      )
    }
    return told
  })
  expect(outcomes).toHaveLength(7)
  for (const outcome of outcomes) expect(['rejected', 'invalid_request']).toContain(outcome)
  expect(app.process().exitCode).toBe(null)
})

test('what cannot cross at all is refused before it crosses, and the window goes on', async (context) => {
  const { pages } = await onStage(context)
  const outcomes = await pages.status.evaluate(async () => {
    const circle: Record<string, unknown> = {}
    circle['site'] = circle
    const trap = {
      get site(): string {
        throw new Error('read')
      },
    }
    const odd: unknown[] = [
      () => 'x',
      Symbol('x'),
      { site: () => 'x' },
      circle,
      trap,
      new Proxy({}, { ownKeys: () => ['site'] }),
      document.body,
      window,
    ]
    const call = window.sgSession.call as (name: unknown, args: unknown) => Promise<{ ok: boolean; code?: string }>
    return Promise.all(
      odd.map((args) =>
        Promise.resolve()
          .then(() => call('signIn', args))
          .then(
            ({ ok, code }) => (ok ? 'done' : code),
            () => 'rejected',
          ),
      ),
    )
  })
  for (const outcome of outcomes) expect(['rejected', 'invalid_request']).toContain(outcome)
  expect(await calling(pages.status, 'openAbout', {})).toEqual({ ok: true, value: null })
})

test('each call is refused to every window that may not make it, right arguments or not', async (context) => {
  const stage = await onStage(context)
  const before = await untouched(stage)
  const right: Record<string, unknown> = {
    answerConsent: { id: 'x', answer: 'always' },
    saveSetting: { key: 'app.startAtLogin', value: true },
    checkAddresses: { site: stage.scene.site.url, broker: stage.scene.studio.brokerUrl },
    saveAddresses: { site: stage.scene.site.url, broker: stage.scene.studio.brokerUrl },
    paste: { site: stage.scene.site.url, address: 'http://localhost/callback' },
    submitCredentials: { site: stage.scene.site.url, login: 'artist', passphrase: 'x' },
    openHelp: { site: stage.scene.site.url, page: 'autodesk-profile' },
    revokeTool: { id: '1a2b3c4d' },
    askAgain: { executable: '/usr/bin/python3', script: '', site: stage.scene.site.url },
  }
  let tried = 0
  for (const [name, { args, from }] of Object.entries(calls)) {
    const given = right[name] ?? ('site' in args.shape ? { site: stage.scene.site.url } : {})
    expect(args.safeParse(given).success, name).toBe(true)
    for (const window of openableWindows) {
      if ((from as readonly string[]).includes(window)) continue
      expect(await calling(stage.pages[window], name, given), `${name} from ${window}`).toEqual(refused)
      tried += 1
    }
  }
  expect(tried).toBeGreaterThan(60)
  expect(await untouched(stage)).toEqual(before)
})

test('there is no other call, whatever it is called', async (context) => {
  const stage = await onStage(context)
  const before = await untouched(stage)
  const names: unknown[] = ['', 'quit', 'toggleStartAtLogin', 'showStatus', 'signin', 'SignIn', 'signIn ', 'signIn\0']
  const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'then']
  const odd: unknown[] = [
    undefined,
    null,
    0,
    10n,
    true,
    {},
    [],
    ['signIn'],
    { toString: 1, valueOf: 1 },
    { name: 'signIn' },
    long,
    long.repeat(1_000),
  ]
  for (const name of [...names, ...inherited, ...odd]) {
    expect(await calling(stage.pages.status, name, { site: stage.scene.site.url })).toEqual(refused)
  }
  expect(await untouched(stage)).toEqual(before)
})

test('there is no other channel: neither to ask nor to send', async (context) => {
  const { app } = await onStage(context)
  const listening = await app.evaluate(({ ipcMain, webContents }) => {
    const outer = ipcMain.eventNames().map(String)
    const inner = webContents
      .getAllWebContents()
      .flatMap((one) => [...one.ipc.eventNames(), ...one.mainFrame.ipc.eventNames()])
    const handlers = Reflect.get(ipcMain, '_invokeHandlers') as Map<string, unknown>
    return {
      outer,
      inner: inner.map(String).filter((name) => name !== 'error'),
      handlers: [...handlers.keys()].toSorted(),
    }
  })
  expect(listening).toEqual({ outer: ['error'], inner: [], handlers: ['sg-session:call', 'sg-session:view'] })
})

test('contents that are no window of ours get nothing, whatever they show; nor does a frame in our own page', async (context) => {
  const stage = await onStage(context)
  const before = await untouched(stage)
  const outcomes = await stage.app.evaluate(
    async ({ BrowserWindow, WebContentsView, webContents, session }, { preload, site }) => {
      const own = webContents.getAllWebContents()[0]?.session as Electron.Session
      const script = `Promise.all([
        sgSession.view().then(() => 'a view', () => 'rejected'),
        ...['signIn', 'openSite', 'signOut', 'openSettings', 'closeWindow', 'saveSetting', 'answerConsent', 'nothing'].map((name) =>
          sgSession.call(name, { site: ${JSON.stringify(site)} }).then(({ ok, code }) => ok ? 'done' : code, () => 'rejected')),
      ])`
      const addresses = ['about:blank', 'data:text/html,x', 'app://sg-session/page.html', 'app://sg-session/page.css']
      const made: [string, string[]][] = []
      for (const address of addresses) {
        for (const [where, webPreferences] of [
          ['our session', { session: own, preload }],
          ['no isolation', { session: own, preload, sandbox: true, contextIsolation: true, webSecurity: false }],
          ['a session of its own', { session: session.fromPartition('rogue'), preload }],
        ] as const) {
          if (where === 'a session of its own' && address.startsWith('app:')) continue
          const window = new BrowserWindow({ show: false, webPreferences })
          await window.loadURL(address)
          made.push([`${where}, ${address}`, await window.webContents.executeJavaScript(script)])
          const gone = new Promise((done) => window.webContents.once('destroyed', () => done(undefined)))
          window.destroy()
          await gone
        }
      }
      // A view inside one of our windows is not that window.
      const [host] = BrowserWindow.getAllWindows()
      const view = new WebContentsView({ webPreferences: { session: own, preload } })
      host?.contentView.addChildView(view)
      await view.webContents.loadURL('app://sg-session/page.html')
      made.push(['a view in our window', await view.webContents.executeJavaScript(script)])
      host?.contentView.removeChildView(view)
      const viewGone = new Promise((done) => view.webContents.once('destroyed', () => done(undefined)))
      view.webContents.close()
      await viewGone
      return made
    },
    { preload: resolve('out', 'app', 'preload.cjs'), site: stage.scene.site.url },
  )
  expect(outcomes.length).toBeGreaterThan(10)
  for (const [where, [view, ...all]] of outcomes) {
    expect([where, view]).toEqual([where, 'rejected'])
    expect([where, ...new Set(all)]).toEqual([where, 'invalid_request'])
    expect(all).toHaveLength(8)
  }
  expect(await untouched(stage)).toEqual(before)
})

test('a frame in our own window would be refused, and so would a page that is not exactly ours', async (context) => {
  const { app } = await onStage(context)
  const answers = await app.evaluate(async ({ ipcMain, webContents }) => {
    const page = 'app://sg-session/page.html'
    const frames: Record<string, unknown> = {
      ours: { url: page, parent: null },
      gone: null,
      'a child frame': { url: page, parent: { url: page } },
      'a hash': { url: `${page}#x`, parent: null },
      'a query': { url: `${page}?x`, parent: null },
      'another file': { url: 'app://sg-session/page.css', parent: null },
      'another host': { url: 'app://sg-session.attacker.example/page.html', parent: null },
      'another scheme': { url: 'https://sg-session/page.html', parent: null },
      blank: { url: 'about:blank', parent: null },
      empty: { url: '', parent: null },
    }
    type Handler = (event: unknown, ...args: unknown[]) => Promise<{ ok: boolean; code?: string }>
    const handler = (Reflect.get(ipcMain, '_invokeHandlers') as Map<string, Handler>).get('sg-session:call')
    const sender = webContents.getAllWebContents().find((one) => one.getTitle() === 'sg-session')
    const told: Record<string, unknown> = {}
    for (const [name, senderFrame] of Object.entries(frames)) {
      const answer = await handler?.({ sender, senderFrame }, 'openAbout', {})
      told[name] = answer?.ok ? 'done' : answer?.code
    }
    return told
  })
  const { ours, ...others } = answers
  expect(ours).toBe('done')
  expect(Object.keys(others)).toHaveLength(9)
  for (const [name, answer] of Object.entries(others)) expect([name, answer]).toEqual([name, 'invalid_request'])
})

test('the session token, the endpoint key and the tokens of Autodesk never reach a page', async (context) => {
  const stage = await onStage(context)
  const { pages, scene } = stage
  const inPages = Object.values(pages)
  for (const page of inPages) {
    await page.evaluate(async () => {
      const received: View[] = []
      Object.assign(window, { received })
      window.sgSession.onView((view) => received.push(view))
      received.push(await window.sgSession.view())
    })
  }
  await noteTokens(stage)
  // This one would go by itself two seconds after.
  const signIn = await stage.app.browserWindow(pages['sign-in'])
  await signIn.evaluate((window) => window.on('close', (event: Electron.Event) => event.preventDefault()))
  await signInWhereItWaits(stage)
  await pages['sign-in'].getByRole('heading', { name: 'You are signed in' }).waitFor()
  const dumps = [await dump(pages['sign-in'])]
  await pages.status.getByText('Signed in as Plain Artist').waitFor()
  const { sessionToken } = JSON.parse((await scene.studio.sgSession('get', '--json')).stdout) as Record<string, string>
  const endpoint = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
  const { key } = JSON.parse(await readFile(endpoint, 'utf8')) as Record<string, string>
  await calling(pages.status, 'copyDiagnosis', {})
  const tokens = await notedTokens(stage)
  expect(Object.keys(tokens).toSorted()).toEqual(['access_token', 'id_token', 'refresh_token'])
  // A heap snapshot shows the beginning of a long text.
  const secrets = Object.entries({ sessionToken, key, ...tokens }).map(
    ([name, secret = '']) => [name, secret.slice(0, 400)] as const,
  )
  expect(Math.min(...secrets.map(([, secret]) => secret.length))).toBeGreaterThan(20)
  for (const name of ['status', 'settings', 'about', 'first-run'] as const) dumps.push(await dump(pages[name]))
  for (const { title, ...texts } of dumps) {
    for (const [where, text] of Object.entries(texts)) {
      // The search finds what is there.
      expect([title, where, text.includes(title)]).toEqual([title, where, true])
      for (const [name, secret] of secrets)
        expect([title, where, name, text.includes(secret)]).toEqual([title, where, name, false])
    }
  }
  const clipboard = await stage.app.evaluate(({ clipboard: system }) => system.readText())
  expect(clipboard).toContain('sg-session')
  for (const check of ['agent', 'broker', 'identity', 'site'])
    expect(clipboard).toMatch(new RegExp(`^ok +${check} `, 'm'))
  for (const [, secret] of secrets) expect(clipboard.includes(secret)).toBe(false)
})

test('a window that was led to about:blank is closed; the app is alive after all this', async (context) => {
  const { pages, app, scene } = await onStage(context)
  const closed = pages.about.waitForEvent('close')
  await pages.about.evaluate(() => location.assign('about:blank')).catch(() => undefined)
  await closed
  expect(await calling(pages.status, 'openSettings', {})).toEqual({ ok: true, value: null })
  expect((await scene.studio.sgSession('status')).status).toBe(0)
  expect(app.process().exitCode).toBe(null)
})

/** Lets the sign-in that waits for the browser come to its end. */
async function signInWhereItWaits({ askedToOpen }: WindowsStage): Promise<void> {
  const { email, autodesk } = personNamed('artist')
  const address = new URL((await askedToOpen()).at(-1) ?? '')
  const browser = new HeadlessBrowser()
  const account = { email, password: autodesk?.password ?? '' }
  await browser.send(await browser.signIn(address, account, address.searchParams.get('redirect_uri') ?? ''))
}

/** From now on notes every token that an answer from outside brings into the app. */
async function noteTokens({ app }: WindowsStage): Promise<void> {
  await app.evaluate(({ session }) => {
    const outside = session.fromPartition('outside')
    const fetch = outside.fetch.bind(outside)
    const tokens: Record<string, string> = {}
    Object.assign(globalThis, { tokens })
    outside.fetch = async (...args) => {
      const response = await fetch(...args)
      const body = await response.clone().text()
      for (const [, name, value] of body.matchAll(/"((?:access|refresh|id)_token)":"([^"]+)"/g)) {
        tokens[name ?? ''] = value ?? ''
      }
      return response
    }
  })
}

function notedTokens({ app }: WindowsStage): Promise<Record<string, string>> {
  return app.evaluate(() => Reflect.get(globalThis, 'tokens') as Record<string, string>)
}

/** Every byte that came to a page since it was watched, what it shows, and all that JavaScript holds in it. */
async function dump(page: Page): Promise<{ title: string; views: string; document: string; heap: string }> {
  const shown = await page.evaluate(() => ({
    title: document.title,
    views: JSON.stringify(Reflect.get(window, 'received')),
    document: document.documentElement.outerHTML,
  }))
  return { ...shown, heap: await heapOf(page) }
}

/** Everything JavaScript has in this page, as text. */
async function heapOf(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page)
  const chunks: string[] = []
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk))
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  await session.detach()
  return chunks.join('')
}
