import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve, sep } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { CallName } from '../../app/windows/calls.ts'
import type { Outcome, PageApi, View } from '../../app/windows/contract.ts'
import { chromiumMissing, launchChromium } from '../sandbox/chromium.ts'

/** The policy of the app's own pages. */
const policy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; form-action 'none'",
  "base-uri 'none'; frame-ancestors 'none'",
].join('; ')
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

export interface Call {
  readonly name: CallName
  readonly args: Record<string, unknown>
}

/** One window: its page in the browser, and this side of the bridge. */
export interface Opened {
  readonly page: Page
  /** Errors of the console, and what the policy blocked. */
  readonly complaints: readonly string[]
  calls(): Promise<readonly Call[]>
  show(view: View): Promise<void>
  /** From now on calls wait; `answer` answers the oldest of them that is left, or the one at `index`. */
  hold(): Promise<void>
  answer(outcome: Outcome<unknown> | 'lost', index?: number): Promise<void>
  /** Every later call is answered so. */
  answerAll(outcome: Outcome<unknown> | 'lost'): Promise<void>
  /** From now on each call is answered by `act`, on this side of the bridge. */
  answerBy(act: (call: Call) => Promise<Outcome<unknown>>): Promise<void>
}

export interface WindowStage {
  /** With `clock`, time stands still until the test runs it. */
  open(view: View, options?: BrowserContextOptions, clock?: boolean): Promise<Opened>
}

/** A browser and the built pages for all tests of a file; each test's windows are closed behind it. */
export function useWindowStage(): WindowStage {
  let browser: Browser | undefined
  let stage: (WindowStage & { close(): Promise<void> }) | undefined
  beforeAll(async () => {
    if (chromiumMissing) return
    browser = await launchChromium()
    stage = await startWindowStage(browser)
  })
  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? [])
  })
  afterAll(async () => {
    await stage?.close()
    await browser?.close()
  })
  return {
    open(...what) {
      if (!stage) throw new Error(chromiumMissing ?? 'the stage is not there yet')
      return stage.open(...what)
    },
  }
}

/** The built pages, served as the app serves them. */
async function startWindowStage(browser: Browser): Promise<WindowStage & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-pages-'))
  const root = resolve('app/windows/pages')
  await build({
    root,
    base: './',
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      rollupOptions: { input: join(root, 'page.html') },
    },
  })
  const server = createServer((request, response) => {
    const file = resolve(folder, `.${new URL(request.url ?? '/', 'http://page.invalid').pathname}`)
    const type = types[extname(file)]
    if (!file.startsWith(folder + sep) || type === undefined) return void response.writeHead(404).end()
    readFile(file).then(
      (body) => response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page.html`
  return {
    async open(view, options = {}, clock = false) {
      const context = await browser.newContext(options)
      if (clock) {
        await context.clock.install({ time: 0 })
        await context.clock.pauseAt(1_000)
      }
      return open(context, address, view)
    },
    async close() {
      await new Promise((closed) => server.close(closed))
      await rm(folder, { recursive: true })
    },
  }
}

interface Bridge {
  readonly calls: Call[]
  readonly waiting: ((outcome: Outcome<unknown> | 'lost') => void)[]
  held: boolean
  actOutside: ((call: Call) => Promise<Outcome<unknown>>) | undefined
  outcome: Outcome<unknown> | 'lost'
  show(view: View): void
}
declare global {
  interface Window {
    readonly sgSession: PageApi
    stage: Bridge
  }
}

async function open(context: BrowserContext, address: string, view: View): Promise<Opened> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) complaints.push(message.text())
  })
  await page.addInitScript(standIn, view)
  await page.goto(address)
  await page.locator('main').waitFor()
  return {
    page,
    complaints,
    calls: () => page.evaluate(() => window.stage.calls),
    show: (next) => page.evaluate((shown) => window.stage.show(shown), next),
    hold: () =>
      page.evaluate(() => {
        window.stage.held = true
      }),
    answer: (outcome, index = 0) =>
      page.evaluate(([given, at]) => window.stage.waiting.splice(at, 1)[0]?.(given), [outcome, index] as const),
    async answerBy(act) {
      await page.exposeFunction('actOutside', act)
      await page.evaluate(() => {
        window.stage.actOutside = Reflect.get(window, 'actOutside') as Bridge['actOutside']
      })
    },
    answerAll: (outcome) =>
      page.evaluate((given) => {
        window.stage.outcome = given
      }, outcome),
  }
}

/** Runs in the page before its script: what the preload script would give it. */
function standIn(first: View): void {
  const listeners: ((view: View) => void)[] = []
  const stage: Bridge = {
    calls: [],
    waiting: [],
    held: false,
    actOutside: undefined,
    outcome: { ok: true, value: null },
    show: (view) => {
      for (const listener of listeners) listener(view)
    },
  }
  const api = {
    view: async () => first,
    onView: (listener: (view: View) => void) => void listeners.push(listener),
    call: (name: CallName, args: Record<string, unknown>) => {
      stage.calls.push({ name, args })
      if (stage.actOutside) return stage.actOutside({ name, args })
      return new Promise((resolve, reject) => {
        const settle = (outcome: Outcome<unknown> | 'lost'): void =>
          outcome === 'lost' ? reject(new Error('the bridge is gone')) : resolve(outcome)
        if (stage.held) stage.waiting.push(settle)
        else settle(stage.outcome)
      })
    },
  }
  Object.assign(window, { sgSession: api, stage })
}
