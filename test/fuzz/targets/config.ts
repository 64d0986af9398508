import assert from 'node:assert/strict'
import { findSite, knownSite, mergeConfig } from '../../../src/config/config.ts'
import { jsonOf, judged, linesOf, textOf } from '../input.ts'

const rules = { insecureLoopback: false }
const settings = {
  sites: [{ url: 'https://Studio.example/', name: 'Studio', signIn: 'broker', broker: 'https://broker.example' }],
  identity: { clientId: 'app', redirectPorts: [14285], scopes: ['openid'] },
  session: { maxAgeHours: 8, endOnSuspendHours: 2 },
  app: { language: 'pt-br' },
  network: { proxy: 'http://proxy.example:3128', extraCa: '/etc/ca.pem' },
  tools: {
    consent: 'allow-list',
    allow: [{ executable: '/usr/bin/*', sites: ['https://studio.example'], scope: 'rest' }],
  },
  audit: { retentionDays: 30, systemLog: true },
}

const update = { enabled: true, feedUrl: 'https://Updates.example/a', publicKey: `${'A'.repeat(43)}=`, channel: 'beta' }

export const seeds = [
  `{}\n${JSON.stringify({ update })}\nstudio.example`,
  `${JSON.stringify({ update: { channel: 'beta' } })}\n{}\nstudio.example`,
  `${JSON.stringify(settings)}\n{}\nstudio.example`,
  `{}\n${JSON.stringify(settings)}\nhttps://studio.example`,
  '{"session":{"maxAgeHours":24}}\n{"sites":[{"url":"http://127.0.0.1:1","signIn":"web"}]}\n',
]

/** Settings, locked policy, and the name of a site; a line each. */
export function fuzz(data: Uint8Array): void {
  const [own = '', policy = '', wanted = ''] = linesOf(textOf(data), 3)
  const documents = [
    { source: 'settings', file: 'settings.json', content: jsonOf(own) ?? {} },
    { source: 'locked', file: 'policy.json', content: jsonOf(policy) ?? {} },
  ] as const
  const merged = judged(() => mergeConfig(documents, rules), 'config_invalid')
  if (!merged) return
  const { config, sources } = merged
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.sites))
  assert.deepEqual(
    mergeConfig([{ ...documents[1], content: config }], rules).config,
    config,
    'its own form is the same again',
  )
  for (const { url } of config.sites) {
    assert.match(url, /^https:\/\/[^/?#@]+$/)
    assert.equal(findSite(config, url).url, url)
  }
  for (const [key, { source }] of sources) {
    if (key.startsWith('update.')) assert.notEqual(source, 'settings', key)
    const [section = '', name = ''] = key.split('.')
    const ruled = documents[1].content as Record<string, Record<string, unknown> | undefined>
    if (ruled[section]?.[name] !== undefined && !Array.isArray(ruled[section])) assert.equal(source, 'locked', key)
  }
  const found = judged(() => findSite(config, wanted), 'site_unknown')
  assert.equal(knownSite(config, wanted), found?.url)
}
