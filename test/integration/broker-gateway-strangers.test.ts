import http from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { drain } from '../../src/broker/gateway/drain.ts'
import { multipartBody } from '../sandbox/site/shotgun-api3-forms.ts'
import { callRpc, payload, sendRpc } from '../sandbox/site/shotgun-api3-wire.ts'
import { authOf, GatewayStage, type SessionAuth } from './gateway-stage.ts'

let stage: GatewayStage
let artist: SessionAuth
beforeAll(async () => {
  stage = await GatewayStage.open()
  artist = await stage.session()
})
afterAll(() => stage.close())
afterEach(() => stage.exchanges.clearFaults())

const large = { type: 'Project', filters: { logical_operator: 'and', conditions: [] }, padding: 'x'.repeat(200_000) }
const nobody = authOf('A'.repeat(43))

/** Sends the beginning of a request that says it is longer than it ever becomes; resolves with what comes back. */
function begin(path: string, type: string, start: Buffer | string): Promise<string> {
  const { hostname, port } = new URL(stage.url)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': 30_000_000 }
    const request = http.request({ host: hostname, port, path, method: 'POST', headers, agent: false })
    request.on('error', (error) => resolve(error.message))
    request.on('response', (answer) => {
      answer.setEncoding('utf8').on('data', (text: string) => resolve(text))
      answer.on('error', reject)
    })
    request.write(start)
  })
}

describe('a long call', () => {
  test('is read for who shows a living session', async () => {
    expect(await callRpc(stage.url, artist, 'read', large)).toMatchObject({ entities: expect.any(Array) })
  })

  test.each([
    ['with an unknown session', () => payload('read', nobody, large)],
    ['with a session that stands behind it', () => JSON.stringify({ params: [{ x: large, ...artist }] })],
    ['without any', () => payload('read', { reject_if_expired: true }, large)],
  ])('%s is fault 102 before it is parsed', async (_what, body) => {
    // What follows is no JSON; who had parsed it would say so.
    const answer = await sendRpc(stage.url, `${body()}}`)
    expect(JSON.parse(answer.body)).toMatchObject({ exception: true, error_code: 102 })
  })

  test('that shows one session at its beginning and another in its place is judged by its place', async () => {
    const text = payload('read', nobody, large)
    const body = `{"x": {"session_token": "${artist.session_token}"}, ${text.slice(1)}`
    expect(JSON.parse((await sendRpc(stage.url, body)).body)).toMatchObject({ exception: true, error_code: 103 })
    const twice = text.replace('"session_token"', `"product": "\\"session_token\\"", "session_token"`)
    expect(JSON.parse((await sendRpc(stage.url, twice)).body)).toMatchObject({ exception: true, error_code: 102 })
  })

  test('whose sender breaks it off ends with that', async () => {
    const text = payload('read', artist, large)
    const { hostname, port } = new URL(stage.url)
    const before = stage.site.calls.get('read')
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      const request = http.request({ host: hostname, port, path: '/api3/json', method: 'POST', headers, agent: false })
      request.on('error', () => undefined).on('close', () => resolve())
      request.write(text.slice(0, -10), () => setTimeout(() => request.destroy(), 100))
    })
    expect(await callRpc(stage.url, artist, 'read', large)).toMatchObject({ entities: expect.any(Array) })
    expect(stage.site.calls.get('read')).toBe((before ?? 0) + 1)
  })
})

describe('somebody else’s credentials without a session', () => {
  test('are refused each time, and recorded once a minute: nobody can delete from the audit', async () => {
    const rows = async () => (await stage.exchanges.auditRows()).filter(({ actor }) => actor === 'unknown').length
    const attempt = () => callRpc(stage.url, { script_name: 'x', script_key: 'y' }, 'read', {})
    for (let turn = 0; turn < 5; turn += 1) await expect(attempt()).rejects.toMatchObject({ code: 102 })
    expect(await rows()).toBe(1)
    stage.clock.advance(60_000)
    await expect(attempt()).rejects.toMatchObject({ code: 102 })
    expect(await rows()).toBe(2)
  })
})

describe('an upload', () => {
  test('with more than a megabyte of fields is refused, however many they are', async () => {
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, 'x'.repeat(60_000)]))
    const file = { field: 'file', filename: 'a', contentType: 'text/plain', bytes: new Uint8Array([1]) }
    const body = multipartBody({ ...fields, ...artist }, file)
    const [, boundary] = /^--(.+?)\r\n/.exec(body.toString('latin1')) ?? []
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
    const answer = await fetch(`${stage.url}/upload/upload_file`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    expect(await answer.text()).toBe('0\nthe fields of the form are too large\n')
  })
})

describe('who goes on sending what is refused', () => {
  test('is hung up on', async () => {
    const drained: boolean[] = []
    const server = http.createServer(async (request, response) => {
      await drain(request, 200)
      drained.push(request.complete)
      response.end('refused')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const send = (isWhole: boolean) =>
      new Promise<string>((resolve) => {
        const headers = { 'content-length': 10 }
        const request = http.request({ host: '127.0.0.1', port, method: 'POST', headers, agent: false }, (answer) => {
          answer.setEncoding('utf8').on('data', resolve)
        })
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        request.write(isWhole ? '0123456789' : '0')
      })
    expect(await send(true)).toBe('refused')
    expect(await send(false)).toBe('ECONNRESET')
    expect(drained).toEqual([true, false])
    server.close()
  })

  test('gets no answer early: a client reads none before it has sent everything', async () => {
    const early = begin('/api3/json', 'application/json', `${payload('read', nobody, large)}`)
    const soon = new Promise<string>((resolve) => setTimeout(() => resolve('nothing'), 500))
    expect(await Promise.race([early, soon])).toBe('nothing')
  })
})
