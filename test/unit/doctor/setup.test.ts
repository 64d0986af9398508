import { expect, test } from 'vitest'
import type { ConfigDocument } from '../../../src/config/config.ts'
import { effectiveValues } from '../../../src/doctor/effective-values.ts'
import { usablePart } from '../../../src/doctor/setup.ts'

const rules = { insecureLoopback: false }
const locked = (content: unknown): ConfigDocument => ({ source: 'locked', file: 'policy.json', content })
const settings = (content: unknown): ConfigDocument => ({ source: 'settings', file: 'settings.json', content })

test('a configuration without fault is taken as it is', () => {
  const { effective, problems } = usablePart([locked({ session: { maxAgeHours: 8 } })], rules)
  expect([effective.config.session.maxAgeHours, problems]).toEqual([8, []])
})

test('of a configuration with faults each value counts that is right, and each fault is named with its file', () => {
  const { effective, problems } = usablePart(
    [
      settings({
        sites: [
          { url: 'ftp://a' },
          { url: 'https://good.example' },
          { url: 'https://x.example', broker: 'https://b.example' },
        ],
        session: { maxAgeHours: 99, remindBeforeMinutes: 5 },
        nonsense: 1,
        identity: 'x',
      }),
      locked({ identity: { redirectPorts: [20_000] }, app: { language: '??' } }),
    ],
    rules,
  )
  const { config } = effective
  // A site with a broker wants an Autodesk app, and none is configured.
  expect(config.sites.map(({ url }) => url)).toEqual(['https://good.example'])
  expect(config.session).toMatchObject({ maxAgeHours: 12, remindBeforeMinutes: 5 })
  expect(config.identity.redirectPorts).toEqual([20_000])
  expect(problems.map(({ file }) => file).toSorted()).toEqual(['policy.json', ...Array(4).fill('settings.json')])
  const said = problems.map(({ message }) => message).join('\n')
  for (const name of ['"session.maxAgeHours"', '"nonsense"', '"app.language"', '"sites.0.url"', 'identity'])
    expect(said).toContain(name)
})

test.each([[[]], ['text'], [null], [7]])('a document that is none costs its own values only: %j', (content) => {
  const { effective, problems } = usablePart([settings(content), locked({ session: { maxAgeHours: 8 } })], rules)
  expect(effective.config.session.maxAgeHours).toBe(8)
  expect(problems).toHaveLength(1)
})

test('each value is told with its source, lists of things one by one', () => {
  const documents = [
    settings({
      sites: [{ url: 'https://a.example', name: 'A' }],
      network: { proxy: 'http://artist:hunter2@proxy:3128' },
    }),
    locked({ session: { maxAgeHours: 8 } }),
  ]
  const values = effectiveValues(usablePart(documents, rules).effective)
  const told = new Map(values.map(({ key, value, source }) => [key, `${value} ${source}`]))
  expect(Object.fromEntries(told)).toMatchObject({
    'sites[0].url': 'https://a.example settings',
    'sites[0].name': 'A settings',
    'sites[0].signIn': 'auto settings',
    'session.maxAgeHours': '8 locked',
    'network.proxy': 'http://proxy:3128 settings',
    'identity.scopes': 'openid, user-profile:read built-in',
  })
  const artists = new Map(values.map(({ key, artist }) => [key, artist]))
  expect(Object.fromEntries(artists)).toMatchObject({
    'session.maxAgeHours': 'locked',
    'session.rememberSignIn': 'window',
    'session.endOnScreenLock': 'file',
    'identity.clientId': 'first-start',
  })
  expect(told.get('identity.clientId')).toBe('not set built-in')
  expect(JSON.stringify(values)).not.toContain('hunter2')
  expect(values.map(({ key }) => key)).toEqual(values.map(({ key }) => key).toSorted())
})
