import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page, Request, Response } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/broker/database/database.ts'
import { chromiumMissing, launchChromium } from '../sandbox/chromium.ts'
import { keepPicture } from '../sandbox/keep-picture.ts'
import { personNamed } from '../sandbox/people.ts'
import { openWebStudio, type WebStudio } from '../sandbox/webapp/web-studio.ts'
import { findSecret, shapesOf } from './find-secret.ts'

/** Where pictures of the pages go, when somebody wants to look at them. */
const pictures = process.env['SG_TEST_PICTURES']
const artist = personNamed('artist')

/** What the broker answered the web app's server: what no browser may ever see. */
let granted: { access_token: string; session_uuid: string }[]
let studio: WebStudio
let browser: Browser
let context: BrowserContext
let page: Page
/** What the page's policy blocked, what failed to load, what broke in a script. */
let complaints: string[]
let seen: Seen

beforeAll(async () => {
  if (!chromiumMissing) browser = await launchChromium()
})
afterAll(() => browser?.close())
beforeEach(async (test) => {
  if (chromiumMissing) return test.skip(chromiumMissing)
  granted = []
})
afterEach(async () => {
  await context?.close()
  await studio?.close()
})

async function open(options: Parameters<typeof openWebStudio>[0] = {}): Promise<void> {
  studio = await openWebStudio({
    ...options,
    fetch: async (url, init) => {
      const answer = await fetch(url, init)
      if (url.endsWith('/token') && answer.ok) granted.push(await answer.clone().json())
      return answer
    },
  })
  context = await browser.newContext({ viewport: { width: 760, height: 680 } })
  page = await context.newPage()
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  seen = new Seen(context)
}

async function picture(name: string): Promise<void> {
  if (!pictures) return
  await mkdir(pictures, { recursive: true })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await keepPicture(page, join(pictures, `${name}-${colorScheme}.png`))
  }
}

/** Everything that crosses the wire between the browser and anybody. */
class Seen {
  readonly #parts: Promise<string>[] = []

  constructor(context: BrowserContext) {
    context.on('request', (request) => this.#parts.push(textOfRequest(request)))
    context.on('response', (response) => this.#parts.push(textOfResponse(response)))
  }

  async text(): Promise<string> {
    return (await Promise.all(this.#parts)).join('\n')
  }
}

async function textOfRequest(request: Request): Promise<string> {
  const headers = JSON.stringify(await request.allHeaders().catch(() => request.headers()))
  return `${request.method()} ${request.url()} ${headers} ${request.postData() ?? ''}`
}

async function textOfResponse(response: Response): Promise<string> {
  // A redirect has no body to be read.
  const body = await response.body().catch(() => Buffer.alloc(0))
  const headers = JSON.stringify(await response.allHeaders().catch(() => response.headers()))
  return `${response.status()} ${response.url()} ${headers} ${body.toString('utf8')} ${body.toString('hex')}`
}

/** Everything the browser keeps for the web app, and what it shows. */
async function keptInBrowser(): Promise<{ text: string; keys: number; session: number; local: number }> {
  const kept = await page.evaluate(async () => {
    const names = (await indexedDB.databases()).map(({ name = '' }) => name)
    const keys = await new Promise<number>((resolve, reject) => {
      const opening = indexedDB.open('sign-in')
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const count = opening.result.transaction('keys').objectStore('keys').count()
        count.onsuccess = () => resolve(count.result)
      }
    })
    return {
      names,
      keys,
      session: JSON.stringify({ ...sessionStorage }),
      local: JSON.stringify({ ...localStorage }),
      sessionItems: sessionStorage.length,
      localItems: localStorage.length,
      caches: await caches.keys(),
      history: history.state,
      address: location.href,
    }
  })
  const state = await context.storageState({ indexedDB: true })
  const text = [JSON.stringify(kept), JSON.stringify(state), await page.content()].join('\n')
  return { text, keys: kept.keys, session: kept.sessionItems, local: kept.localItems }
}

async function signIn(person = artist): Promise<void> {
  await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
  await page.waitForURL(/\/sign-in\//)
  await page.getByLabel(/e-?mail/i).fill(person.email)
  await page.getByLabel(/password/i).fill(person.autodesk?.password ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(new RegExp(`^${studio.webApp.origin}/`))
  await settled()
}

/** The page has done what it does at its start. */
async function settled(): Promise<void> {
  await page.locator('main:not([aria-busy="true"]) > section:visible').waitFor()
}

async function message(): Promise<{ code: string | null; text: string | null }> {
  const place = page.locator('#message')
  return { code: await place.getAttribute('data-code'), text: await place.textContent() }
}

async function writeNote(subject: string, content = 'The edge of the matte flickers.'): Promise<void> {
  await page.getByLabel('Subject').fill(subject)
  await page.getByLabel('Note', { exact: true }).fill(content)
  await page.getByRole('button', { name: 'Save the note' }).click()
}

async function auditRows() {
  const database = await openDatabase({ file: join(studio.studio.folder, 'broker', 'broker.sqlite') })
  const rows = await database.selectFrom('audit').selectAll().orderBy('sequence').execute()
  await database.destroy()
  return rows
}

describe('a person writes a note in a web app of the studio', () => {
  test('under their own name, which the site’s event log and the broker’s audit agree on', async () => {
    await open()
    const { site } = studio
    const person = site.person('artist')
    await page.goto(studio.webApp.origin)
    await settled()
    await picture('signed-out')
    await signIn()
    await expect.poll(() => page.locator('#person').textContent()).toBe('Plain Artist')
    // The code is out of the address bar.
    expect(page.url()).toBe(`${studio.webApp.origin}/`)

    await writeNote('Shot 010, frame 24')
    await page.getByText('created by Plain Artist').waitFor()
    await picture('note')

    const events = site.eventLog().filter(({ entity }) => entity?.type === 'Note')
    const created = events.find(({ event_type }) => event_type === 'Shotgun_Note_New')
    const human = { type: 'HumanUser', id: person.id }
    expect(created).toMatchObject({ user: human, meta: { type: 'new_entity', entity_type: 'Note' } })
    const [issued] = (await auditRows()).filter(({ outcome }) => outcome === 'issued')
    expect(issued).toMatchObject({ shape: 'session', user_id: person.id, login: artist.site?.login, site: site.url })
    for (const event of events) {
      expect(event.user).toMatchObject(human)
      // No script stands behind it: this is the person's own session.
      expect(event.meta).not.toHaveProperty('sudo_actual_user')
      expect(event.session_uuid).toBe(issued?.session_uuid)
    }
    expect(await noteOf(created?.entity?.id ?? 0)).toMatchObject({
      subject: 'Shot 010, frame 24',
      created_by: { ...human, name: 'Plain Artist' },
    })
    expect(complaints).toEqual([])
  })

  test('and the session’s token is nowhere in the browser, nor are Autodesk’s tokens when the sign-in is done', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await signIn()
    await writeNote('Canary')
    await page.getByText('created by Plain Artist').waitFor()
    await page.reload()
    await expect.poll(() => page.locator('#person').textContent()).toBe('Plain Artist')

    const [answer] = granted
    if (!answer) throw new Error('the broker gave nothing')
    expect(granted).toHaveLength(1)
    const wire = await seen.text()
    const kept = await keptInBrowser()
    for (const shape of shapesOf(answer.access_token)) {
      for (const text of [wire, kept.text]) expect(Buffer.from(text).includes(shape)).toBe(false)
    }
    expect(await findSecret(answer.access_token, studio.studio.folder)).toEqual([])

    // The search can find something: what must have crossed the wire is found there.
    const tokens = /"access_token":"([^"]+)".*?"refresh_token":"([^"]+)".*?"id_token":"([^"]+)"/.exec(wire)?.slice(1)
    expect(tokens).toHaveLength(3)
    for (const token of tokens ?? []) expect(kept.text).not.toContain(token)
    expect([kept.keys, kept.session, kept.local]).toEqual([0, 0, 0])
    // Cookies are shared between the ports of a host: the sandbox's Autodesk has some here too.
    const cookie = (await context.cookies(studio.webApp.origin)).find(({ name }) => name === 'notes')
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/', expires: -1 })
    expect(await page.evaluate(() => document.cookie)).not.toContain('notes=')
    expect(complaints).toEqual([])
  })

  test.each([
    ['artist', 2],
    ['supervisor', 8],
  ])('is shown what they may see and no more: %s, %i projects', async (key, count) => {
    await open()
    await page.goto(studio.webApp.origin)
    await signIn(personNamed(key))
    await expect.poll(() => page.getByLabel('Project').locator('option').count()).toBe(count)
  })

  test('signs out: the server has forgotten, and the cookie opens nothing', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await signIn()
    const [before] = (await context.cookies()).filter(({ name }) => name === 'notes')
    if (!before) throw new Error('there is no cookie')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).waitFor()
    expect((await context.cookies()).filter(({ name }) => name === 'notes')).toEqual([])
    await context.addCookies([before])
    await page.reload()
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).waitFor()
    const refused = await context.request.get(`${studio.webApp.origin}/api/projects`)
    expect([refused.status(), await refused.json()]).toMatchObject([401, { code: 'signed_out' }])
  })

  test('is asked to sign in again when ShotGrid has ended the session, and finds the note as it was typed', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await signIn()
    studio.site.expireSessions()
    await writeNote('Half a thought', 'Not lost.')
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).waitFor()
    expect(await message()).toMatchObject({ code: 'signed_out' })
    await picture('session-ended')
    // Autodesk remembers the browser: no form this time.
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
    await page.getByRole('button', { name: 'Save the note' }).click()
    await page.getByText('created by Plain Artist').waitFor()
    expect(granted).toHaveLength(2)
    const notes = studio.site.eventLog().filter(({ event_type }) => event_type === 'Shotgun_Note_New')
    expect(await noteOf(notes.at(-1)?.entity?.id ?? 0)).toMatchObject({
      subject: 'Half a thought',
      content: 'Not lost.',
    })
  })
})

describe('a sign-in that comes to nothing is said, and leaves nothing', () => {
  async function refusedWith(code: string): Promise<void> {
    await expect.poll(async () => (await message()).code).toBe(code)
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).waitFor()
    expect(granted).toEqual([])
    expect(await keptInBrowser()).toMatchObject({ keys: 0, session: 0, local: 0 })
    expect((await context.cookies()).filter(({ name }) => name === 'notes')).toEqual([])
  }

  test('cancelled at Autodesk', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await refusedWith('cancelled')
    await picture('cancelled')
  })

  test('by somebody without a ShotGrid user', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await signIn(personNamed('stranger'))
    await refusedWith('account_not_mapped')
  })

  test('with an answer whose state is not this sign-in’s', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
    await page.waitForURL(/\/sign-in\//)
    await page.goto(`${studio.webApp.origin}/?code=stolen&state=another`)
    await refusedWith('not_this_sign_in')
    expect(studio.identity.calls.get('token:authorization_code')).toBeUndefined()
  })

  test('opened in another tab than it was begun in', async () => {
    await open()
    await page.goto(studio.webApp.origin)
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
    await page.waitForURL(/\/sign-in\//)
    await page.getByLabel(/e-?mail/i).fill(artist.email)
    await page.getByLabel(/password/i).fill(artist.autodesk?.password ?? '')
    const callback = page.waitForRequest((request) => request.url().startsWith(`${studio.webApp.origin}/?code=`))
    await page.getByRole('button', { name: 'Sign in' }).click()
    const address = (await callback).url()
    await settled()
    expect(granted).toHaveLength(1)
    page = await context.newPage()
    await page.goto(address)
    await expect.poll(async () => (await message()).code).toBe('not_this_sign_in')
    expect(granted).toHaveLength(1)
  })

  test('where the broker does not know the web app: its page may not even ask for a challenge', async () => {
    await open({ knownOrigin: 'http://localhost:9' })
    await page.goto(studio.webApp.origin)
    await page.getByRole('button', { name: 'Sign in with Autodesk' }).click()
    await expect.poll(async () => (await message()).code).toBe('unreachable')
    expect((await message()).text).toContain('does not know this web app')
    expect(page.url()).toBe(`${studio.webApp.origin}/`)
    expect(complaints.join('\n')).toMatch(/blocked by CORS policy/)
  })
})

/** The note as an administrator sees it. */
async function noteOf(id: number): Promise<unknown> {
  const auth = { session_token: studio.site.mintSession('admin'), reject_if_expired: true }
  const params = {
    type: 'Note',
    return_fields: ['subject', 'content', 'created_by'],
    filters: { logical_operator: 'and', conditions: [{ path: 'id', relation: 'is', values: [id] }] },
    paging: { entities_per_page: 1, current_page: 1 },
  }
  const answer = await fetch(`${studio.site.url}/api3/json`, {
    method: 'POST',
    body: JSON.stringify({ method_name: 'read', params: [auth, params] }),
  })
  const body = (await answer.json()) as { results: { entities: unknown[] } }
  return body.results.entities[0]
}
