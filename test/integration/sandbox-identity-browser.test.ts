import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'

const { email } = personNamed('artist')
const password = 'autodesk-password'

let identity: Identity
let browser: Browser
let context: BrowserContext
let page: Page
let callbackServer: http.Server
let redirectUri: string
/** What browsers complain about: blocked by the page's policy, failed to load, script errors. */
let complaints: string[]

beforeAll(async () => {
  callbackServer = http.createServer((_request, response) => response.end('back in the application'))
  await new Promise<void>((resolve) => callbackServer.listen(0, '127.0.0.1', resolve))
  redirectUri = `http://localhost:${(callbackServer.address() as AddressInfo).port}/callback`
  identity = await startIdentity({ clients: [{ clientId: 'sg-session-tray', redirectUris: [redirectUri] }] })
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})
beforeEach(async () => {
  context = await browser.newContext()
  page = await context.newPage()
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
})
afterEach(async () => {
  await context.close()
  identity.switches.denies = false
})
afterAll(async () => {
  await browser.close()
  await identity.close()
  callbackServer.closeAllConnections()
  await new Promise((resolve) => callbackServer.close(resolve))
})

function authorizationUrl(changed: Record<string, string> = {}): string {
  const url = new URL(`${identity.issuer}/authentication/v2/authorize`)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'sg-session-tray',
    redirect_uri: redirectUri,
    scope: 'openid user-profile:read',
    state: 'a-state',
    nonce: 'a-nonce',
    code_challenge: 'c'.repeat(43),
    code_challenge_method: 'S256',
    ...changed,
  }).toString()
  return url.href
}

async function fillIn(typedEmail: string, typedPassword: string): Promise<void> {
  await page.getByLabel('Email').fill(typedEmail)
  await page.getByLabel('Password').fill(typedPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function callback(): Promise<URLSearchParams> {
  await page.waitForURL(`${redirectUri}?*`)
  return new URL(page.url()).searchParams
}

test('a person signs in with email and password and goes straight back to the application', async () => {
  await page.goto(authorizationUrl())
  await expect(page.title()).resolves.toBe('Sign in – Autodesk Identity sandbox')
  expect(await page.getByText('Sandbox: not Autodesk').isVisible()).toBe(true)
  await fillIn(email, password)
  const parameters = await callback()
  expect([...parameters.keys()].toSorted()).toEqual(['code', 'state'])
  expect(parameters.get('state')).toBe('a-state')
  expect(complaints).toEqual([])
})

test('letter case and spaces round the email do not matter, the Enter key signs in', async () => {
  await page.goto(authorizationUrl())
  await page.getByLabel('Email').fill(` ${email.toUpperCase()} `)
  await page.getByLabel('Password').fill(password)
  await page.getByLabel('Password').press('Enter')
  expect((await callback()).has('code')).toBe(true)
})

test('a wrong password says so, keeps the email and waits in the password', async () => {
  await page.goto(authorizationUrl())
  await fillIn(email, 'wrong')
  expect(await page.getByRole('alert').textContent()).toContain('do not belong together')
  expect(await page.getByLabel('Email').inputValue()).toBe(email)
  expect(await page.getByLabel('Password').inputValue()).toBe('')
  expect(await page.getByLabel('Password').evaluate((field) => field === document.activeElement)).toBe(true)
  await fillIn(email, password)
  expect((await callback()).has('code')).toBe(true)
})

test('what was typed comes back as text, never as markup', async () => {
  await page.goto(authorizationUrl())
  const hostile = '"><b>bold</b>@studio.example'
  await page.getByLabel('Email').evaluate((field: HTMLInputElement) => {
    field.type = 'text'
  })
  await fillIn(hostile, 'wrong')
  expect(await page.getByLabel('Email').inputValue()).toBe(hostile)
  expect(await page.locator('b').count()).toBe(0)
})

test('Cancel needs nothing filled in and returns access_denied with the state', async () => {
  await page.goto(authorizationUrl())
  await page.getByRole('button', { name: 'Cancel' }).click()
  const parameters = await callback()
  expect(Object.fromEntries(parameters)).toEqual({
    error: 'access_denied',
    error_description: 'The sign-in was cancelled.',
    state: 'a-state',
  })
  expect(complaints).toEqual([])
})

test('the second sign-in is silent, prompt=login asks again and so does logout', async () => {
  await page.goto(authorizationUrl())
  await fillIn(email, password)
  await callback()
  const pagesBefore = pagesShown()

  await page.goto(authorizationUrl({ state: 'second' }))
  expect((await callback()).get('state')).toBe('second')
  expect(pagesShown()).toBe(pagesBefore)

  await page.goto(authorizationUrl({ state: 'third', prompt: 'login' }))
  await fillIn(email, password)
  expect((await callback()).get('state')).toBe('third')

  await page.goto(`${identity.issuer}/authentication/v2/logout`)
  expect(await page.getByRole('heading').textContent()).toBe('You are signed out')
  await page.goto(authorizationUrl({ state: 'fourth' }))
  expect(await page.getByRole('button', { name: 'Sign in' }).isVisible()).toBe(true)
})

function pagesShown(): number {
  return identity.web.requests.filter(({ method, path }) => method === 'GET' && path.startsWith('/sign-in/')).length
}

test('prompt=login lets another person sign in, without a page in between', async () => {
  await page.goto(authorizationUrl())
  await fillIn(email, password)
  await callback()
  await page.goto(authorizationUrl({ prompt: 'login', state: 'other' }))
  await fillIn(personNamed('supervisor').email, password)
  expect((await callback()).get('state')).toBe('other')
})

test('when the sandbox denies, the browser goes back at once', async () => {
  identity.switches.denies = true
  await page.goto(authorizationUrl())
  expect((await callback()).get('error')).toBe('access_denied')
})

test('an unregistered redirect URI leaves the person on an error page here', async () => {
  await page.goto(authorizationUrl({ redirect_uri: redirectUri.replace('/callback', '/elsewhere') }))
  expect(await page.getByRole('heading').textContent()).toBe('This sign-in cannot continue')
  expect(new URL(page.url()).origin).toBe(identity.issuer)
})

test('a sign-in page without its cookie is an error page, not a form', async () => {
  await page.goto(authorizationUrl())
  await context.clearCookies()
  await fillIn(email, password)
  expect(await page.getByRole('alert').textContent()).toBe('This sign-in has expired or ended.')
})

test('pages allow no script and no framing, and are not kept', async () => {
  const response = await page.goto(authorizationUrl())
  const headers = response?.headers() ?? {}
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' http:/,
  )
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['cache-control']).toBe('no-store')
  expect(await page.locator('script').count()).toBe(0)
})

test.each(['light', 'dark'] as const)(
  'in %s colours every text has a contrast of 4.5 to 1 or better',
  async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    await page.goto(authorizationUrl())
    await fillIn(email, 'wrong')
    await page.getByText('Accounts of this sandbox').click()
    expect(await page.getByText(`${email}: ${password}`).isVisible()).toBe(true)
    expect(await page.evaluate(lowestContrast)).toBeGreaterThanOrEqual(4.5)
  },
)

/** Runs in the page: the lowest WCAG 2 contrast between any text and the nearest background behind it. */
function lowestContrast(): number {
  const channels = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(color)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const backgroundBehind = (element: Element | null): string => {
    if (!element) return 'rgb(255,255,255)'
    const { backgroundColor } = getComputedStyle(element)
    return channels(backgroundColor)[3] === 0 ? backgroundBehind(element.parentElement) : backgroundColor
  }
  const contrasts = [...document.body.querySelectorAll('h1,p,label,input,button,summary,li')].map((element) => {
    const [lighter = 0, darker = 0] = [getComputedStyle(element).color, backgroundBehind(element)]
      .map(luminance)
      .toSorted((a, b) => b - a)
    return (lighter + 0.05) / (darker + 0.05)
  })
  return Math.min(...contrasts)
}
