import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startXvfb } from '../sandbox/chromium.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

/** What the app's way out really does in Chromium's network. */
const electron = process.env['SG_SESSION_ELECTRON']
const source = resolve(import.meta.dirname, '..', '..', 'app', 'system', 'electron-fetch.ts')

interface Asked {
  readonly proxy?: string
  readonly way?: 'outside' | 'doctor'
  /** By the fetch that was made first, not by one of its own. */
  readonly byTheFirst?: boolean
  readonly url: string
  readonly init: object
}
interface Answered {
  readonly status?: number
  readonly text?: string
  readonly error?: string
}

let folder: string
let site: Site
let echo: Server
let echoUrl: string
/** Method, path and cookie of what came through the proxy. */
const proxied: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-electron-fetch-'))
  site = await startSite()
  echo = createServer((request, response) => {
    if (request.url?.startsWith('http:')) proxied.push(`${request.method} ${request.url} ${request.headers.cookie}`)
    response.setHeader('set-cookie', 'kept=1')
    response.end(JSON.stringify({ cookie: request.headers.cookie ?? null, method: request.method }))
  })
  await new Promise<void>((done) => echo.listen(0, '127.0.0.1', done))
  echoUrl = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`
})
afterAll(async () => {
  echo.close()
  await site.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

/** Sends the requests one after the other, from a real Electron. */
async function ask(requests: readonly Asked[]): Promise<Answered[]> {
  const app = await mkdtemp(join(folder, 'app-'))
  await mkdir(app, { recursive: true })
  await writeFile(join(app, 'package.json'), '{"name":"trial","version":"1.0.0","main":"start.js","type":"module"}')
  await writeFile(join(app, 'electron-fetch.js'), stripTypeScriptTypes(await readFile(source, 'utf8')))
  await writeFile(
    join(app, 'start.js'),
    `import { app } from 'electron'
     import { electronFetch } from './electron-fetch.js'
     app.whenReady().then(async () => {
       const answers = []
       let first
       for (const { proxy, way, byTheFirst, url, init } of ${JSON.stringify(requests)}) {
         try {
           const fetch = byTheFirst ? first : await electronFetch({ proxy }, way)
           first ??= fetch
           const answer = await fetch(url, init)
           answers.push({ status: answer.status, text: await answer.text() })
         } catch (error) {
           answers.push({ error: String(error) })
         }
       }
       process.stdout.write(JSON.stringify(answers))
       app.quit()
     })`,
  )
  const screen = await startXvfb()
  try {
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    const args = [...sandbox, '--disable-gpu', `--user-data-dir=${join(app, 'data')}`, app]
    const env = { PATH: process.env['PATH'] ?? '', HOME: app, DISPLAY: screen.display }
    const { stdout, stderr } = await finished(startProcess(electron ?? '', args, env))
    expect(stdout, stderr).not.toBe('')
    return JSON.parse(stdout) as Answered[]
  } finally {
    screen.stop()
  }
}

describe.skipIf(!electron)('the app’s fetch, in a real Electron', () => {
  test('sends the cookie a caller sets, by GET and POST, and keeps none that a server sets', async () => {
    const cookie = (method: string) => ({ method, headers: { cookie: '_session_id=abc' } })
    const answers = await ask([
      { url: `${echoUrl}/a`, init: cookie('GET') },
      { url: `${echoUrl}/b`, init: cookie('POST') },
      { url: `${echoUrl}/c`, init: { method: 'GET' } },
    ])
    expect(answers.map(({ text }) => JSON.parse(text ?? '').cookie)).toEqual([
      '_session_id=abc',
      '_session_id=abc',
      null,
    ])
  })

  test('gets the end of a session from a site, and pushes it back', async () => {
    const headers = { cookie: `_session_id=${site.mintSession('artist')}` }
    const url = `${site.url}/internal_api/session`
    const [read, pushed, stranger] = await ask([
      { url, init: { method: 'GET', headers, redirect: 'manual' } },
      { url, init: { method: 'POST', headers, redirect: 'manual' } },
      { url, init: { method: 'GET', redirect: 'manual' } },
    ])
    expect(JSON.parse(read?.text ?? '')).toMatchObject({ app: { expiresAt: expect.any(Number) } })
    expect(pushed).toEqual({ status: 200, text: '{"message":"OK"}' })
    expect(stranger?.status).toBe(401)
  })

  test('sends it through the configured proxy too', async () => {
    const headers = { cookie: '_session_id=abc' }
    const [answer] = await ask([{ proxy: echoUrl, url: 'http://studio.example/x', init: { method: 'GET', headers } }])
    expect(answer?.status).toBe(200)
    expect(proxied).toEqual(['GET http://studio.example/x _session_id=abc'])
  })

  test('goes on through its proxy when the doctor looks with another configuration', async () => {
    proxied.length = 0
    const init = { method: 'GET', headers: { cookie: '_session_id=abc' } }
    const answers = await ask([
      { proxy: echoUrl, url: 'http://studio.example/before', init },
      { way: 'doctor', url: `${echoUrl}/doctor`, init: { method: 'GET' } },
      { byTheFirst: true, url: 'http://studio.example/after', init },
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(proxied).toEqual([
      'GET http://studio.example/before _session_id=abc',
      'GET http://studio.example/after _session_id=abc',
    ])
  })

  test('answers a redirect that is not to be followed as one, without going there', async () => {
    site.faults.inject({
      path: '/internal_api/session',
      does: { kind: 'status', status: 302, headers: { location: `${site.url}/user/login` } },
    })
    const before = site.web.requests.length
    const [answer] = await ask([
      { url: `${site.url}/internal_api/session`, init: { method: 'GET', redirect: 'manual' } },
    ])
    site.faults.clear()
    expect(answer).toEqual({ status: 302, text: '' })
    expect(site.web.requests.length - before).toBe(1)
  })
})
