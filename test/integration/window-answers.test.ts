import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { Finding, Outcome, View } from '../../app/windows/contract.ts'
import { chromiumMissing } from '../sandbox/chromium.ts'
import { type Opened, useWindowStage } from './window-stage.ts'
import * as views from './window-views.ts'

/** The windows that ask something: whether a program may, where the site is, and what should be different. */
const stage = useWindowStage()

const open = (view: View, clock = false): Promise<Opened> =>
  stage.open(view, { viewport: views.sizes[view.window] }, clock)
const failed: Outcome<unknown> = {
  ok: false,
  code: 'temporarily_unavailable',
  sentence: 'It could not be saved.',
  advice: 'Try again in a minute.',
}

describe.skipIf(chromiumMissing)('the question whether a program may', () => {
  const answers = ['Do not allow', 'Allow this time', 'Always allow']
  const pressable = async (page: Page): Promise<boolean[]> =>
    Promise.all(answers.map((name) => page.getByRole('button', { name }).isEnabled()))
  const none = [false, false, false]
  const all = [true, true, true]

  test('has no answer for 700 ms, whatever is pressed', async () => {
    const { page, calls } = await open(views.consent, true)
    expect(await pressable(page)).toEqual(none)
    await page.clock.runFor(650)
    expect(await pressable(page)).toEqual(none)
    await page.getByRole('button', { name: 'Always allow' }).click({ force: true })
    for (const key of ['Enter', 'Space', 'Escape', 'Tab', 'Enter']) await page.keyboard.press(key)
    expect(await calls()).toEqual([])
    await page.clock.runFor(60)
    expect(await pressable(page)).toEqual(all)
    await page.getByRole('button', { name: 'Always allow' }).click()
    expect(await calls()).toEqual([{ name: 'answerConsent', args: { id: 'question-1', answer: 'always' } }])
  })

  test('is read out as a question, with the focus on no button and Enter meaning none', async () => {
    const { page, calls } = await open(views.consent, true)
    await page.clock.runFor(800)
    await page.getByRole('alertdialog', { name: views.consent.headline }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.localName)).toBe('h1')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Space')
    expect(await calls()).toEqual([])
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Do not allow')
  })

  test('waits once more when the window gets the focus back', async () => {
    const { page, calls } = await open(views.consent, true)
    await page.clock.runFor(800)
    await page.getByRole('button', { name: 'Always allow' }).focus()
    await page.evaluate(() => window.dispatchEvent(new Event('blur')))
    await page.clock.runFor(5_000)
    expect(await pressable(page)).toEqual(none)
    await page.evaluate(() => window.dispatchEvent(new Event('focus')))
    await page.clock.runFor(650)
    await page.keyboard.press('Enter')
    expect(await pressable(page)).toEqual(none)
    await page.clock.runFor(60)
    expect(await pressable(page)).toEqual(all)
    await page.keyboard.press('Enter')
    expect(await calls()).toEqual([])
  })

  test('waits from the first touch where nobody tells that the window is in front again', async () => {
    const { page, calls } = await open(views.consent, true)
    await page.clock.runFor(800)
    await page.evaluate(() => window.dispatchEvent(new Event('blur')))
    await page.getByRole('button', { name: 'Always allow' }).click({ force: true })
    await page.clock.runFor(650)
    expect(await pressable(page)).toEqual(none)
    await page.clock.runFor(60)
    expect(await pressable(page)).toEqual(all)
    expect(await calls()).toEqual([])
  })

  test('that came up without the keyboard takes the click that brings it, and holds keys back for 700 ms', async () => {
    const { page, calls, show } = await open(views.consent, true)
    await page.evaluate(() => Object.assign(document, { hasFocus: () => false }))
    await show({ ...views.consent, id: 'question-2' })
    await page.clock.runFor(800)
    expect(await pressable(page)).toEqual(all)
    await page.evaluate(() => window.dispatchEvent(new Event('focus')))
    expect(await pressable(page)).toEqual(all)
    for (const key of ['Tab', 'Tab', 'Enter', 'Space', 'Escape']) await page.keyboard.press(key)
    expect(await calls()).toEqual([])
    await page.getByRole('button', { name: 'Allow this time' }).click()
    expect(await calls()).toEqual([{ name: 'answerConsent', args: { id: 'question-1', answer: 'once' } }])
    await page.clock.runFor(700)
    await page.keyboard.press('Escape')
    expect(await calls()).toHaveLength(2)
  })

  test('waits once more when it has become another question', async () => {
    const { page, show } = await open(views.consent, true)
    await page.clock.runFor(800)
    await page.getByRole('button', { name: 'Always allow' }).focus()
    await show({ ...views.consent, id: 'question-2', headline: 'Let Nuke use your ShotGrid session?' })
    expect(await pressable(page)).toEqual(none)
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Let Nuke use your ShotGrid session?')
    await page.clock.runFor(710)
    expect(await pressable(page)).toEqual(all)
  })

  test('is denied by Escape, and answered once only', async () => {
    const { page, calls, hold } = await open(views.consent, true)
    await page.clock.runFor(800)
    await hold()
    await page.keyboard.press('Escape')
    expect(await pressable(page)).toEqual(none)
    await page.keyboard.press('Escape')
    expect(await calls()).toEqual([{ name: 'answerConsent', args: { id: 'question-1', answer: 'deny' } }])
  })
})

describe.skipIf(chromiumMissing)('the first two addresses', () => {
  const good = (text: string): Finding => ({ good: true, text })
  const bad = (text: string): Finding => ({ good: false, text })
  const found = (one: Finding, two: Finding, ready: boolean): Outcome<unknown> => ({
    ok: true,
    value: { site: one, broker: two, ready },
  })
  const ready = found(good('This is a ShotGrid site.'), good('It serves this site.'), true)
  const description = (page: Page, id: string): Promise<string> =>
    page.locator(`#${id}`).evaluate((field) =>
      (field.getAttribute('aria-describedby') ?? '')
        .split(' ')
        .map((one) => document.getElementById(one)?.textContent)
        .join(' '),
    )

  test('are checked when typing pauses, and what was found stands under each', async () => {
    const { page, calls, hold, answer } = await open(views.firstRun, true)
    await hold()
    await page.keyboard.type('https://one.example')
    await page.clock.runFor(550)
    expect(await calls()).toEqual([])
    await page.clock.runFor(100)
    expect(await calls()).toEqual([{ name: 'checkAddresses', args: { site: 'https://one.example', broker: '' } }])
    await page.getByRole('status').filter({ hasText: 'Checking…' }).waitFor()
    await answer(found(bad('Nothing answers at this address.'), bad('An address is missing.'), false))
    await page.getByText('Nothing answers at this address.').waitFor()
    expect(await page.locator('#site').getAttribute('aria-invalid')).toBe('true')
    expect(await description(page, 'site')).toContain('Nothing answers at this address.')
    // Nobody was in the second field so far.
    expect(await description(page, 'broker')).not.toContain('missing')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await description(page, 'broker')).toContain('missing')
  })

  test('are judged by the newest answer, in whatever order answers come', async () => {
    const { page, calls, hold, answer } = await open(views.firstRun)
    await hold()
    const field = page.getByRole('textbox', { name: 'ShotGrid site' })
    await field.fill('https://first.example')
    await field.blur()
    await field.fill('https://second.example')
    await field.blur()
    await expect.poll(async () => (await calls()).length).toBe(2)
    await answer(found(good('The second.'), good(''), true), 1)
    await page.getByText('The second.').waitFor()
    await answer(found(bad('The first.'), bad('The first.'), false), 0)
    await page.waitForTimeout(100)
    expect(await page.getByText('The first.').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Save' }).isEnabled()).toBe(true)
    // What is typed makes an answer that is under way an old one too.
    await field.fill('https://third.example')
    expect(await page.getByRole('button', { name: 'Save' }).isEnabled()).toBe(false)
  })

  test('are saved as they were checked, by Enter too', async () => {
    const { page, calls, answerAll } = await open(views.firstRun)
    await answerAll(ready)
    await page.keyboard.type(' https://one.example ')
    await page.keyboard.press('Tab')
    await page.keyboard.type('https://two.example')
    await page.keyboard.press('Enter')
    const args = { site: 'https://one.example', broker: 'https://two.example' }
    await expect.poll(async () => (await calls()).at(-1)).toEqual({ name: 'saveAddresses', args })
    expect((await calls()).at(-2)).toEqual({ name: 'checkAddresses', args })
  })

  test('are not saved while something is wrong: focus goes to it', async () => {
    const { page, calls, answerAll } = await open(views.firstRun)
    await answerAll(found(good('Fine.'), bad('Nothing answers.'), false))
    await page.keyboard.type('https://one.example')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('broker')
    expect((await calls()).map(({ name }) => name)).not.toContain('saveAddresses')
  })

  test('that are known already are checked at once', async () => {
    const known = { ...views.firstRun, site: { ...views.firstRun.site, value: 'https://known.example' } }
    const { calls } = await open(known)
    const args = { site: 'https://known.example', broker: '' }
    await expect.poll(calls).toEqual([{ name: 'checkAddresses', args }])
  })

  test('stay typed when saving or checking fails', async () => {
    const { page, answerAll } = await open(views.firstRun)
    await answerAll('lost')
    await page.keyboard.type('https://one.example')
    await page.getByRole('alert').filter({ hasText: 'did not answer' }).waitFor()
    await answerAll(ready)
    await page.keyboard.press('Tab')
    await page.getByText('It serves this site.').waitFor()
    await answerAll(failed)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').filter({ hasText: 'It could not be saved.' }).waitFor()
    expect(await page.locator('#site').inputValue()).toBe('https://one.example')
  })
})

describe.skipIf(chromiumMissing)('a setting', () => {
  test('is saved at once, by keyboard too, and stays until the next view', async () => {
    const { page, calls, show } = await open(views.settings)
    const start = page.getByRole('switch', { name: 'Start when I log in' })
    await start.focus()
    await page.keyboard.press('Space')
    await page.getByRole('combobox', { name: 'Language' }).selectOption('fr')
    expect(await calls()).toEqual([
      { name: 'saveSetting', args: { key: 'app.startAtLogin', value: false } },
      { name: 'saveSetting', args: { key: 'app.language', value: 'fr' } },
    ])
    expect(await start.isChecked()).toBe(false)
    await show({ ...views.settings })
    expect(await start.isChecked()).toBe(true)
    expect(await page.getByRole('combobox').inputValue()).toBe('system')
  })

  test('that cannot be saved goes back, and says why', async () => {
    const { page, hold, answer } = await open(views.settings)
    await hold()
    const start = page.getByRole('switch', { name: 'Start when I log in' })
    await start.click()
    expect(await start.isChecked()).toBe(false)
    expect(await start.getAttribute('aria-busy')).toBe('true')
    await answer(failed)
    await page.getByRole('alert').filter({ hasText: 'It could not be saved.' }).waitFor()
    expect(await start.isChecked()).toBe(true)
  })

  test('that the studio has set cannot be changed, and says so', async () => {
    const { page } = await open(views.settings)
    const remember = page.getByRole('switch', { name: 'Stay signed in' })
    expect(await remember.isDisabled()).toBe(true)
    const reason = page.locator(`[id="${(await remember.getAttribute('aria-describedby'))?.split(' ')[1]}"]`)
    expect(await reason.textContent()).toBe('Set by your studio.')
  })
})
