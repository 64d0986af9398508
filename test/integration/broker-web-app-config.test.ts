import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BrokerConfig, readBrokerConfig } from '../../src/broker/config.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
  await writeFile(join(folder, 'script.key'), 'script-key\n', { mode: 0o600 })
})
afterAll(() => rm(folder, { recursive: true }))

async function read(webApps: unknown): Promise<BrokerConfig> {
  const file = join(folder, 'broker.json')
  const sites = [{ url: 'https://studio.example', scripts: [{ name: 'identity-broker', keyFile: 'script.key' }] }]
  const identity = { clientId: 'tray' }
  const listen = { behindTlsProxy: true, trustedProxies: ['127.0.0.1'] }
  const content = { issuer: 'https://broker.example', listen, identity, database: { file: 'b.sqlite' }, webApps, sites }
  await writeFile(file, JSON.stringify(content))
  return readBrokerConfig(file, { insecureLoopback: false })
}

test('a web app’s origin is kept in the form that browsers send', async () => {
  const { webApps } = await read([{ origin: 'HTTPS://Notes.Studio.Example:443/', clientId: 'notes' }])
  expect(webApps).toEqual([{ origin: 'https://notes.studio.example', clientId: 'notes' }])
})

test.each([
  ['over http', { origin: 'http://notes.studio.example', clientId: 'notes' }, /webApps.0.origin.*https/],
  ['with a path', { origin: 'https://notes.studio.example/app', clientId: 'notes' }, /webApps.0.origin.*origin/],
  ['any', { origin: '*', clientId: 'notes' }, /webApps.0.origin/],
  ['null', { origin: 'null', clientId: 'notes' }, /webApps.0.origin/],
  ['any subdomain', { origin: 'https://*.studio.example', clientId: 'notes' }, /webApps.0.origin/],
  ['with no client id', { origin: 'https://notes.studio.example' }, /webApps.0.clientId/],
  ['with a secret', { origin: 'https://notes.studio.example', clientId: 'notes', secret: 'x' }, /webApps.0.secret/],
  [
    'with the agents’ client id',
    { origin: 'https://notes.studio.example', clientId: 'tray' },
    /Autodesk app of its own/,
  ],
])('refused: a web app %s', async (_name, webApp, why) => {
  await expect(read([webApp])).rejects.toThrow(why)
})
