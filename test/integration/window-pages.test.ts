import type { BrowserContextOptions } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { View } from '../../app/windows/contract.ts'
import { chromiumMissing } from '../sandbox/chromium.ts'
import { keepPicture } from '../sandbox/keep-picture.ts'
import { buttonsWithoutEdge, clippedText, lowestContrast, outsideTheWindow } from './window-measures.ts'
import { type Opened, useWindowStage } from './window-stage.ts'
import * as views from './window-views.ts'

/** What the windows look like, whatever they are given to show. */
const stage = useWindowStage()

const open = (view: View, options: BrowserContextOptions = {}): Promise<Opened> =>
  stage.open(view, { viewport: views.sizes[view.window], reducedMotion: 'reduce', ...options })
const states: readonly View[] = [
  ...views.everyWindow,
  views.signedOut,
  views.runningOut,
  views.refused,
  views.approving,
  views.asking,
  views.askingAgain,
  views.askingForCode,
]
const table = states.map((view) => ({ name: nameOf(view), view }))

function nameOf(view: View): string {
  if (view.window === 'status') return `status (${view.sites.map(({ state }) => state).join(', ')})`
  if (view.window !== 'sign-in') return view.window
  const about = [view.paste && 'paste', view.problem && 'problem', view.credentials?.code && 'code'].filter(Boolean)
  return `sign-in (${[view.state, ...about].join(', ')})`
}

describe.skipIf(chromiumMissing)('every window', () => {
  test.for(table)('$name is drawn, and the policy has nothing to block', async ({ view }) => {
    const { page, complaints } = await open(view)
    expect(await page.title()).toBe(view.title)
    expect(await page.locator('html').getAttribute('lang')).toBe(view.language)
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    const text = await page.locator('body').textContent()
    for (const words of wordsOf(view)) expect(text).toContain(words)
    const help = view.window === 'sign-in' ? (view.help ?? []) : []
    for (const { label } of [...('actions' in view ? view.actions : []), ...help])
      expect(await page.getByRole('button', { name: label, exact: true }).count()).toBe(1)
    expect(complaints).toEqual([])
  })

  test.for(table)('$name has a contrast of 4.5 to 1 or better in both themes', async ({ name, view }) => {
    const { page } = await open(view)
    if (view.window === 'consent') await page.getByRole('button', { name: 'Do not allow', disabled: false }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await keepPicture(page, `test-results/windows/page-${name.replaceAll(/\W+/g, '-')}-${colorScheme}.png`)
      const worst = await page.evaluate(lowestContrast)
      expect(worst.contrast, `${colorScheme}: ${worst.text}`).toBeGreaterThanOrEqual(4.5)
    }
  })

  test.for(table)(
    '$name loses nothing 320 pixels wide, at 200 % zoom, in the system’s own colours',
    async ({ view }) => {
      const { width, height } = views.sizes[view.window]
      const { page, show } = await open(view)
      for (const words of [view, inFrench(view)]) {
        await show(words)
        for (const viewport of [
          { width, height },
          { width: 320, height: 480 },
          { width: width / 2, height: Math.floor(height / 2) },
        ]) {
          await page.setViewportSize(viewport)
          expect(await page.evaluate(outsideTheWindow)).toEqual([])
          expect(await page.evaluate(clippedText)).toEqual([])
        }
      }
      await page.emulateMedia({ forcedColors: 'active' })
      expect(await page.evaluate(buttonsWithoutEdge)).toEqual([])
    },
  )

  test('moves nothing for somebody who wants no motion', async () => {
    const { page } = await open(views.signIn)
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
    const moving = await open(views.signIn, { reducedMotion: 'no-preference' })
    expect(await moving.page.evaluate(() => document.getAnimations().length)).toBe(1)
  })

  test('says with a bar how much time is left', async () => {
    const { page } = await open(views.status)
    const bar = page.getByRole('progressbar', { name: 'Studio Example' })
    expect(await bar.getAttribute('aria-valuetext')).toBe('9 h 12 min left')
    expect(await bar.evaluate((element: HTMLProgressElement) => element.position)).toBe(0.76)
  })

  test('tells an error at once and a new state when there is time', async () => {
    const { page, show } = await open(views.status)
    await page.getByRole('status').filter({ hasText: 'Signed in as Plain Artist' }).waitFor()
    await show(views.signedOut)
    await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
    await page.getByRole('alert').filter({ hasText: 'Your session ended on the site.' }).waitFor()
  })
})

describe.skipIf(chromiumMissing)('hostile text', () => {
  const hostile = [
    `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`,
    'photo\u202egnp.exe \u2066\u200bhidden\u0000',
    'W'.repeat(5_000),
    'C:\\a/'.repeat(1_000),
    'M\u0301\u0302\u0303'.repeat(500),
  ]
  test.for(hostile.map((text) => ({ text })))('%#: is only text, and the buttons stay in reach', async ({ text }) => {
    for (const view of [withNames(views.status, text), withFacts(text), withSettings(text)]) {
      const { page, complaints } = await open(view)
      expect(await page.title()).toBe(view.title)
      expect(await page.locator('img, main script').count()).toBe(0)
      expect(await page.locator('body').textContent()).not.toMatch(/[\u202e\u2066\u200b]|\p{Cc}/u)
      expect(await page.evaluate(outsideTheWindow)).toEqual([])
      for (const { label } of view.actions) {
        const box = await page.locator('footer').getByRole('button', { name: label, exact: true }).boundingBox()
        expect((box?.y ?? 1e9) + (box?.height ?? 0)).toBeLessThanOrEqual(views.sizes[view.window].height)
      }
      expect(complaints).toEqual([])
    }
  })

  test('in one fact does not push the others out of sight', async () => {
    const { page } = await open(withFacts('W'.repeat(5_000)))
    await page.getByText('Started by').scrollIntoViewIfNeeded()
    const fact = page.getByRole('definition').first()
    expect((await fact.boundingBox())?.height).toBeLessThan(120)
  })
})

function withNames(view: typeof views.status, text: string): typeof views.status {
  const sites = view.sites.map((card) => ({ ...card, name: text, headline: text, detail: text }))
  return { ...view, sites, tools: { ...view.tools, rows: [{ name: text, whole: text, detail: text, refused: true }] } }
}
function withFacts(text: string): typeof views.consent {
  const facts = views.consent.facts.map((fact, index) => (index === 0 ? { ...fact, value: text } : fact))
  return { ...views.consent, headline: `Let ${text} use your session?`, claim: text, facts }
}
function withSettings(text: string): typeof views.settings {
  return { ...views.settings, items: views.settings.items.map((item) => ({ ...item, locked: text })) }
}

const read = new Set('headline text detail obtained sentence advice steps label hint name claim locked'.split(' '))

/** As long as French is: every text a quarter longer. */
function inFrench(view: View): View {
  const longer = (key: string, value: unknown): unknown =>
    read.has(key) && Array.isArray(value)
      ? value.map((one) => longer(key, one))
      : read.has(key) && typeof value === 'string'
        ? `${value} ${'en français '.repeat(40).slice(0, Math.ceil(value.length / 4))}`
        : value
  return JSON.parse(JSON.stringify(view, longer)) as View
}

/** Every word of a view that is meant to be read. */
function wordsOf(view: View): string[] {
  const found: string[] = []
  JSON.stringify(view, (key, value: unknown) => {
    if (read.has(key)) found.push(...[value].flat().filter((one) => typeof one === 'string'))
    return key === 'choices' ? undefined : value
  })
  return found
}
