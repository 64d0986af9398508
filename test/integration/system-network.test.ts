import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { proxyFor } from '../../src/system/system-network.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { finished, startProcess } from '../sandbox/processes.ts'

/** `useSystemNetwork` changes its whole process, so each case runs in one of its own. */
const proxy = createServer()
const asked: string[] = []
let address: string
beforeAll(async () => {
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
})
afterAll(() => void proxy.close())
beforeEach(() => void asked.splice(0))

async function fetchWith(
  settings: object,
  url: string,
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<string> {
  return runModule(
    `
    import { useSystemNetwork } from './src/system/system-network.ts'
    try {
      const fetch = useSystemNetwork(${JSON.stringify(settings)})
      const response = await fetch(${JSON.stringify(url)}, {})
      process.stdout.write(String(response.status))
    } catch (error) {
      process.stdout.write(String(error.code ?? error.cause?.message ?? error.message))
    }`,
    env,
    flags,
  )
}

async function runModule(
  script: string,
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<string> {
  const running = startProcess(process.execPath, [...flags, '--input-type=module-typescript', '-e', script], {
    PATH: process.env['PATH'] ?? '',
    ...env,
  })
  const { stdout, stderr } = await finished(running)
  return stdout || stderr
}

describe('plain Node’s way out', () => {
  test('goes through the configured proxy', async () => {
    await fetchWith({ proxy: address }, 'https://studio.example/x')
    expect(asked).toEqual(['CONNECT studio.example:443'])
  })

  test('goes through the proxy of the environment, unless another is configured', async () => {
    await fetchWith({}, 'https://one.example/', { https_proxy: address })
    await fetchWith({}, 'https://two.example/', { http_proxy: address })
    await fetchWith({ proxy: address }, 'https://three.example/', { https_proxy: 'http://127.0.0.1:1' })
    expect(asked).toEqual(['one', 'two', 'three'].map((name) => `CONNECT ${name}.example:443`))
  })

  test('never sends this machine’s own addresses through a proxy', async () => {
    for (const url of ['https://localhost:4433/', 'https://127.0.0.1:4433/', 'https://[::1]:4433/'])
      await fetchWith({ proxy: address }, url)
    expect(asked).toEqual([])
  })

  test('obeys no_proxy', async () => {
    await fetchWith({}, 'https://studio.example:4433/x', { https_proxy: address, no_proxy: 'studio.example' })
    await fetchWith({}, 'https://studio.example:4433/x', { https_proxy: address, no_proxy: '*' })
    expect(asked).toEqual([])
  })

  test('takes a proxy without a scheme as curl does, and says which variable holds none', async () => {
    await fetchWith({}, 'https://one.example/', { https_proxy: address.replace('http://', '') })
    expect(asked).toEqual(['CONNECT one.example:443'])
    expect(await fetchWith({}, 'https://one.example/', { https_proxy: 'http://a:hunter2@' })).toBe('config_invalid')
  })

  test.each([
    ['studio.example', 'https://studio.example:4433/', true],
    ['studio.example', 'https://unit.studio.example:4433/', true],
    ['.studio.example', 'https://studio.example:4433/', true],
    ['*.studio.example', 'https://unit.studio.example:4433/', true],
    ['STUDIO.example', 'https://studio.example:4433/', true],
    ['studio.example:4433', 'https://studio.example:4433/', true],
    ['studio.example:443', 'https://studio.example:4433/', false],
    ['studio.example:443', 'https://studio.example/', true],
    ['elsewhere.example, studio.example', 'https://studio.example:4433/', true],
    ['elsewhere.example studio.example', 'https://studio.example:4433/', true],
    ['dio.example', 'https://studio.example:4433/', false],
    ['*dio.example', 'https://studio.example:4433/', false],
    ['10.0.0.0/8', 'https://10.1.2.3:4433/', false],
    ['*', 'https://studio.example:4433/', true],
    ['elsewhere.example,*', 'https://studio.example:4433/', false],
  ])('with no_proxy "%s" asks %s directly: %s, and says so beforehand', async (noProxy, url, isDirect) => {
    const env = { https_proxy: address, no_proxy: noProxy }
    expect(proxyFor(new URL(url), {}, env)).toBe(isDirect ? undefined : address)
    await fetchWith({}, url, env)
    expect(asked.length === 0).toBe(isDirect)
  })

  test('checks certificates even where the environment says not to', async () => {
    const { key, cert, ca } = await makeCertificates()
    const server = createTlsServer({ key, cert }, (_request, response) => void response.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const careless = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    expect(await fetchWith({}, url, careless)).toMatch(/certificate/)
    const file = join(await mkdtemp(join(tmpdir(), 'sg-session-ca-')), 'ca.pem')
    await writeFile(file, ca)
    expect(await fetchWith({ extraCa: file }, url, careless)).toBe('200')
    await rm(dirname(file), { recursive: true })
    server.close()
  })

  test('trusts the same authorities where Node is started without its own, as the single executable does', async () => {
    const trusted = `
      import tls from 'node:tls'
      import { useSystemNetwork } from './src/system/system-network.ts'
      useSystemNetwork({})
      process.stdout.write(tls.getCACertificates('default').toSorted().join(''))`
    const ordinary = await runModule(trusted)
    expect(ordinary.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(100)
    expect(await runModule(trusted, {}, ['--use-openssl-ca'])).toBe(ordinary)
  })

  test('refuses an authority that it was not told of, and takes one that it was, also so', async () => {
    const { key, cert, ca } = await makeCertificates()
    const server = createTlsServer({ key, cert }, (_request, response) => void response.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const file = join(await mkdtemp(join(tmpdir(), 'sg-session-ca-')), 'ca.pem')
    await writeFile(file, ca)
    expect(await fetchWith({}, url, {}, ['--use-openssl-ca'])).toMatch(/certificate/)
    expect(await fetchWith({ extraCa: file }, url, {}, ['--use-openssl-ca'])).toBe('200')
    await rm(dirname(file), { recursive: true })
    server.close()
  })

  test('says which file of certificate authorities cannot be used', async () => {
    expect(await fetchWith({ extraCa: '/missing.pem' }, 'https://localhost:1/')).toBe('config_invalid')
    expect(await fetchWith({ extraCa: 'package.json' }, 'https://localhost:1/')).toBe('config_invalid')
  })
})
