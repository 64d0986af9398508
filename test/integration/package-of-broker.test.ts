import { spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBrokerConfig } from '../../src/broker/config.ts'
import { makeCertificates } from '../sandbox/certificates.ts'

const scripts = ['after-install', 'before-remove', 'after-remove'].map((name) => join('build', 'broker', `${name}.sh`))

test('shellcheck finds nothing in the scripts of the broker’s deb', (context) => {
  const { status, stdout, error } = spawnSync('shellcheck', ['--shell=sh', ...scripts], { encoding: 'utf8' })
  if (error) return context.skip('shellcheck is not installed')
  expect([status, stdout]).toEqual([0, ''])
})

test('the example that comes with it is a configuration, once the keys it names are there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
  try {
    const file = join(folder, 'broker.json')
    await copyFile(join('build', 'broker', 'broker.json.example'), file)
    const { key, cert } = await makeCertificates()
    const files = { 'script.key': 'not-a-real-key\n', 'tls.key': key, 'tls.pem': cert }
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
    const config = await readBrokerConfig(file, { insecureLoopback: false })
    expect(config.issuer).toBe('https://sg-broker.studio.example')
  } finally {
    await rm(folder, { recursive: true })
  }
})
