import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
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

async function fetchWith(settings: object, url: string, env: Record<string, string> = {}): Promise<string> {
  const script = `
    import { useSystemNetwork } from './src/system-network.ts'
    try {
      const fetch = useSystemNetwork(${JSON.stringify(settings)})
      const response = await fetch(${JSON.stringify(url)}, {})
      process.stdout.write(String(response.status))
    } catch (error) {
      process.stdout.write(String(error.code ?? error.cause?.message ?? error.message))
    }`
  const running = startProcess(process.execPath, ['--input-type=module-typescript', '-e', script], {
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
    for (const url of ['https://localhost:1/', 'https://127.0.0.1:1/', 'https://[::1]:1/'])
      await fetchWith({ proxy: address }, url)
    expect(asked).toEqual([])
  })

  test('obeys no_proxy', async () => {
    await fetchWith({}, 'https://studio.example:1/x', { https_proxy: address, no_proxy: 'studio.example' })
    expect(asked).toEqual([])
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

  test('says which file of certificate authorities cannot be used', async () => {
    expect(await fetchWith({ extraCa: '/missing.pem' }, 'https://localhost:1/')).toBe('config_invalid')
    expect(await fetchWith({ extraCa: 'package.json' }, 'https://localhost:1/')).toBe('config_invalid')
  })
})
