import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedirectListener } from '../../src/identity/redirect-listener.ts'
import type { Log } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { chromiumMissing, launchChromium, signInAt } from '../sandbox/chromium.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { personNamed } from '../sandbox/people.ts'
import { attack } from './page-attacks.ts'
import { silentLog, startWorld, type World } from './world.ts'

/** What a real browser does to us: on behalf of the artist, and on behalf of any page that is open beside. */
let browser: Browser | undefined
let attacker: Server
let attackerUrl: string
/** What reached the attacker's own server, which answers: how the same attacks look where somebody listens to them. */
const reached = new Set<string>()
beforeAll(async () => {
  if (chromiumMissing) return
  // Names that anybody may have pointed at this machine since the page was loaded.
  browser = await launchChromium(undefined, ['--host-resolver-rules=MAP *.rebound.example 127.0.0.1'])
  attacker = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    reached.add(`${method} ${headers['sec-fetch-dest'] ?? '?'} ${headers['sec-fetch-mode'] ?? '?'}`)
    const type = (headers['content-type'] ?? '').split(';', 1)[0]
    if (type) reached.add(`${method} ${type}`)
    if (headers.upgrade) reached.add(`upgrade ${headers.upgrade}`)
    request.resume()
    if (url === '/worker.js') {
      response.setHeader('content-type', 'text/javascript')
      return void response.end(`onfetch = (event) => event.respondWith(fetch(event.request.url))
        onmessage = ({ data }) => fetch(data, { mode: 'no-cors' }).then(() => 0, () => 0).then(() => postMessage(0))`)
    }
    // As a page of the open internet is treated.
    if (url === '/public') response.setHeader('content-security-policy', 'treat-as-public-address')
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title>')
  })
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  attackerUrl = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/`
})
afterAll(async () => {
  await browser?.close()
  attacker?.closeAllConnections()
  attacker?.close()
})

describe('a web page that is open beside', () => {
  test('does to a server that answers what the next tests say it did', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const page = await browser.newPage()
    await page.goto(attackerUrl)
    const names = Array.from({ length: 40 }, (_, index) => attackerUrl.replace('127.0.0.1', `a${index}.localhost`))
    await attack(page, names)
    const kinds = [
      'GET empty cors',
      'GET empty no-cors',
      'POST empty no-cors',
      'GET image no-cors',
      'GET script no-cors',
      'GET script cors',
      'GET iframe navigate',
      'POST iframe navigate',
      'GET embed navigate',
      'GET object navigate',
      'GET video no-cors',
      'GET audio no-cors',
      'GET style no-cors',
      'upgrade websocket',
      'OPTIONS empty cors',
      'POST text/plain',
      'POST multipart/form-data',
      'POST application/x-www-form-urlencoded',
    ]
    await expect.poll(() => kinds.filter((kind) => !reached.has(kind))).toEqual([])
    await page.close()
  })

  test('and even knows the state cannot end or take over a sign-in', async (context) => {
    if (!browser) return context.skip(chromiumMissing)
    const [port = 0] = await freePorts(1)
    const state = 's'.repeat(43)
    const listener = await openRedirectListener([port], new Secret(state), silentLog)
    let settled = false
    void listener.callback.then(() => {
      settled = true
    })
    const from = async (path: string, host: string): Promise<void> => {
      const page = await browser?.newPage()
      await page?.goto(`${attackerUrl}${path}`)
      if (page) await attack(page, [`http://${host}:${port}/callback?code=evil&state=${state}`])
      await page?.close()
    }
    const hosts = ['localhost', '127.0.0.1', '[::1]', 'own.rebound.example']
    await Promise.all(hosts.flatMap((host) => [from('', host), from('public', host)]))
    const page = await browser.newPage()
    // A page of the rebound name, as far as the browser knows of the same origin.
    await page.goto(`http://own.rebound.example:${port}/callback?code=evil&state=${state}`)
    expect(await page.title()).toContain('Nothing to see here')
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

  test('gets nothing from the agent’s socket, and nothing it does reaches a method', async ({ skip }) => {
    if (!browser) return skip(chromiumMissing)
    const world = await startWorld()
    const said: string[] = []
    const note = (...entry: unknown[]): void => void said.push(JSON.stringify(entry))
    const log: Log = { ...silentLog, info: note as Log['info'], warn: note as Log['warn'], error: note as Log['error'] }
    const agent = world.agent('artist', { log })
    const { port } = await agent.listen()
    await agent.signIn(undefined)
    said.length = 0
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const [page, other] = await Promise.all([context.newPage(), context.newPage()])
    const answered: number[] = []
    context.on('response', (response) => {
      if (response.url().includes(`:${port}`)) answered.push(response.status())
    })
    const names = (scheme: string): string[] =>
      Array.from({ length: 40 }, (_, index) => `${scheme}://b${index}.rebound.example:${port}/`)
    await Promise.all([page.goto(attackerUrl), other.goto(`${attackerUrl}public`)])
    await Promise.all([page, other].flatMap((one) => [attack(one, names('http')), attack(one, names('https'))]))
    // As the artist would who follows a link.
    for (const scheme of ['http', 'https'])
      await expect(page.goto(`${scheme}://own.rebound.example:${port}/`)).rejects.toThrow(/ERR_/)
    expect(answered).toEqual([])
    // Those that got through TLS said something, and it was not let in; no method was ever called.
    expect(said.filter((entry) => entry.includes('a stranger was not let in')).length).toBeGreaterThan(0)
    expect(said.filter((entry) => !entry.includes('a stranger was not let in'))).toEqual([])
    expect(agent.calls.tools.today()).toEqual([])
    await context.close()
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
