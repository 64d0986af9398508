import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Site, startSite } from '../sandbox/site/site.ts'

let site: Site
let browser: Browser
let context: BrowserContext
let page: Page
/** What the browser complains about: blocked by the page's policy, failed to load. */
let complaints: string[]

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
})
beforeEach(async () => {
  site = await startSite()
  context = await browser.newContext()
  page = await context.newPage()
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) complaints.push(message.text())
  })
})
afterEach(async () => {
  await context.close()
  await site.close()
})
afterAll(() => browser.close())

async function startLaunch(): Promise<{ sessionRequestId: string; url: string }> {
  const answer = await fetch(`${site.url}/internal_api/app_session_request`, {
    method: 'POST',
    body: new URLSearchParams({ appName: 'Maya 2026', machineId: 'ws-042' }),
  })
  return (await answer.json()) as { sessionRequestId: string; url: string }
}
const poll = (id: string) => fetch(`${site.url}/internal_api/app_session_request/${id}`, { method: 'PUT' })

async function signInWithAutodesk(): Promise<void> {
  await page.getByLabel('Autodesk e-mail').fill('artist@studio.example')
  await page.getByLabel('Autodesk password').fill('autodesk-password')
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('a person signs in with Autodesk, approves, and the app has its token', async () => {
  const { sessionRequestId: id, url } = await startLaunch()
  await page.goto(url)
  await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in')
  await signInWithAutodesk()
  await page.getByRole('heading', { name: 'Approve this sign-in?' }).waitFor()
  await page.getByText('Maya 2026').waitFor()
  await page.getByText('ws-042').waitFor()
  expect(await (await poll(id)).json()).toEqual({ approved: false })
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByRole('heading', { name: 'Sign-in approved' }).waitFor()
  expect(await (await poll(id)).json()).toMatchObject({ approved: true, userLogin: 'artist@studio.example' })
  const [cookie] = await context.cookies()
  expect(cookie).toMatchObject({ name: '_session_id', httpOnly: true, sameSite: 'Lax' })
  expect(complaints).toEqual([])
})

test('somebody who is signed in already only answers, and may say no', async () => {
  const first = await startLaunch()
  await page.goto(first.url)
  await signInWithAutodesk()
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByRole('heading', { name: 'Sign-in denied' }).waitFor()
  expect((await poll(first.sessionRequestId)).status).toBe(404)
  const second = await startLaunch()
  await page.goto(second.url)
  await page.getByRole('heading', { name: 'Approve this sign-in?' }).waitFor()
  expect(complaints).toEqual([])
})

test('a wrong password is said in an alert, the e-mail stays, and the second try works', async () => {
  await page.goto((await startLaunch()).url)
  await page.getByLabel('Autodesk e-mail').fill('artist@studio.example')
  await page.getByLabel('Autodesk password').fill('wrong')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.getByRole('alert').textContent()).toContain('E-mail or password is wrong')
  expect(await page.getByLabel('Autodesk e-mail').inputValue()).toBe('artist@studio.example')
  await page.getByLabel('Autodesk password').fill('autodesk-password')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Approve' }).waitFor()
})

test('legacy login, passphrase and code work by keyboard alone', async () => {
  site.switches.mode = 'default'
  await page.goto((await startLaunch()).url)
  await page.getByLabel('Login').focus()
  await page.keyboard.type('two-factor')
  await page.keyboard.press('Tab')
  await page.keyboard.type('legacy-passphrase')
  await page.keyboard.press('Tab')
  await page.keyboard.type('246810')
  await page.keyboard.press('Enter')
  await page.getByText('Two Factor').first().waitFor()
  await page.getByRole('button', { name: 'Approve' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').waitFor()
})

test('an SSO site asks for the company account', async () => {
  site.switches.mode = 'saml2'
  await page.goto(`${site.url}/user/login`)
  await page.getByLabel('Company e-mail').fill('artist@studio.example')
  await page.getByLabel('Company password').fill('autodesk-password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Signed in as Plain Artist' }).waitFor()
})

test('the wrong account can be changed on the approval page', async () => {
  await page.goto((await startLaunch()).url)
  await signInWithAutodesk()
  await page.getByRole('link', { name: /Use another account/ }).click()
  await page.getByLabel('Autodesk e-mail').fill('supervisor@studio.example')
  await page.getByLabel('Autodesk password').fill('autodesk-password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Old Login').first().waitFor()
})
