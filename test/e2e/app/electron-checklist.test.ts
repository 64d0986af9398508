// The twenty recommendations of Electron's security tutorial (electronjs.org/docs/latest/tutorial/security), in its order
// and by its names, asked of the real app with every window open.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { demandElectron } from './app-stage.ts'
import { calling, openableWindows, openEveryWindow, type WindowsStage } from './every-window.ts'
import { askForPowers, leave, openWindows, reachOut, runForeignCode } from './hostile-page.ts'
import { type Listening, startListening } from './listening.ts'

const pageAddress = 'app://sg-session/page.html'
let opening: Promise<WindowsStage> | undefined
let listening: Listening | undefined
afterAll(async () => {
  await listening?.stop()
  await (await opening?.catch(() => undefined))?.close()
})

/** All tests look at one and the same running app. */
function onStage(context: TestContext): Promise<WindowsStage> {
  opening ??= openEveryWindow(demandElectron(context))
  return opening
}

async function somebodyListens(): Promise<Listening> {
  listening ??= await startListening()
  return listening
}

/** The same in every window at once, by its name. */
async function inEachWindow<T>({ pages }: WindowsStage, ask: (page: Page) => Promise<T>): Promise<Record<string, T>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(pages).map(async ([name, page]) => [name, await ask(page)])),
  )
}

// In no type library, and older than the tutorial.
type Undocumented = Electron.WebContents & { getLastWebPreferences(): Electron.WebPreferences }

/** What every contents there is was really made with. */
async function preferences({ app, pages }: WindowsStage): Promise<Electron.WebPreferences[]> {
  const found = await app.evaluate(({ webContents }) =>
    webContents.getAllWebContents().map((contents) => (contents as Undocumented).getLastWebPreferences()),
  )
  expect(found).toHaveLength(Object.keys(pages).length)
  return found
}

/** Switches the app was started with, or gave itself. */
function hasSwitches({ app }: WindowsStage, names: readonly string[]): Promise<string[]> {
  return app.evaluate(({ app: main }, asked) => asked.filter((name) => main.commandLine.hasSwitch(name)), names)
}

async function addressesOf(stage: WindowsStage): Promise<string[]> {
  return stage.app.evaluate(({ webContents }) => webContents.getAllWebContents().map((one) => one.getURL()))
}

const elsewhere = [
  'https://attacker.example/',
  'file:///etc/hostname',
  'data:text/html,<h1>x</h1>',
  'javascript:document.title="x"',
  'app://other/page.html',
  'app://sg-session/page.css',
  'mailto:somebody@attacker.example',
  'ssh://attacker.example',
  'vbscript:x',
  'devtools://devtools/bundled/inspector.html',
  'chrome://gpu',
]

test('1. only load secure content: every byte of a window is from the app, and nothing it tries reaches a socket', async (context) => {
  const stage = await onStage(context)
  const { tcp, udp, heard } = await somebodyListens()
  const loaded = await inEachWindow(stage, (page) =>
    page.evaluate(() => {
      const links = [...document.querySelectorAll<HTMLLinkElement>('link')].map(({ href }) => href)
      return [
        location.href,
        ...links,
        ...[...document.querySelectorAll<HTMLImageElement>('[src]')].map(({ src }) => src),
      ]
    }),
  )
  for (const addresses of Object.values(loaded)) {
    expect(addresses.toSorted()).toEqual(['css', 'html', 'js'].map((type) => `app://sg-session/page.${type}`))
  }
  await inEachWindow(stage, (page) => page.evaluate(reachOut, { tcp, udp }))
  expect(heard).toEqual([])
  // Behind the pages' own policy stands the session: what a page could not even ask for is refused there too.
  const refused = await stage.app.evaluate(
    ({ webContents }, address) =>
      Promise.all(
        webContents.getAllWebContents().map((one) => one.session.fetch(address).then(() => 'answered', String)),
      ),
    `http://127.0.0.1:${tcp}/`,
  )
  expect(new Set(refused)).toEqual(new Set(['Error: net::ERR_BLOCKED_BY_CLIENT']))
  expect(heard).toEqual([])
})

test('2. no Node.js integration', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) {
    expect(one).toMatchObject({ nodeIntegration: false, nodeIntegrationInSubFrames: false })
    expect(one.nodeIntegrationInWorker ?? false).toBe(false)
  }
  const names = ['require', 'process', 'module', 'exports', 'Buffer', 'global', '__dirname', 'setImmediate', 'electron']
  const found = await inEachWindow(stage, (page) =>
    page.evaluate(
      (asked) => asked.filter((name) => name in window || typeof Reflect.get(globalThis, name) !== 'undefined'),
      names,
    ),
  )
  for (const there of Object.values(found)) expect(there).toEqual([])
})

test('3. context isolation: what a page does to the language does not touch the preload script', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.contextIsolation).toBe(true)
  const caught = await inEachWindow(stage, (page) =>
    page.evaluate(async () => {
      const seen: string[] = []
      const prototypes = [Function.prototype, Array.prototype, Promise.prototype, Object.prototype] as const
      const names = ['call', 'apply', 'bind', 'push', 'then', 'toString', 'valueOf']
      const undo: (() => void)[] = []
      for (const prototype of prototypes) {
        for (const name of names) {
          const own = Object.getOwnPropertyDescriptor(prototype, name)
          if (typeof own?.value !== 'function') continue
          undo.push(() => Object.defineProperty(prototype, name, own))
          Object.defineProperty(prototype, name, {
            ...own,
            value(this: unknown, ...args: unknown[]) {
              for (const one of [this, ...args]) {
                const it = one as Record<string, unknown> | undefined
                if (typeof it?.['invoke'] === 'function' || typeof it?.['sendSync'] === 'function') seen.push(name)
              }
              return Reflect.apply(own.value, this, args)
            },
          })
        }
      }
      try {
        await window.sgSession.view()
        await window.sgSession.call('openAbout', {})
      } finally {
        for (const one of undo) one()
      }
      return { seen, frozen: !Reflect.set(window, 'sgSession', {}) && typeof window.sgSession.view === 'function' }
    }),
  )
  for (const one of Object.values(caught)) expect(one).toEqual({ seen: [], frozen: true })
})

test('4. process sandboxing, as every window asks for it (that the system does it: sandboxed.test.ts)', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.sandbox).toBe(true)
  // Asked of the app by the test alone, which runs as root.
  expect(await hasSwitches(stage, ['disable-setuid-sandbox', 'disable-seccomp-filter-sandbox', 'no-zygote'])).toEqual(
    [],
  )
  if (process.getuid?.() !== 0) expect(await hasSwitches(stage, ['no-sandbox'])).toEqual([])
})

test('5. permission requests: every power a page asks for is refused', async (context) => {
  const stage = await onStage(context)
  // One after the other: some are asked of the window in front.
  for (const page of [stage.pages.status, stage.pages['sign-in']]) {
    const answers = await page.evaluate(askForPowers)
    const given = Object.entries(answers).filter(([, answer]) => !/^denied$|^refused: /.test(answer))
    expect(given).toEqual([])
    expect(Object.keys(answers).length).toBeGreaterThan(30)
  }
})

test('6. web security is on', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.webSecurity).toBe(true)
  const switches = ['disable-web-security', 'ignore-certificate-errors', 'disable-site-isolation-trials']
  expect(await hasSwitches(stage, switches)).toEqual([])
})

test('7. a Content-Security-Policy: in the header of every file, and no foreign code runs', async (context) => {
  const stage = await onStage(context)
  const headers = await stage.app.evaluate(({ webContents }) =>
    Promise.all(
      ['html', 'js', 'css'].map(async (type) => {
        const [own] = webContents.getAllWebContents()
        const sent = (await own?.session.fetch(`app://sg-session/page.${type}`))?.headers ?? new Headers()
        return [sent.get('content-security-policy'), sent.get('x-content-type-options'), sent.get('cache-control')]
      }),
    ),
  )
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; form-action 'none'; " +
    "base-uri 'none'; frame-ancestors 'none'"
  for (const one of headers) expect(one).toEqual([policy, 'nosniff', 'no-store'])
  const outcomes = await inEachWindow(stage, (page) => page.evaluate(runForeignCode))
  const directives = ['base-uri', 'connect-src', 'frame-src', 'img-src', 'script-src', 'script-src-attr']
  for (const { ran, violated } of Object.values(outcomes)) {
    expect(ran).toEqual([])
    expect(violated).toEqual(expect.arrayContaining([...directives, 'script-src-elem', 'style-src-elem', 'worker-src']))
  }
})

test('8. no insecure content is allowed', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.allowRunningInsecureContent).toBe(false)
  expect(
    await hasSwitches(stage, ['allow-running-insecure-content', 'unsafely-treat-insecure-origin-as-secure']),
  ).toEqual([])
})

test('9. no experimental features', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.experimentalFeatures).toBe(false)
  const switches = ['enable-experimental-web-platform-features', 'enable-features', 'js-flags']
  expect(await hasSwitches(stage, switches)).toEqual([])
})

test('10. no enableBlinkFeatures', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.enableBlinkFeatures ?? '').toBe('')
  expect(await hasSwitches(stage, ['enable-blink-features'])).toEqual([])
})

test('11. <webview>: no allowpopups, for the tag is nothing in our pages', async (context) => {
  const stage = await onStage(context)
  for (const one of await preferences(stage)) expect(one.webviewTag).toBe(false)
  const made = await inEachWindow(stage, (page) =>
    page.evaluate(async () => {
      const view = document.createElement('webview')
      view.setAttribute('allowpopups', '')
      view.setAttribute('nodeintegration', '')
      view.setAttribute('src', 'about:blank')
      document.body.append(view)
      await new Promise((wake) => setTimeout(wake, 200))
      const powers = ['getWebContentsId', 'executeJavaScript', 'loadURL'].filter((name) => name in view)
      view.remove()
      return powers
    }),
  )
  for (const powers of Object.values(made)) expect(powers).toEqual([])
  expect(await addressesOf(stage)).toHaveLength(openableWindows.length)
})

test('12. <webview>: refused before it is there, even in a window that knows the tag', async (context) => {
  const { app } = await onStage(context)
  const seen = await app.evaluate(async ({ app: main, BrowserWindow }) => {
    const types: string[] = []
    const note = (_event: unknown, contents: Electron.WebContents): void => void types.push(contents.getType())
    main.on('web-contents-created', note)
    const window = new BrowserWindow({ show: false, webPreferences: { webviewTag: true, partition: 'webview-test' } })
    await window.loadURL('data:text/html,<webview src="about:blank" allowpopups nodeintegration></webview>')
    const isKnown = await window.webContents.executeJavaScript('"loadURL" in document.querySelector("webview")')
    await new Promise((wake) => setTimeout(wake, 500))
    main.off('web-contents-created', note)
    const gone = new Promise((done) => window.webContents.once('destroyed', () => done(undefined)))
    window.destroy()
    await gone
    return { types, isKnown }
  })
  expect(seen).toEqual({ types: ['window'], isKnown: true })
})

test('13. navigation: a window shows its own page, whatever it is told', async (context) => {
  const stage = await onStage(context)
  await inEachWindow(stage, (page) => page.evaluate(leave, elsewhere))
  const still = await inEachWindow(stage, (page) =>
    page.evaluate(() => [location.href, Reflect.get(window, 'stillHere')]),
  )
  for (const one of Object.values(still)) expect(one).toEqual([pageAddress, true])
})

test('14. new windows: none is opened', async (context) => {
  const stage = await onStage(context)
  const opened = await inEachWindow(stage, (page) =>
    page.evaluate(openWindows, ['about:blank', pageAddress, ...elsewhere]),
  )
  for (const windows of Object.values(opened)) expect(windows).toEqual([])
  expect(await addressesOf(stage)).toEqual(openableWindows.map(() => pageAddress))
})

test('15. shell.openExternal: nothing that pages asked for so far reached the system, nor does what they name', async (context) => {
  const stage = await onStage(context)
  for (const site of elsewhere) {
    expect(await calling(stage.pages.status, 'openSite', { site })).toMatchObject({ ok: false, code: 'site_unknown' })
  }
  const [signIn, ...others] = await stage.askedToOpen()
  expect(signIn).toMatch(`${stage.scene.identity.issuer}/`)
  expect(others).toEqual([])
})

test('16. a current Electron: pinned exactly, no older than the fixes of April 2026 (what an installer holds: with the installers)', async () => {
  const manifest = JSON.parse(await readFile(resolve('package.json'), 'utf8'))
  const lock = JSON.parse(await readFile(resolve('package-lock.json'), 'utf8'))
  const pinned: string = manifest.devDependencies.electron
  expect(pinned).toMatch(/^\d+\.\d+\.\d+$/)
  expect(lock.packages['node_modules/electron'].version).toBe(pinned)
  // CVE-2026-34775 to 34778 (second-instance, permission origins, service workers) are fixed in 41.0.0.
  expect(Number(pinned.split('.')[0])).toBeGreaterThanOrEqual(41)
})

test('17. the sender of a message is checked: our preload script in other contents, even on our page, gets nothing (more: ipc.test.ts)', async (context) => {
  const { app } = await onStage(context)
  const answers = await app.evaluate(
    async ({ BrowserWindow, webContents }, preload) => {
      const [own] = webContents.getAllWebContents()
      const made: unknown[] = []
      for (const address of ['app://sg-session/page.html', 'about:blank', 'data:text/html,x']) {
        const webPreferences = { session: own?.session as Electron.Session, preload, sandbox: true }
        const window = new BrowserWindow({ show: false, webPreferences })
        await window.loadURL(address)
        const script = `Promise.all([
        sgSession.view().then(() => 'a view', () => 'rejected'),
        sgSession.call('openAbout', {}).then(({ ok, code }) => ok ? 'done' : code, () => 'rejected'),
      ])`
        made.push(await window.webContents.executeJavaScript(script).catch(String))
        const gone = new Promise((done) => window.webContents.once('destroyed', () => done(undefined)))
        window.destroy()
        await gone
      }
      return made
    },
    resolve('out', 'app', 'preload.cjs'),
  )
  expect(answers).toEqual(Array(3).fill(['rejected', 'invalid_request']))
})

test('18. no file: addresses, and the own protocol serves a fixed list of files', async (context) => {
  const stage = await onStage(context)
  expect(await addressesOf(stage)).toEqual(openableWindows.map(() => pageAddress))
  const asked = [
    'app://sg-session/',
    'app://sg-session/page.html?x=1',
    'app://sg-session/page.html/',
    'app://sg-session//page.html',
    'app://sg-session/PAGE.HTML',
    'app://sg-session/page%2ehtml%00.js',
    'app://sg-session/../main.js',
    'app://sg-session/..%2fmain.js',
    'app://sg-session/%2e%2e/main.js',
    'app://sg-session/%2e%2e%2f%2e%2e%2f..%2fpackage.json',
    'app://sg-session/..\\main.js',
    'app://sg-session/pages/page.html',
    'app://sg-session/preload.cjs',
    'app://sg-session/package.json',
    'app://sg-session/etc/passwd',
    'app://sg-session//etc/passwd',
    'app://other/page.html',
    'app://sg-session.attacker.example/page.html',
    'app://localhost/etc/passwd',
    'app:///etc/passwd',
  ]
  const answers = await stage.app.evaluate(async ({ webContents, session }, addresses) => {
    const own = webContents.getAllWebContents()[0]?.session
    const get = (address: string, method = 'GET') =>
      own?.fetch(address, { method }).then(
        ({ status }) => status,
        () => 404,
      ) as Promise<number>
    return {
      others: await Promise.all(addresses.map((address) => get(address))),
      methods: await Promise.all(
        ['POST', 'PUT', 'DELETE', 'HEAD'].map((method) => get('app://sg-session/page.html', method)),
      ),
      own: await get('app://sg-session/page.html'),
      elsewhere: session.defaultSession.protocol.isProtocolHandled('app'),
    }
  }, asked)
  expect(answers).toEqual({
    others: asked.map(() => 404),
    methods: [404, 404, 404, 404],
    own: 200,
    elsewhere: false,
  })
})

test('19. fuses: none is needed to be on by the app (which are flipped is read from the package, with the installers)', async (context) => {
  const { app } = await onStage(context)
  // What the fuses will take away, nothing may use: file: privileges, Node by environment, code beside the archive.
  const uses = await app.evaluate(({ app: main, protocol }) => ({
    runAsNode: process.env['ELECTRON_RUN_AS_NODE'] ?? '',
    nodeOptions: process.env['NODE_OPTIONS'] ?? '',
    children: main
      .getAppMetrics()
      .filter(({ type }) => type !== 'Browser' && type !== 'Tab')
      .map(({ serviceName }) => serviceName),
    file: protocol.isProtocolIntercepted('file'),
  }))
  expect(uses).toEqual({ runAsNode: '', nodeOptions: '', children: expect.any(Array), file: false })
  expect(uses.children.filter((name) => name?.startsWith('node.'))).toEqual([])
})

test('20. no Electron API reaches a page: three functions, and listeners that get a view and no event', async (context) => {
  const stage = await onStage(context)
  const exposed = await inEachWindow(stage, (page) =>
    page.evaluate(() => Object.entries(window.sgSession).map(([name, value]) => `${name}: ${typeof value}`)),
  )
  for (const one of Object.values(exposed))
    expect(one).toEqual(['view: function', 'onView: function', 'call: function'])
  const names = await stage.app.evaluate(async ({ BrowserWindow, webContents }) => {
    const script = 'Object.getOwnPropertyNames(window)'
    const own = webContents.getAllWebContents()
    // What Chromium itself gives a page of this scheme.
    const bare = new BrowserWindow({ show: false, webPreferences: { session: own[0]?.session as Electron.Session } })
    await bare.loadURL('app://sg-session/page.css')
    const usual = new Set<string>(await bare.webContents.executeJavaScript(script))
    const gone = new Promise((done) => bare.webContents.once('destroyed', () => done(undefined)))
    bare.destroy()
    await gone
    const all: string[][] = await Promise.all(own.map((contents) => contents.executeJavaScript(script)))
    return all.map((there) => there.filter((name) => !usual.has(name)))
  })
  // Beside frames by their number, and the mark that test 13 made.
  for (const own of names) expect(own.filter((name) => !/^\d+$|^stillHere$/.test(name))).toEqual(['sgSession'])
  const given = stage.pages.settings.evaluate(
    () => new Promise<number>((resolve) => window.sgSession.onView((...all: unknown[]) => resolve(all.length))),
  )
  await calling(stage.pages.settings, 'saveSetting', { key: 'app.language', value: 'en' })
  expect(await given).toBe(1)
})
