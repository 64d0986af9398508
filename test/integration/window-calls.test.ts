import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { Outcome, View } from '../../app/windows/contract.ts'
import { chromiumMissing } from '../sandbox/chromium.ts'
import { type Opened, useWindowStage } from './window-stage.ts'
import * as views from './window-views.ts'

/** What a person does in the windows, mostly by keyboard, and what is asked of the main process. */
const stage = useWindowStage()

const open = (view: View): Promise<Opened> => stage.open(view, { viewport: views.sizes[view.window] })
const site = 'https://studio-example.shotgrid.example'
const worked: Outcome<unknown> = { ok: true, value: null }
const failed: Outcome<unknown> = {
  ok: false,
  code: 'site_unreachable',
  sentence: 'Studio Example does not answer.',
  advice: 'Check your network or VPN, then try again.',
}
const focusedText = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id || '')

describe.skipIf(chromiumMissing)('by keyboard alone', () => {
  test('everything is reached in the order it is read', async () => {
    const orders: [View, string[]][] = [
      [
        views.status,
        [
          ...['Open ShotGrid', 'Switch user', 'Sign out', 'Programs that may…', 'Who asked for what, lately'],
          ...['Settings', 'Copy diagnosis', 'About'],
        ],
      ],
      [views.programs, ['Revoke', 'Revoke', 'Ask me again', 'Close']],
      [views.asking, ['passphrase', 'Cancel', 'Go on']],
      [views.askingAgain, ['passphrase', 'Cancel', 'Go on']],
      [views.signIn, ['Open the browser again', 'Copy link', 'Cancel', 'paste', 'Go on']],
      [views.settings, ['app.startAtLogin', 'As the systemEnglishFrançais', 'Open logs', 'About']],
      [views.about, ['Copy diagnosis', 'Open logs']],
    ]
    for (const [view, expected] of orders) {
      const { page } = await open(view)
      const order: string[] = []
      for (const _ of expected) {
        await page.keyboard.press('Tab')
        order.push(await focusedText(page))
        const ring = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)
        expect(ring).toBe('solid')
      }
      expect(order).toEqual(expected)
    }
  })

  test('Enter presses the one main button, wherever focus is', async () => {
    const { page, calls, show } = await open(views.signedOut)
    await page.keyboard.press('Enter')
    expect(await calls()).toEqual([{ name: 'signIn', args: { site } }])
    const [card] = views.signedOut.sites
    if (card) await show({ ...views.signedOut, sites: [card, { ...card, site: 'https://two.example', name: 'Two' }] })
    await page.keyboard.press('Enter')
    expect(await calls()).toHaveLength(1)
  })

  test('Escape closes a window, and does not cancel the sign-in', async () => {
    for (const view of [views.status, views.signIn, views.asking, views.firstRun, views.settings, views.about]) {
      const { page, calls } = await open(view)
      await page.keyboard.press('Escape')
      expect(await calls()).toEqual([{ name: 'closeWindow', args: {} }])
    }
  })
})

describe.skipIf(chromiumMissing)('a new view', () => {
  test('leaves focus, caret, what was typed and the scroll place where they are', async () => {
    const { page, show } = await open(views.signIn)
    await page.setViewportSize({ width: 420, height: 180 })
    await page.getByRole('textbox').fill('http://localhost:14285/callback')
    await page.getByRole('textbox').evaluate((field: HTMLInputElement) => field.setSelectionRange(4, 9))
    const before = await page.evaluate(() => scrollY)
    await show({ ...views.signIn, headline: 'Still waiting', actions: views.signIn.actions.slice(1) })
    await page.getByRole('heading', { name: 'Still waiting' }).waitFor()
    const field = page.getByRole('textbox')
    expect(await field.inputValue()).toBe('http://localhost:14285/callback')
    expect(await field.evaluate((one: HTMLInputElement) => [one.selectionStart, one.selectionEnd])).toEqual([4, 9])
    expect(await field.evaluate((one) => one === document.activeElement)).toBe(true)
    expect(before).toBeGreaterThan(0)
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(0)
  })

  test('that takes the focused button away brings focus to its place, not to another button', async () => {
    const { page, calls, show } = await open(views.signedOut)
    await page.getByRole('button', { name: 'Sign in' }).focus()
    await page.keyboard.press('Enter')
    const cards = views.signedOut.sites.map((card) => ({
      ...card,
      actions: [views.action('Cancel', 'cancelSignIn', { args: { site } })],
    }))
    await show({ ...views.signedOut, sites: cards })
    expect(await focusedText(page)).toBe('Studio Example')
    await page.keyboard.press('Enter')
    expect((await calls()).map(({ name }) => name)).toEqual(['signIn'])
    await page.keyboard.press('Tab')
    expect(await focusedText(page)).toBe('Cancel')
  })
})

describe.skipIf(chromiumMissing)('a call', () => {
  test('is made once while it runs, and keeps the focus', async () => {
    const { page, calls, hold, answer } = await open(views.status)
    await hold()
    const button = page.getByRole('button', { name: 'Switch user' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    expect(await button.getAttribute('aria-busy')).toBe('true')
    expect(await button.isDisabled()).toBe(true)
    await answer(worked)
    await expect.poll(() => button.isEnabled()).toBe(true)
    expect(await focusedText(page)).toBe('Switch user')
    expect(await calls()).toHaveLength(1)
  })

  test('that fails says so beside its button until it is tried again', async () => {
    const { page, answerAll } = await open(views.status)
    await answerAll(failed)
    await page.getByRole('button', { name: 'Sign out' }).click()
    const alert = page.getByRole('region', { name: 'Studio Example' }).getByRole('alert')
    expect(await alert.textContent()).toBe('Studio Example does not answer.Check your network or VPN, then try again.')
    await answerAll(worked)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => alert.count()).toBe(0)
  })

  test('whose answer never comes is a failure too, and nothing is left uncaught', async () => {
    const { page, answerAll, complaints } = await open(views.about)
    await answerAll('lost')
    await page.getByRole('button', { name: 'Open logs' }).click()
    await page.getByRole('alert').filter({ hasText: 'sg-session did not answer.' }).waitFor()
    await page.keyboard.press('Escape')
    expect(complaints).toEqual([])
  })

  test('that worked where nothing shows it says so for a moment', async () => {
    const { page } = await open(views.about)
    await page.getByRole('button', { name: 'Copy diagnosis' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'Copy diagnosis' }).waitFor()
  })

  test('that takes its time says what it does, to everybody, and cannot be pressed twice', async () => {
    const { page, calls, hold, answer } = await open(views.status)
    await hold()
    await page.getByRole('button', { name: 'Copy diagnosis' }).click()
    const busy = page.getByRole('button', { name: 'Collecting…' })
    await busy.waitFor()
    await page.getByRole('status').filter({ hasText: 'Collecting…' }).waitFor({ state: 'attached' })
    expect(await busy.getAttribute('aria-busy')).toBe('true')
    await busy.click({ force: true })
    expect(await calls()).toHaveLength(1)
    await answer(worked)
    await page.getByRole('button', { name: 'Copied' }).waitFor()
  })

  test('with a pasted address goes to the site that waits; an empty one goes nowhere', async () => {
    const { page, calls, answerAll } = await open(views.signIn)
    await page.getByRole('button', { name: 'Go on' }).click()
    expect(await focusedText(page)).toBe('paste')
    await page.keyboard.type(' http://localhost:14285/callback?code=c&state=s ')
    await answerAll(failed)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    const address = 'http://localhost:14285/callback?code=c&state=s'
    expect(await calls()).toEqual([{ name: 'paste', args: { site, address } }])
    expect(await page.getByRole('textbox').inputValue()).toContain('code=c')
  })
})

describe.skipIf(chromiumMissing)('the form for login and passphrase', () => {
  const login = (page: Page) => page.getByRole('textbox', { name: 'ShotGrid login' })
  const passphrase = (page: Page) => page.getByLabel('ShotGrid passphrase')
  const refusal: Outcome<unknown> = {
    ok: false,
    code: 'passphrase_rejected',
    sentence: 'The site did not accept this login and passphrase.',
    advice: 'Check both.',
  }

  test('comes with the focus in its first line, hides the passphrase, and nothing looks over what is typed', async () => {
    const { page, show } = await open(views.signIn)
    await page.getByRole('button', { name: 'Cancel' }).focus()
    await show(views.asking)
    await expect.poll(() => focusedText(page)).toBe('login')
    expect(await passphrase(page).getAttribute('type')).toBe('password')
    for (const field of [login(page), passphrase(page)]) {
      expect([await field.getAttribute('autocomplete'), await field.getAttribute('spellcheck')]).toEqual([
        'off',
        'false',
      ])
    }
    const described = await passphrase(page).getAttribute('aria-describedby')
    expect(await page.locator(`[id="${described}"]`).textContent()).toBe('Not the password of your Autodesk account.')
  })

  test('is sent by Enter, once, and what is secret has left the page before the answer comes', async () => {
    const { page, calls, hold, answer } = await open(views.asking)
    await hold()
    await page.keyboard.type(' artist@studio.example ')
    await page.keyboard.press('Tab')
    await page.keyboard.type('a passphrase ')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    const args = { site, login: 'artist@studio.example', passphrase: 'a passphrase ' }
    expect(await calls()).toEqual([{ name: 'submitCredentials', args }])
    expect([await login(page).inputValue(), await passphrase(page).inputValue()]).toEqual([
      ' artist@studio.example ',
      '',
    ])
    expect(await page.locator('html').evaluate((root) => root.outerHTML)).not.toContain('a passphrase')
    const button = page.getByRole('button', { name: 'Go on' })
    expect(await button.getAttribute('aria-busy')).toBe('true')
    await answer(refusal)
    await page.getByRole('alert').filter({ hasText: 'did not accept' }).waitFor()
    expect(await login(page).inputValue()).toContain('artist@studio.example')
    expect(await focusedText(page)).toBe('passphrase')
  })

  test('goes nowhere while a line is empty: focus goes to it', async () => {
    const { page, calls, show } = await open(views.asking)
    await page.getByRole('button', { name: 'Go on' }).click()
    expect(await focusedText(page)).toBe('login')
    await page.keyboard.type('artist')
    await page.getByRole('button', { name: 'Go on' }).click()
    expect(await focusedText(page)).toBe('passphrase')
    await page.keyboard.type('p')
    await show(views.askingForCode)
    await expect.poll(() => focusedText(page)).toBe('code')
    await page.keyboard.press('Enter')
    expect(await calls()).toEqual([])
    await page.keyboard.type(' 123456 ')
    await page.keyboard.press('Enter')
    const args = { site, login: 'artist', passphrase: 'p', code: '123456' }
    expect(await calls()).toEqual([{ name: 'submitCredentials', args }])
    for (const field of [passphrase(page), page.getByLabel('Two-factor code')])
      expect(await field.inputValue()).toBe('')
  })

  test('says the reason once, with its steps, and leads to the pages that help', async () => {
    const { page, calls, answerAll, show } = await open(views.asking)
    await answerAll({ ...refusal, sentence: views.askingAgain.problem?.sentence ?? '' })
    await page.keyboard.type('artist')
    await passphrase(page).fill('wrong')
    await page.keyboard.press('Enter')
    await show(views.askingAgain)
    expect(await page.getByRole('alert').count()).toBe(1)
    expect(await page.getByRole('alert').getByRole('listitem').count()).toBe(3)
    await answerAll(worked)
    await page.getByRole('button', { name: 'Open Autodesk profile' }).click()
    expect((await calls()).at(-1)).toEqual({ name: 'openHelp', args: { site, page: 'autodesk-profile' } })
    expect(await login(page).inputValue()).toBe('artist')
  })

  test('of another site begins empty', async () => {
    const { page, show } = await open(views.asking)
    await page.keyboard.type('artist')
    const other = views.asking.credentials
    if (other) await show({ ...views.asking, credentials: { ...other, site: 'https://two.example' } })
    expect(await login(page).inputValue()).toBe('')
  })
})
