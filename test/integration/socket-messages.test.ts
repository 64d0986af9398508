import { beforeAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/socket/limits.ts'
import { hello, RawLine } from './raw-line.ts'
import { endpoint, listenWithAgent, openSocket } from './socket-stage.ts'
import { silentLog } from './world.ts'

/** The limits of what is said over the socket: what is just taken, and what is one too many. */
listenWithAgent()

let key: string
beforeAll(() => {
  key = endpoint.key.reveal()
})

const padded = (message: object, bytes: number): string => {
  const text = `${JSON.stringify({ ...message, padding: '' })}\n`
  return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
}

describe('a message', () => {
  test('that says hello has at most 4 KiB', async () => {
    const taken = await RawLine.tls(endpoint)
    taken.send(padded(hello(key), limits.helloBytes))
    expect(await taken.message()).toMatchObject({ id: 1, result: { protocol: 1 } })
    taken.close()
    expect(await saidToStranger((shown) => padded(hello(shown), limits.helloBytes + 1))).toBe('')
  })

  test('has at most 64 KiB afterwards; one byte more closes the connection', async () => {
    const question = { jsonrpc: '2.0', id: 2, method: 'status' }
    const line = await RawLine.greeted(endpoint)
    line.send(padded(question, limits.messageBytes))
    expect(await line.message()).toMatchObject({ id: 2, result: {} })
    line.send(padded(question, limits.messageBytes + 1))
    await line.closed
  })

  test('is nested at most sixteen deep, hello too', async () => {
    const nested = (message: object, depth: number): string =>
      `${JSON.stringify({ ...message, deep: 0 }).replace('"deep":0', `"deep":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`)}\n`
    const line = await RawLine.tls(endpoint)
    line.send(nested(hello(key), limits.jsonDepth))
    expect(await line.message()).toMatchObject({ result: { protocol: 1 } })
    const question = { jsonrpc: '2.0', id: 2, method: 'status' }
    line.send(nested(question, limits.jsonDepth))
    expect(await line.message()).toMatchObject({ id: 2, result: {} })
    line.send(nested(question, limits.jsonDepth + 1))
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    line.close()
    expect(await saidToStranger((shown) => nested(hello(shown), limits.jsonDepth + 1))).toBe('')
  })

  test('has an id of at most 64 characters and names a method of at most 64', async () => {
    const line = await RawLine.greeted(endpoint)
    const id = 'i'.repeat(limits.idCharacters)
    line.send({ jsonrpc: '2.0', id, method: 'status' })
    expect(await line.message()).toMatchObject({ id, result: {} })
    line.send({ jsonrpc: '2.0', id: `${id}i`, method: 'status' })
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    const method = 'm'.repeat(limits.methodCharacters)
    line.send({ jsonrpc: '2.0', id: 3, method })
    expect(await line.message()).toMatchObject({ id: 3, error: { data: { code: 'unknown_method' } } })
    line.send({ jsonrpc: '2.0', id: 4, method: `${method}m` })
    expect(await line.message()).toMatchObject({ id: null, error: { data: { code: 'invalid_request' } } })
    line.close()
  })
})

describe('a parameter', () => {
  const letters = (most: number) => [`https://${'s'.repeat(most - 8)}`, `https://${'s'.repeat(most - 7)}`] as const
  const credentials = { login: 'artist', passphrase: 'x', code: '0' }
  const cases: [string, string, object, readonly [unknown, unknown]][] = [
    ['site', 'status of a site', {}, letters(limits.siteCharacters)],
    ['minValidityS', 'session/get', {}, [limits.minValidityS, limits.minValidityS + 1]],
    ['minValidityS', 'autodesk/get', {}, [limits.minValidityS, limits.minValidityS + 1]],
    ['url', 'signIn/paste', {}, letters(limits.pastedAddressCharacters)],
    ['login', 'signIn/credentials', credentials, letters(limits.loginCharacters)],
    ['passphrase', 'signIn/credentials', credentials, letters(limits.passphraseCharacters)],
    ['code', 'signIn/credentials', credentials, letters(limits.codeCharacters)],
  ]
  test.each(cases)(
    '"%s" of %s: one past its limit is refused by name',
    async (name, method, others, [taken, refused]) => {
      const line = await RawLine.greeted(endpoint)
      const ask = async (value: unknown): Promise<string> => {
        line.send({
          jsonrpc: '2.0',
          id: 2,
          method: method === 'status of a site' ? 'session/get' : method,
          params: { ...others, [name]: value },
        })
        return JSON.stringify(await line.message())
      }
      expect(await ask(taken)).not.toContain(`: \\"${name}\\"`)
      const reply = await ask(refused)
      expect(reply).toContain('"invalid_request"')
      expect(reply).toContain(`: \\"${name}\\"`)
      line.close()
    },
  )

  test('of hello: what a client says of itself and its key have limits too', async () => {
    const reasons: unknown[] = []
    const note = (fields: unknown): void => void reasons.push((fields as { reason?: string }).reason)
    const { endpoint: brief, close } = await openSocket({ helloMs: 1_500 }, { ...silentLog, warn: note })
    const client = (change: object): object =>
      hello(brief.key.reveal(), { client: { name: 'test', version: '1', pid: process.pid, ...change } })
    const name = 'n'.repeat(limits.clientNameCharacters)
    const version = 'v'.repeat(limits.clientVersionCharacters)
    const taken = await RawLine.tls(brief)
    taken.send(client({ name, version }))
    expect(await taken.message()).toMatchObject({ result: { protocol: 1 } })
    const longKey = 'A'.repeat(limits.keyCharacters)
    for (const message of [
      client({ name: `${name}n` }),
      client({ version: `${version}v` }),
      hello(longKey),
      hello(`${longKey}A`),
    ]) {
      const line = await RawLine.tls(brief)
      line.send(message)
      await line.closed
      expect(line.heard).toHaveLength(0)
    }
    expect(reasons.map((reason) => /"[\w.]+"|wrong key/.exec(String(reason))?.[0])).toEqual([
      '"client.name"',
      '"client.version"',
      'wrong key',
      '"key"',
    ])
    await close()
  })
})

/** What a stranger with that opener hears; the key is the socket's own. */
async function saidToStranger(opener: (key: string) => string): Promise<string> {
  const { endpoint: brief, close } = await openSocket({ helloMs: 500 })
  const line = await RawLine.tls(brief)
  line.send(opener(brief.key.reveal()))
  await line.closed
  await close()
  return line.heard.toString('utf8')
}
