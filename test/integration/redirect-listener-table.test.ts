import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import { openRedirectListener, type RedirectListener } from '../../src/identity/redirect-listener.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { signInLimitMs } from '../../src/session/sign-in-attempt.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { codeOf, silentLog, startWorld, type World } from './world.ts'

/** What anything on this machine may send to the address that a sign-in returns to, byte for byte. */
const state = 'aF3_zQ-9sJk2mN5pR8tV1wX4yB7cD0eG6hI3jK9lM2n'
const wrongState = `${state.slice(0, -1)}o`
const right = `/callback?code=abc&state=${state}`

let port: number
let listener: RedirectListener
let settled = 0
beforeAll(async () => {
  ;[port = 0] = await freePorts(1)
  listener = await openRedirectListener([port], new Secret(state), silentLog)
  void listener.callback.then(() => {
    settled += 1
  })
})
afterAll(() => listener.close())

/** Sends the bytes and hears what comes back until the listener closes. */
function exchange(bytes: string, family: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: family, port })
    let heard = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      heard += chunk
    })
    socket.on('error', () => undefined).once('close', () => resolve(heard))
    socket.write(bytes, 'latin1')
  })
}

interface Shape {
  readonly line?: string
  readonly target?: string
  /** Instead of the right one. */
  readonly host?: string
  readonly headers?: readonly string[]
  readonly rest?: string
}

function requestOf({ target = right, line = `GET ${target} HTTP/1.1`, host, headers = [], rest = '' }: Shape): string {
  const own = host ?? `Host: localhost:${port}`
  return [line, ...(own === '' ? [] : [own]), ...headers, '', rest].join('\r\n')
}

describe('the redirect listener, with the right state,', () => {
  const ignored: [string, number | 'silence', Shape | (() => Shape)][] = [
    // Who is asked
    ['without a Host', 400, { host: '' }],
    ['with an empty Host', 400, { host: 'Host:' }],
    ['with another name', 400, () => ({ host: `Host: evil.example:${port}` })],
    ['with a name that was rebound to this machine', 400, () => ({ host: `Host: localhost.evil.example:${port}` })],
    ['with the address instead of the name', 400, () => ({ host: `Host: 127.0.0.1:${port}` })],
    ['with the IPv6 address', 400, () => ({ host: `Host: [::1]:${port}` })],
    ['with another port', 400, { host: 'Host: localhost:1' }],
    ['with no port', 400, { host: 'Host: localhost' }],
    ['with a port and a zero before it', 400, () => ({ host: `Host: localhost:0${port}` })],
    ['with a name in capitals', 400, () => ({ host: `Host: LOCALHOST:${port}` })],
    ['with a dot behind the name', 400, () => ({ host: `Host: localhost.:${port}` })],
    ['with a person in the name', 400, () => ({ host: `Host: x@localhost:${port}` })],
    ['with two Hosts, the right one first', 400, { headers: ['Host: evil.example'] }],
    ['with two Hosts, both right', 400, () => ({ headers: [`Host: localhost:${port}`] })],
    ['with a space before the colon', 'silence', () => ({ host: `Host : localhost:${port}` })],
    ['with a folded header', 'silence', { headers: ['X-Folded: a', ' b'] }],
    // Who asks
    ['from a script of another page', 403, { headers: ['Origin: https://evil.example'] }],
    ['from a page without an origin', 403, { headers: ['Origin: null'] }],
    ['from a page of our own address', 403, () => ({ headers: [`Origin: http://localhost:${port}`] })],
    ['by fetch', 403, { headers: ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Dest: empty'] }],
    ['by fetch of our own site', 403, { headers: ['Sec-Fetch-Mode: same-origin', 'Sec-Fetch-Site: same-origin'] }],
    ['as an image', 403, { headers: ['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'] }],
    ['as a script', 403, { headers: ['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script'] }],
    ['as a frame', 403, { headers: ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'] }],
    ['as a plug-in’s object', 403, { headers: ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: object'] }],
    ['as a worker', 403, { headers: ['Sec-Fetch-Mode: same-origin', 'Sec-Fetch-Dest: serviceworker'] }],
    ['with two modes', 403, { headers: ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Mode: cors'] }],
    ['with a mode in capitals', 403, { headers: ['Sec-Fetch-Mode: NAVIGATE'] }],
    ['as a WebSocket', 400, { headers: ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-Fetch-Mode: websocket'] }],
    ['as a program’s WebSocket', 400, { headers: ['Upgrade: websocket', 'Connection: Upgrade'] }],
    ['asking for HTTP/2', 400, { headers: ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings'] }],
    // How
    ['by POST', 405, { line: `POST ${right} HTTP/1.1`, headers: ['Content-Length: 0'] }],
    ['by HEAD', 405, { line: `HEAD ${right} HTTP/1.1` }],
    ['by PUT', 405, { line: `PUT ${right} HTTP/1.1`, headers: ['Content-Length: 1'], rest: 'x' }],
    [
      'by the preflight of a private network',
      405,
      {
        line: `OPTIONS ${right} HTTP/1.1`,
        headers: ['Origin: https://evil.example', 'Access-Control-Request-Private-Network: true'],
      },
    ],
    ['by TRACE', 405, { line: `TRACE ${right} HTTP/1.1` }],
    ['by CONNECT', 'silence', () => ({ line: `CONNECT localhost:${port} HTTP/1.1` })],
    ['by get in small letters', 'silence', { line: `get ${right} HTTP/1.1` }],
    ['by a method nobody knows', 'silence', { line: `FETCH ${right} HTTP/1.1` }],
    ['in HTTP/1.0', 400, { line: `GET ${right} HTTP/1.0` }],
    ['in HTTP/0.9', 400, { line: `GET ${right}` }],
    ['in HTTP/2', 'silence', { line: 'PRI * HTTP/2.0', host: '' }],
    ['in HTTP/9.9', 'silence', { line: `GET ${right} HTTP/9.9` }],
    ['with a body', 400, { headers: ['Content-Length: 3'], rest: 'abc' }],
    ['with two lengths', 'silence', { headers: ['Content-Length: 0', 'Content-Length: 3'], rest: 'abc' }],
    ['with a length and chunks', 'silence', { headers: ['Content-Length: 3', 'Transfer-Encoding: chunked'] }],
    ['with chunks', 400, { headers: ['Transfer-Encoding: chunked'], rest: '0\r\n\r\n' }],
    // Where
    ['at an absolute address', 404, () => ({ target: `http://localhost:${port}${right}` })],
    ['at another host’s absolute address', 404, () => ({ target: `http://evil.example${right}` })],
    ['at two slashes', 404, { target: `/${right}` }],
    ['at a slash more', 404, { target: `/callback/?code=abc&state=${state}` }],
    ['through a folder and back', 404, { target: `/x/..${right}` }],
    ['through a dot', 404, { target: `/.${right}` }],
    ['with a percent sign for a letter', 404, { target: `/%63allback?code=abc&state=${state}` }],
    ['with a percent sign for the slash', 404, { target: `/%2Fcallback?code=abc&state=${state}` }],
    ['with a backslash', 'silence', { target: `\\callback?code=abc&state=${state}` }],
    ['with a semicolon', 404, { target: `/callback;x?code=abc&state=${state}` }],
    ['in capitals', 404, { target: `/CALLBACK?code=abc&state=${state}` }],
    ['at an asterisk', 404, { target: '*' }],
    ['with everything behind a fragment sign', 404, { target: `/callback#code=abc&state=${state}` }],
    ['with a percent sign for the question mark', 404, { target: `/callback%3Fcode=abc&state=${state}` }],
    ['with an address beyond 8 KiB', 400, { target: `${right}&x=${'x'.repeat(8_200)}` }],
    ['with headers beyond 16 KiB', 'silence', { headers: [`X-Long: ${'x'.repeat(17_000)}`] }],
    ['with a NUL in it', 'silence', { target: `${right}\0` }],
    ['with a lone line feed for the line’s end', 'silence', { line: `GET ${right} HTTP/1.1\nX: y` }],
    // What
    ['and no code', 400, { target: `/callback?state=${state}` }],
    ['and two codes', 400, { target: `/callback?code=a&code=b&state=${state}` }],
    ['and a second code behind a percent sign', 400, { target: `${right}&%63ode=b` }],
    ['and a code and an error', 400, { target: `${right}&error=access_denied` }],
    ['twice', 400, { target: `${right}&state=${state}` }],
    ['and a wrong one', 400, { target: `${right}&state=${wrongState}` }],
    ['in capitals', 400, { target: `/callback?code=abc&state=${state.toUpperCase()}` }],
    ['with a plus sign before it', 400, { target: `/callback?code=abc&state=+${state}` }],
    ['with a fragment behind it', 400, { target: `${right}#x` }],
    ['with a semicolon for the ampersand', 400, { target: `/callback?code=abc;state=${state}` }],
    ['under an escaped twice name', 400, { target: `/callback?code=abc&%2573tate=${state}` }],
    ['that is another one', 400, { target: `/callback?code=abc&state=${wrongState}` }],
    ['that is another one, with an error', 400, { target: `/callback?error=access_denied&state=${wrongState}` }],
  ]

  test('knows more than forty ways not to be asked', () => expect(ignored.length).toBeGreaterThan(40))

  test.each(ignored)('is not moved by a request %s', async (_name, answer, shape) => {
    const heard = await exchange(requestOf(typeof shape === 'function' ? shape() : shape))
    if (answer === 'silence') expect(heard).toBe('')
    else expect(heard).toMatch(new RegExp(`^HTTP/1\\.1 ${answer} `))
    // Nothing of what was sent comes back, no page of another origin may read it, and one answer is all there is.
    expect(heard).not.toMatch(/evil|abc|access-control|set-cookie|location:/i)
    expect(heard.split('HTTP/1.1 ').length).toBeLessThanOrEqual(2)
    expect(settled).toBe(0)
  })

  test('is not moved by the right request pipelined behind a wrong one', async () => {
    const heard = await exchange(requestOf({ target: '/' }) + requestOf({}))
    expect(heard).toMatch(/^HTTP\/1\.1 404 /)
    expect(settled).toBe(0)
  })

  test('closes a request whose headers never end, without a word', { timeout: 15_000 }, async () => {
    const startedMs = performance.now()
    expect(await exchange(`GET ${right} HTTP/1.1\r\nHost: localhost:${port}\r\nX: `)).toBe('')
    expect(performance.now() - startedMs).toBeGreaterThan(4_000)
    expect(settled).toBe(0)
  })

  test('takes the first right one, on whichever loopback address, and no second', async () => {
    const first = exchange(requestOf({ headers: ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'] }), '::1')
    const callback = await listener.callback
    const second = await exchange(requestOf({}))
    expect(second).toMatch(/^HTTP\/1\.1 400 .*This sign-in is over/s)
    callback.showResult('signed_in')
    expect(await first).toMatch(/^HTTP\/1\.1 200 .*You are signed in/s)
    expect(settled).toBe(1)
    await listener.close()
    // A late one finds nobody.
    expect(await exchange(requestOf({}))).toBe('')
  })
})

describe('the ports of a sign-in', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world.close())

  /** Those of the registered ports that something listens on, on either loopback address: read, not connected to. */
  function openPorts(): string[] {
    const found: string[] = []
    for (const [file, family] of [
      ['/proc/net/tcp', '127.0.0.1'],
      ['/proc/net/tcp6', '::1'],
    ] as const) {
      for (const row of readFileSync(file, 'latin1').split('\n')) {
        const [, local = '', , rowState] = row.trim().split(/\s+/)
        const listening = Number.parseInt(local.split(':')[1] ?? '', 16)
        if (rowState === '0A' && world.redirectPorts.includes(listening)) found.push(`${family} ${listening}`)
      }
    }
    return found.sort()
  }
  const first = (): string[] => [`127.0.0.1 ${world.redirectPorts[0]}`, `::1 ${world.redirectPorts[0]}`]

  function waiting(): { agent: Agent; opened: Promise<URL> } {
    const opened = Promise.withResolvers<URL>()
    return { agent: world.agent('artist', { openBrowser: async (url) => opened.resolve(url) }), opened: opened.promise }
  }

  test('are open while it waits for the browser, and only then', async () => {
    let during: string[] = []
    const agent = world.agent('artist', {
      openBrowser: async (url) => {
        during = openPorts()
        await world.browserOf('artist')(url)
      },
    })
    await agent.listen()
    expect(openPorts()).toEqual([])
    await agent.signIn(undefined)
    expect(during).toEqual(first())
    expect(openPorts()).toEqual([])
    expect((await agent.session(undefined, 0, false)).session.login).toBe('artist@studio.example')
    await agent.signOut(undefined)
    expect(openPorts()).toEqual([])
  })

  test('are closed when it is cancelled', async () => {
    const { agent, opened } = waiting()
    const signingIn = codeOf(agent.signIn(undefined))
    await opened
    expect(openPorts()).toEqual(first())
    agent.cancelSignIn(undefined)
    expect(await signingIn).toBe('sign_in_cancelled')
    await expect.poll(openPorts, { timeout: 10_000 }).toEqual([])
  })

  test('are closed when nobody came in five minutes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { agent, opened } = waiting()
      const signingIn = codeOf(agent.signIn(undefined))
      await opened
      expect(openPorts()).toEqual(first())
      await vi.advanceTimersByTimeAsync(signInLimitMs)
      expect(await signingIn).toBe('sign_in_timeout')
    } finally {
      vi.useRealTimers()
    }
    await expect.poll(openPorts, { timeout: 10_000 }).toEqual([])
  })

  test('are closed when it comes to nothing after the browser was there', async () => {
    world.identity.faults.inject({ path: '/authentication/v2/token', does: { kind: 'status', status: 500, body: '' } })
    const agent = world.agent('artist')
    expect(await codeOf(agent.signIn(undefined))).not.toBe('ok')
    world.identity.faults.clear()
    await expect.poll(openPorts, { timeout: 10_000 }).toEqual([])
  })

  test('are closed when the agent goes in the middle of it', async () => {
    const { agent, opened } = waiting()
    const signingIn = codeOf(agent.signIn(undefined))
    await opened
    expect(openPorts()).toEqual(first())
    await agent.close()
    await signingIn
    await expect.poll(openPorts, { timeout: 10_000 }).toEqual([])
  })
})
