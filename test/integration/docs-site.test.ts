import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSite } from '../../build/site/build-site.ts'
import { sitePages } from '../../build/site/pages.ts'
import { type ServedSite, serveSite } from '../../build/site/serve-site.ts'
import { chromiumMissing, launchChromium } from '../sandbox/chromium.ts'

/** What one page of the site has, seen in the browser. */
interface Seen {
  readonly ids: readonly string[]
  /** Whole addresses. */
  readonly links: readonly string[]
  readonly sidebar: readonly string[]
  readonly lang: string
  readonly wider: number
}

/** Not at the root: every address has to begin with it. */
const base = '/pipeline/sg-session/'

describe.skipIf(chromiumMissing)('the site of docs/, in a browser', { timeout: 60_000 }, () => {
  let folder: string
  let site: ServedSite
  let browser: Browser
  const trouble: string[] = []
  const hosts = new Set<string>()
  const seen = new Map<string, Seen>()

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sg-session-docs-'))
    const [launched] = await Promise.all([launchChromium(), buildSite(base, folder)])
    browser = launched
    site = await serveSite(base, 8878, folder)
    const page = await newPage()
    await open(page, site.address)
    await open(page, `${site.address}fr/artists.html`)
    await open(page, `${site.address}artists.html`)
    const left = seen.get(`${site.address}artists.html`)?.sidebar.filter((address) => !seen.has(address)) ?? []
    for (const address of left) await clickTo(page, address)
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function newPage(): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
    page.on('console', (message) => {
      if (message.type() === 'error') trouble.push(`${page.url()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => trouble.push(`${page.url()}: ${error.message}`))
    page.on('requestfailed', (request) =>
      trouble.push(`${page.url()}: ${request.url()}: ${request.failure()?.errorText}`),
    )
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    page.on('response', (response) => {
      if (response.status() >= 400) trouble.push(`${page.url()}: ${response.url()}: ${response.status()}`)
    })
    return page
  }

  async function open(page: Page, address: string): Promise<void> {
    await page.goto(address)
    // Without its scripts a page has no sidebar to open, and no search.
    await page.waitForFunction(() => '__vue_app__' in (document.querySelector('#app') ?? {}))
    seen.set(address, await look(page))
  }

  /** As a reader goes on: without loading the site anew. */
  async function clickTo(page: Page, address: string): Promise<void> {
    const { pathname } = new URL(address)
    await page.evaluate(
      (path) => document.querySelector<HTMLElement>(`.VPSidebar a[href="${path}"]`)?.click(),
      pathname,
    )
    // The generator names the text after its page.
    await page.waitForSelector(`.vp-doc.${pathname.replaceAll(/[./]+/g, '_').replace(/_html$/, '')}`)
    seen.set(address, await look(page))
  }

  function look(page: Page): Promise<Seen> {
    return page.evaluate(() => ({
      ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      links: [...document.querySelectorAll<HTMLAnchorElement>('a[href]')].map(({ href }) => href),
      sidebar: [...document.querySelectorAll<HTMLAnchorElement>('.VPSidebar a[href]')].map(({ href }) => href),
      lang: document.documentElement.lang,
      wider: document.documentElement.scrollWidth - innerWidth,
    }))
  }

  test('every page is in the sidebar and opens without a console error or a failed request', () => {
    expect(trouble).toEqual([])
    const names = [...sitePages(process.cwd()).values()].map((name) => name.replace(/(^|\/)index\.md$/, '$1'))
    const addresses = names.map((name) => `${site.address}${name.replace(/\.md$/, '.html')}`)
    expect([...seen.keys()].toSorted()).toEqual(addresses.toSorted())
  })

  test('nothing is asked of another host', () => {
    expect([...hosts]).toEqual([new URL(site.address).host])
  })

  test('every link inside the site leads to a page or a file, and to a heading where it names one', async () => {
    const dead: string[] = []
    const files = new Set<string>()
    let count = 0
    for (const [from, { links }] of seen) {
      for (const link of links.filter((one) => new URL(one).host === new URL(site.address).host)) {
        count += 1
        const [address = '', anchor = ''] = link.split('#')
        const page = seen.get(address)
        if (!page) files.add(address)
        else if (anchor !== '' && !page.ids.includes(decodeURIComponent(anchor))) dead.push(`${from}: ${link}`)
      }
    }
    expect(count).toBeGreaterThan(1_000)
    expect(files.size).toBeGreaterThan(2)
    for (const file of files) {
      const { status } = await fetch(file)
      if (status !== 200 || !file.startsWith(`${site.address}files/`)) dead.push(`${file}: ${status}`)
    }
    expect(dead).toEqual([])
  })

  test('every page can be opened by itself: all that its file asks for is there', async () => {
    const asked = new Set<string>()
    for (const address of seen.keys()) {
      const text = await (await fetch(address)).text()
      expect(text).toContain('<h1 ')
      for (const [, path = ''] of text.matchAll(/(?:href|src)="([^"#]+\.(?:js|css|png|svg))"/g))
        asked.add(new URL(path, address).href)
    }
    expect(asked.size).toBeGreaterThan(seen.size)
    const statuses = await Promise.all([...asked].map(async (one) => [one, (await fetch(one)).status] as const))
    expect(statuses.filter(([, status]) => status !== 200)).toEqual([])
  })

  test('what is not there is not found', async () => {
    expect((await fetch(`${site.address}nowhere.html`)).status).toBe(404)
  })

  test('a telephone shows every page without scrolling sideways', () => {
    expect([...seen].filter(([, { wider }]) => wider > 0).map(([address]) => address)).toEqual([])
  })

  test('the French page is marked as French, the others as English', () => {
    const french = [...seen].filter(([, { lang }]) => lang === 'fr').map(([address]) => address)
    expect(french).toEqual([`${site.address}fr/artists.html`])
    expect(new Set([...seen.values()].map(({ lang }) => lang))).toEqual(new Set(['fr', 'en-GB']))
  })

  test.each([
    ['', 'AgentNotRunning', 'reference/python.html'],
    ['fr/artists.html', 'verrouillé', 'fr/artists.html'],
  ])('from "%s" the search for "%s" leads to "%s"', async (from, words, to) => {
    const page = await newPage()
    await open(page, `${site.address}${from}`)
    await page.locator('.VPNavBarSearch button').click()
    await page.locator('#localsearch-input').fill(words)
    await page.locator(`.VPLocalSearchBox .result[href*="${to}"]`).first().click()
    await page.waitForURL((url) => url.href.startsWith(`${site.address}${to}#`))
    await expect.poll(() => page.locator('.vp-doc').textContent(), { timeout: 10_000 }).toContain(words)
    expect(trouble).toEqual([])
    await page.close()
  })
})
