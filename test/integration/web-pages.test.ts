import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedirectListener } from '../../src/identity/redirect-listener.ts'
import type { Log } from '../../src/ports.ts'
import { Secret } from '../../src/secret.ts'
import { chromiumMissing, launchChromium, signInAt } from '../sandbox/chromium.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { personNamed } from '../sandbox/people.ts'
import { silentLog, startWorld, type World } from './world.ts'

/** What a real browser does to us: on behalf of the artist, and on behalf of any page that is open beside. */
let browser: Browser | undefined
let attacker: Server
let attackerUrl: string
beforeAll(async () => {
  if (chromiumMissing) return
  browser = await launchChromium()
  attacker = createServer(
    (_request, response) => void response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title>'),
  )
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  attackerUrl = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/`
})
afterAll(async () => {
  await browser?.close()
  attacker?.close()
})

/** Everything a page can do to an address without the person's help; resolves when all of it has been tried. */
async function attack(page: Awaited<ReturnType<Browser['newPage']>>, address: string): Promise<void> {
  await page.evaluate(async (target) => {
    const settle = (add: (done: () => void) => void): Promise<void> =>
      new Promise((resolve) => {
        add(resolve)
        setTimeout(resolve, 1_000)
      })
    const put = (name: string, attribute: string): Promise<void> =>
      settle((done) => {
        const element = document.createElement(name)
        element.addEventListener('load', done)
        element.addEventListener('error', done)
        element.setAttribute(attribute, target)
        document.body.append(element)
      })
    const form = document.createElement('form')
    const frame = document.createElement('iframe')
    frame.name = 'elsewhere'
    Object.assign(form, { action: target, method: 'post', target: 'elsewhere' })
    document.body.append(frame, form)
    form.submit()
    await Promise.all([
      fetch(target).catch(() => undefined),
      fetch(target, { mode: 'no-cors', credentials: 'include' }).catch(() => undefined),
      fetch(target, { method: 'POST', mode: 'no-cors', body: 'x' }).catch(() => undefined),
      fetch(target, { method: 'DELETE' }).catch(() => undefined),
      Promise.resolve(navigator.sendBeacon(target, 'x')),
      put('img', 'src'),
      put('script', 'src'),
      put('iframe', 'src'),
      put('video', 'src'),
      settle((done) => {
        const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: target })
        link.addEventListener('load', done)
        link.addEventListener('error', done)
        document.head.append(link)
      }),
      settle((done) => {
        const socket = new WebSocket(target.replace('http', 'ws'))
        socket.addEventListener('close', () => done())
        socket.addEventListener('error', () => done())
      }),
    ])
  }, address)
}

describe('a web page that is open beside', () => {
  test('and even knows the state cannot end or take over a sign-in', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const [port = 0] = await freePorts(1)
    const state = 's'.repeat(43)
    const listener = await openRedirectListener([port], new Secret(state), silentLog)
    let settled = false
    void listener.callback.then(() => {
      settled = true
    })
    const page = await browser.newPage()
    await page.goto(attackerUrl)
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      await attack(page, `http://${host}:${port}/callback?code=evil&state=${state}`)
    expect(settled).toBe(false)

    // A real navigation is what the artist's own redirect is, and is taken.
    const own = await browser.newPage()
    const arrived = own.goto(`${listener.redirectUri}?code=own&state=${state}`)
    const callback = await listener.callback
    expect(callback.url.searchParams.get('code')).toBe('own')
    callback.showResult('signed_in')
    await arrived
    expect(await own.title()).toContain('You are signed in')
    await listener.close()
    await Promise.all([page.close(), own.close()])
  })

  test('gets nothing from the agent’s socket', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const world = await startWorld()
    const reasons: string[] = []
    const note = (entry: unknown): void => void reasons.push(JSON.stringify(entry))
    const log: Log = { ...silentLog, info: note as Log['info'], warn: note as Log['warn'] }
    const agent = world.agent('artist', { log })
    const { port } = await agent.listen()
    await agent.signIn(undefined)
    const page = await browser.newPage({ ignoreHTTPSErrors: true })
    const answered: number[] = []
    page.on('response', (response) => {
      if (response.url().includes(`:${port}`)) answered.push(response.status())
    })
    await page.goto(attackerUrl)
    for (const scheme of ['http', 'https']) await attack(page, `${scheme}://127.0.0.1:${port}/`)
    expect(answered).toEqual([])
    // Those that got through TLS were cut off for what they said first; no method was ever called.
    expect(reasons.some((reason) => reason.includes('"method"'))).toBe(false)
    await page.close()
    await world.close()
  })
})

describe('the artist’s tab', () => {
  let world: World
  beforeAll(async () => {
    if (browser) world = await startWorld()
  })
  afterAll(() => world?.close())

  async function tabOf(
    person: string,
    act: (url: string) => Promise<string>,
  ): Promise<{ heading: string; outcome: string }> {
    let heading = ''
    const opened = new Promise<void>((resolve, reject) => {
      const agent = world.agent(person, {
        openBrowser: async (url) => {
          heading = await act(url.href)
        },
      })
      agent.signIn(undefined).then(() => resolve(), reject)
    })
    const outcome = await opened.then(
      () => 'signed in',
      (error: { code: string }) => error.code,
    )
    await expect.poll(() => heading).not.toBe('')
    return { heading, outcome }
  }

  test('says that it worked when it worked', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const page = await browser.newPage()
    const shown = await tabOf('artist', (url) => signInAt(page, url, personNamed('artist')))
    expect(shown).toEqual({ heading: 'You are signed in', outcome: 'signed in' })
    // The code is in no address bar and no history.
    expect(new URL(page.url()).search).toBe('')
    await page.goBack()
    expect(page.url()).not.toContain('code=')
    await page.close()
  })

  test('does not say that it worked when the broker refused', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const page = await browser.newPage()
    const shown = await tabOf('admin', (url) => signInAt(page, url, personNamed('admin')))
    expect(shown).toEqual({ heading: 'The sign-in did not work', outcome: 'privileged_account' })
    await page.close()
  })

  test('says so when the artist cancels at Autodesk', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const page = await browser.newPage()
    const shown = await tabOf('artist', async (url) => {
      await page.goto(url)
      await page.getByRole('button', { name: /cancel/i }).click()
      await page.waitForURL(/callback/)
      return (await page.getByRole('heading').textContent()) ?? ''
    })
    expect(shown).toEqual({ heading: 'The sign-in did not work', outcome: 'access_denied' })
    await page.close()
  })

  test('that stays at a wrong password leaves the sign-in waiting', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const page = await browser.newPage()
    const shown = await tabOf('artist', async (url) => {
      await page.goto(url)
      await page.getByLabel(/e-?mail/i).fill('artist@studio.example')
      await page.getByLabel(/password/i).fill('wrong')
      await page.getByRole('button', { name: /sign in/i }).click()
      await page.getByRole('alert').waitFor()
      return signInAt(page, page.url(), personNamed('artist'))
    })
    expect(shown).toEqual({ heading: 'You are signed in', outcome: 'signed in' })
    await page.close()
  })
})
