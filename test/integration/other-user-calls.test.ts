import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config/config.ts'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import type { Endpoint } from '../../src/socket/endpoint-file.ts'
import { methods } from '../../src/socket/messages.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { addOtherUser, type OtherUser, otherUserMissing, runScript } from './other-user.ts'
import { rules, silentLog } from './world.ts'

let other: (OtherUser & { remove(): void }) | undefined
let folder: string
let agent: Agent
let endpoint: Endpoint
let file: string
const asked: string[] = []

beforeAll(async () => {
  if (!otherUserMissing) other = addOtherUser()
  const content = {
    sites: [{ url: 'https://studio.example', broker: 'https://broker.example' }],
    identity: { clientId: 'x' },
    // Nothing but the user is asked for.
    tools: { consent: 'allow-all' as const },
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const fetchNothing = (url: string | URL | Request): Promise<Response> => {
    asked.push(String(url))
    return new Promise<Response>(() => undefined)
  }
  const openBrowser = async (): Promise<void> => undefined
  agent = new Agent(config, { fetch: fetchNothing, clock: systemClock, log: silentLog, openBrowser }, rules)
  folder = await mkdtemp(join(tmpdir(), 'sg-session-other-user-'))
  await chmod(folder, 0o755)
  const claimed = await claimEndpoint([join(folder, 'sg-session', 'endpoint.json')], async () => {
    endpoint = await agent.listen()
    return endpoint
  })
  file = claimed.file
})
afterAll(async () => {
  await agent.close()
  await rm(folder, { recursive: true, force: true })
  other?.remove()
})

/** A request of every kind there is, as somebody would send it who knows the protocol. */
const parameters: Readonly<Record<string, object>> = {
  'signIn/paste': { url: 'http://localhost:1/callback?code=x&state=x' },
  'signIn/credentials': { login: 'artist', passphrase: 'a passphrase' },
}
const requests = Object.keys(methods)
  .filter((method) => method !== 'hello')
  .map((method, index) => ({ jsonrpc: '2.0', id: index + 2, method, params: parameters[method] ?? {} }))

/**
 * Reads the endpoint file, then says each request twice: behind a right hello in one breath, and without one. Tells how it went: the
 * error of the reading, and how many bytes came back on how many connections.
 */
const script = `
  import { readFileSync } from 'node:fs'
  import { connect } from 'node:tls'
  const { file, port, certificate, key, requests } = JSON.parse(await new Response(process.stdin).text())
  let reading = 'read'
  try { readFileSync(file) } catch (error) { reading = error.code }
  const hello = { jsonrpc: '2.0', id: 1, method: 'hello', params: { protocol: 1, key, client: { name: 'x', version: '1', pid: process.pid } } }
  const talk = (messages) => new Promise((resolve) => {
    let bytes = 0
    const socket = connect({ host: '127.0.0.1', port, ca: certificate, checkServerIdentity: () => undefined })
    const limit = setTimeout(() => socket.destroy(), 5_000)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => { bytes += chunk.length; socket.destroy() })
    socket.once('secureConnect', () => socket.write(messages.map((message) => JSON.stringify(message) + '\\n').join('')))
    socket.once('close', () => { clearTimeout(limit); resolve(bytes) })
  })
  const lines = [[hello], ...requests.map((request) => [hello, request]), ...requests.map((request) => [request])]
  const heard = await Promise.all(lines.map(talk))
  console.log(JSON.stringify({ reading, connections: heard.length, answered: heard.filter((bytes) => bytes > 0).length }))
`

async function call(user: Partial<OtherUser>): Promise<unknown> {
  const { port, certificatePem, key } = endpoint
  const input = JSON.stringify({ file, port, certificate: certificatePem, key: key.reveal(), requests })
  const said = await runScript(script, input, user)
  return JSON.parse(said)
}

describe('another user of this machine, with the right key and certificate in its hands,', () => {
  test('gets not one byte of an answer to any message there is, changes nothing, and cannot read the endpoint file', async (context) => {
    if (!other) return context.skip(otherUserMissing)
    const connections = 1 + 2 * requests.length
    expect(requests.length).toBeGreaterThan(10)
    const { uid, gid } = other
    expect(await call({ uid, gid })).toEqual({ reading: 'EACCES', connections, answered: 0 })
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
    expect(agent.status()[0]).not.toHaveProperty('reason')
    expect(asked).toEqual([])
  })

  test('would get them as this user, as a control', async () => {
    expect(await call({})).toEqual({
      reading: 'read',
      connections: 1 + 2 * requests.length,
      answered: 1 + requests.length,
    })
  })
})
