import { spawnSync } from 'node:child_process'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openRedirectListener, type RedirectListener } from '../../src/identity/redirect-listener.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { otherUserMissing, runAsOtherUser } from './other-user.ts'
import { silentLog } from './world.ts'

const state = 's'.repeat(43)
const open: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function listen(ports: readonly number[]): Promise<RedirectListener> {
  const listener = await openRedirectListener(ports, new Secret(state), silentLog)
  open.push(listener)
  return listener
}

interface Reply {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: string
}

function get(
  port: number,
  path: string,
  family: 4 | 6 = 4,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      host: family === 4 ? '127.0.0.1' : '::1',
      port,
      path,
      method,
      headers: { host: `localhost:${port}`, ...headers },
    }
    httpRequest(options, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

async function occupy(port: number, host: string): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  open.push(server)
  return server
}

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })

/** A script that listens, says where, and closes. */
function listening(ports: readonly number[]): string {
  return `
    import { openRedirectListener } from '${resolve('src/identity/redirect-listener.ts')}'
    import { Secret } from '${resolve('src/secrets/secret.ts')}'
    const listener = await openRedirectListener(${JSON.stringify(ports)}, new Secret('x'), { info() {}, warn() {} })
    process.stdout.write(listener.redirectUri)
    await listener.close()`
}

describe('the redirect listener', () => {
  test('is there on both loopback families, whichever the browser takes for localhost', async () => {
    const [port = 0] = await freePorts(1)
    for (const family of [4, 6] as const) {
      const listener = await listen([port])
      expect(listener.redirectUri).toBe(`http://localhost:${port}/callback`)
      const reply = get(port, `/callback?code=abc&state=${state}`, family)
      const callback = await listener.callback
      expect(callback.url.href).toBe(`http://localhost:${port}/callback?code=abc&state=${state}`)
      callback.showResult('signed_in')
      expect((await reply).body).toContain('You are signed in')
      await listener.close()
    }
  })

  test.each(['127.0.0.1', '::1'])(
    'skips a port whose %s somebody else holds, and gives back the other family',
    async (host) => {
      const [first = 0, second = 0] = await freePorts(2)
      await occupy(first, host)
      const listener = await listen([first, second])
      expect(listener.redirectUri).toContain(`:${second}/`)
      expect(await isFree(first, host === '::1' ? '127.0.0.1' : '::1')).toBe(true)
    },
  )

  test('says which ports it tried when all are taken', async () => {
    const ports = await freePorts(3)
    for (const port of ports) await occupy(port, '127.0.0.1')
    await expect(listen(ports)).rejects.toMatchObject({
      code: 'redirect_ports_busy',
      message: expect.stringContaining(ports.join(', ')),
    })
  })

  test('shows the true outcome: a failure after the callback is not reported as success', async () => {
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    const reply = get(port, `/callback?code=abc&state=${state}`)
    ;(await listener.callback).showResult('failed')
    expect((await reply).body).toContain('did not work')
  })

  test('finishes the page before it closes, and is gone after', async () => {
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    const reply = get(port, `/callback?code=abc&state=${state}`)
    const callback = await listener.callback
    callback.showResult('signed_in')
    await Promise.all([listener.close(), listener.close()])
    expect((await reply).status).toBe(200)
    expect(await isFree(port, '127.0.0.1')).toBe(true)
    expect(await isFree(port, '::1')).toBe(true)
  })

  test('closes at once when nobody came', async () => {
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    const startedMs = performance.now()
    await listener.close()
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    expect(await isFree(port, '127.0.0.1')).toBe(true)
  })

  test('waits on through favicons, wrong states, scripts and other methods; then takes the right one, once', async () => {
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    expect((await get(port, '/favicon.ico')).status).toBe(404)
    expect((await get(port, '/')).status).toBe(404)
    expect((await get(port, `/callback?code=evil&state=${'x'.repeat(43)}`)).status).toBe(400)
    expect((await get(port, '/callback?error=access_denied')).status).toBe(400)
    expect((await get(port, `/callback?code=evil&state=${state}`, 4, { origin: 'https://evil.example' })).status).toBe(
      403,
    )
    expect((await get(port, `/callback?code=evil&state=${state}`, 4, { host: 'evil.example' })).status).toBe(400)
    expect((await get(port, `/callback?code=evil&state=${state}`, 4, {}, 'HEAD')).status).toBe(405)
    const right = get(port, `/callback?code=right&state=${state}`)
    const callback = await listener.callback
    expect(callback.url.searchParams.get('code')).toBe('right')
    expect((await get(port, `/callback?code=later&state=${state}`)).body).toContain('This sign-in is over')
    callback.showResult('signed_in')
    await right
  })

  test('does not take another user’s answer, even with the right state', async (context) => {
    if (otherUserMissing) return context.skip(otherUserMissing)
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    const address = `http://localhost:${port}/callback?code=theirs&state=${state}`
    const script = `import { get } from 'node:http'
      get('${address}', (response) => { response.resume(); process.stdout.write(String(response.statusCode)) })`
    expect(await runAsOtherUser(script)).toBe('403')
    const own = get(port, `/callback?code=own&state=${state}`)
    const callback = await listener.callback
    expect(callback.url.searchParams.get('code')).toBe('own')
    callback.showResult('signed_in')
    await own
  })

  test('passes over a port that the system keeps to itself, as Windows does with whole ranges', async (context) => {
    if (otherUserMissing) return context.skip(otherUserMissing)
    const [port = 0] = await freePorts(1)
    expect(await runAsOtherUser(listening([80, port]))).toBe(`http://localhost:${port}/callback`)
  })

  test('does without IPv6 where there is none', (context) => {
    const [port] = [14_285]
    const without = 'ip link set lo up && sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 && exec "$@"'
    const args = [
      '--net',
      'sh',
      '-c',
      without,
      'sh',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      listening([port]),
    ]
    const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
    if (status !== 0) return context.skip(`no network namespace can be made here: ${stderr.trim().split('\n', 1)[0]}`)
    expect(stdout).toBe(`http://localhost:${port}/callback`)
  })

  test('never shows anything of a request', async () => {
    const [port = 0] = await freePorts(1)
    await listen([port])
    for (const path of [
      `/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x`,
      '/%3Cimg%20src=x%3E',
      '/callback?state=canary',
    ]) {
      const { body, headers } = await get(port, path)
      expect(body).not.toMatch(/alert|<img|canary/)
      // Without a type and a length Firefox has been seen to save the page as a file.
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
      })
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        connection: 'close',
      })
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('closes what is no HTTP, or never ends, without a word', async () => {
    const [port = 0] = await freePorts(1)
    await listen([port])
    for (const bytes of [
      '\x16\x03\x01\x00\xa5',
      'NONSENSE\r\n\r\n',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1')
      let heard = ''
      socket.on('data', (chunk) => {
        heard += chunk
      })
      socket.on('error', () => undefined)
      socket.write(bytes, 'latin1')
      await new Promise((resolve) => socket.once('close', resolve))
      expect(heard).toBe('')
    }
  })

  test('is not used up by a program that opens more connections than a browser would', async () => {
    const [port = 0] = await freePorts(1)
    await listen([port])
    let closed = 0
    const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'))
    for (const socket of sockets) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        closed += 1
      })
      socket.write('GET ')
    }
    await vi.waitFor(() => expect(closed).toBeGreaterThanOrEqual(136), 20_000)
    expect((await get(port, '/favicon.ico')).status).toBe(404)
    // What never ends is closed by the request limit, looked after each second.
    await vi.waitFor(() => expect(closed).toBe(200), 20_000)
  })

  test('takes a pasted address as the callback, and says what is wrong with another', async () => {
    const [port = 0] = await freePorts(1)
    const listener = await listen([port])
    expect(() => listener.accept('http://localhost:1/callback?code=x&state=y')).toThrow(
      /is not an address this sign-in returns to/,
    )
    expect(() => listener.accept(`http://localhost:${port}/callback?code=x&state=y`)).toThrow(
      /state is not this sign-in/,
    )
    listener.accept(`http://localhost:${port}/callback?code=pasted&state=${state}`)
    expect((await listener.callback).url.searchParams.get('code')).toBe('pasted')
    expect(() => listener.accept(`http://localhost:${port}/callback?code=pasted&state=${state}`)).toThrow(
      /has its answer already/,
    )
  })
})
