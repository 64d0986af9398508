import { describe, expect, test } from 'vitest'
import { type ConfigDocument, findSite, mergeConfig } from '../../../src/config/config.ts'
import { type ConfigKey, configWords, policyOnlyKeys } from '../../../src/config/config-words.ts'
import { AgentError } from '../../../src/errors.ts'

const strict = { insecureLoopback: false }
const site = { url: 'https://studio.shotgrid.autodesk.com' }
const settings = (content: unknown): ConfigDocument => ({ source: 'settings', file: 'settings.json', content })
const defaults = (content: unknown): ConfigDocument => ({ source: 'default', file: 'policy.json', content })
const locked = (content: unknown): ConfigDocument => ({ source: 'locked', file: 'policy.json', content })

function refusal(documents: ConfigDocument[], rules = strict): string {
  try {
    mergeConfig(documents, rules)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'config_invalid') return error.message
    throw error
  }
  return 'accepted'
}

test('a key that this version does not know may be a newer one’s, and the advice says so', () => {
  const unknown = (): unknown => mergeConfig([locked({ session: { colour: 'blue' } })], strict)
  expect(unknown).toThrow(expect.objectContaining({ advice: expect.stringContaining('a key of a newer sg-session') }))
  const wrong = (): unknown => mergeConfig([locked({ session: { maxAgeHours: 'long' } })], strict)
  expect(wrong).toThrow(expect.objectContaining({ advice: 'Mend the value the message names.' }))
})

describe('one configuration from four sources', () => {
  test('without any document it is what is built in', () => {
    const { config, sources } = mergeConfig([], strict)
    expect(config.session.maxAgeHours).toBe(12)
    expect(config.identity.redirectPorts).toEqual([14285, 21842, 27391])
    expect(sources.get('session.maxAgeHours')).toEqual({ source: 'built-in' })
  })

  test('nothing ends a session early, nothing is remembered and nothing starts by itself unless asked for', () => {
    const { session, app } = mergeConfig([], strict).config
    expect(session).toEqual({
      maxAgeHours: 12,
      remindBeforeMinutes: 30,
      endOnScreenLock: false,
      rememberSignIn: false,
    })
    expect(app).toEqual({ startAtLogin: false, language: 'auto' })
  })

  test('what IT locks of the tray app’s own settings is locked like the rest', () => {
    const { config, sources } = mergeConfig(
      [
        settings({ session: { rememberSignIn: true, endOnSuspendHours: 2 }, app: { language: 'FR-ca' } }),
        locked({ session: { rememberSignIn: false, endOnScreenLock: true }, app: { startAtLogin: true } }),
      ],
      strict,
    )
    expect(config.session).toMatchObject({ rememberSignIn: false, endOnScreenLock: true, endOnSuspendHours: 2 })
    expect(config.app).toEqual({ startAtLogin: true, language: 'fr-CA' })
    expect(sources.get('session.rememberSignIn')).toEqual({ source: 'locked', file: 'policy.json' })
    expect(sources.get('app.language')).toEqual({ source: 'settings', file: 'settings.json' })
  })

  test('tools get no Autodesk token unless somebody says so, and what IT locks of that is locked', () => {
    expect(mergeConfig([], strict).config.identity.serveAccessToken).toBe(false)
    const { config, sources } = mergeConfig(
      [settings({ identity: { serveAccessToken: true } }), locked({ identity: { serveAccessToken: false } })],
      strict,
    )
    expect(config.identity.serveAccessToken).toBe(false)
    expect(sources.get('identity.serveAccessToken')).toEqual({ source: 'locked', file: 'policy.json' })
  })

  test('locked beats settings, settings beat defaults, key by key, and each key knows its source', () => {
    const { config, sources } = mergeConfig(
      [
        settings({ session: { maxAgeHours: 24, remindBeforeMinutes: 10 }, identity: { clientId: 'mine' } }),
        locked({ session: { maxAgeHours: 8 } }),
        defaults({ session: { remindBeforeMinutes: 60 }, identity: { clientId: 'studio', scopes: ['openid'] } }),
      ],
      strict,
    )
    expect(config.session).toMatchObject({ maxAgeHours: 8, remindBeforeMinutes: 10 })
    expect(config.identity).toMatchObject({ clientId: 'mine', scopes: ['openid'] })
    expect(sources.get('session.maxAgeHours')).toEqual({ source: 'locked', file: 'policy.json' })
    expect(sources.get('session.remindBeforeMinutes')).toEqual({ source: 'settings', file: 'settings.json' })
    expect(sources.get('identity.scopes')).toEqual({ source: 'default', file: 'policy.json' })
  })

  test('a list is one value: locked sites leave no room for the user’s', () => {
    const { config } = mergeConfig(
      [settings({ sites: [{ url: 'https://evil.example' }] }), locked({ sites: [site] })],
      strict,
    )
    expect(config.sites.map(({ url }) => url)).toEqual([site.url])
  })

  test('it cannot be changed afterwards', () => {
    const { config } = mergeConfig([settings({ sites: [site] })], strict)
    expect(() => Object.assign(config.session, { maxAgeHours: 99 })).toThrow(TypeError)
    expect(() => Object.assign(config.sites[0] ?? {}, { url: 'x' })).toThrow(TypeError)
  })

  test('addresses are canonical', () => {
    const { config } = mergeConfig(
      [settings({ sites: [{ url: 'HTTPS://Studio.ShotGrid.Autodesk.com:443/' }] })],
      strict,
    )
    expect(config.sites[0]?.url).toBe(site.url)
  })
})

describe('a wrong configuration is refused with file and key', () => {
  const cases: [string, unknown, RegExp][] = [
    ['an unknown section', { sesion: {} }, /settings\.json: "sesion" is not a key/],
    ['an unknown key', { session: { maxAge: 3 } }, /"session\.maxAge" is not a key/],
    ['an unknown key of a site', { sites: [{ ...site, signin: 'broker' }] }, /"sites\.0\.signin" is not a key/],
    ['an http site', { sites: [{ url: 'http://studio.example' }] }, /"sites\.0\.url": must be an https URL/],
    ['an http site on loopback', { sites: [{ url: 'http://127.0.0.1:3000' }] }, /must be an https URL/],
    ['a site that is no URL', { sites: [{ url: 'studio' }] }, /must be a whole URL/],
    ['a site with a path', { sites: [{ url: `${site.url}/page/1` }] }, /must be an origin/],
    ['a site with a password', { sites: [{ url: 'https://a:b@studio.example' }] }, /must not hold a user name/],
    [
      'a site listed twice',
      { sites: [site, { url: `${site.url}/` }] },
      /"https:\/\/studio.shotgrid.autodesk.com" is listed twice/,
    ],
    [
      'a broker without a client id',
      { sites: [{ ...site, broker: 'https://broker.example' }] },
      /"identity\.clientId": is needed/,
    ],
    ['a port that only root may open', { identity: { redirectPorts: [80] } }, /"identity\.redirectPorts\.0"/],
    [
      'a port that browsers refuse',
      { identity: { redirectPorts: [6000] } },
      /"identity\.redirectPorts\.0".*browsers refuse/,
    ],
    ['no ports', { identity: { redirectPorts: [] } }, /"identity\.redirectPorts"/],
    ['a scope with a space', { identity: { scopes: ['openid data:read'] } }, /"identity\.scopes\.0"/],
    ['text for a number', { session: { maxAgeHours: '12' } }, /"session\.maxAgeHours"/],
    ['no day at all', { session: { maxAgeHours: 0 } }, /"session\.maxAgeHours"/],
    ['a day longer than a key may renew', { session: { maxAgeHours: 25 } }, /"session\.maxAgeHours"/],
    ['a sleep of no time', { session: { endOnSuspendHours: 0 } }, /"session\.endOnSuspendHours"/],
    ['a sleep longer than a day', { session: { endOnSuspendHours: 25 } }, /"session\.endOnSuspendHours"/],
    ['text for a switch', { session: { rememberSignIn: 'yes' } }, /"session\.rememberSignIn"/],
    ['a number for a switch', { app: { startAtLogin: 1 } }, /"app\.startAtLogin"/],
    ['a language that is none', { app: { language: 'français' } }, /"app\.language": must be "auto"/],
    ['no language', { app: { language: '' } }, /"app\.language"/],
    ['an unknown key of the app', { app: { theme: 'dark' } }, /"app\.theme" is not a key/],
    ['a proxy that is none', { network: { proxy: 'ftp://proxy' } }, /"network\.proxy"/],
    ['a list', [], /settings\.json/],
    ['null', null, /settings\.json/],
  ]
  for (const [name, content, message] of cases) {
    test(name, () => expect(refusal([settings(content)])).toMatch(message))
  }

  test('naming the policy when the policy is wrong', () => {
    expect(refusal([settings({ sites: [site] }), locked({ session: { maxAgeHours: -1 } })])).toMatch(
      /^policy\.json: "session\.maxAgeHours"/,
    )
  })
})

test('the sandbox may use http on this machine, and nowhere else', () => {
  const rules = { insecureLoopback: true }
  for (const url of ['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000', 'http://127.0.0.2:3000']) {
    expect(mergeConfig([settings({ sites: [{ url }] })], rules).config.sites[0]?.url).toBe(url)
  }
  for (const url of [
    'http://studio.example',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'ftp://127.0.0.1',
  ]) {
    expect(refusal([settings({ sites: [{ url }] })], rules)).toMatch(/must be an https URL/)
  }
})

describe('which site a caller means', () => {
  const { config } = mergeConfig([settings({ sites: [site, { url: 'https://other.example' }] })], strict)

  test('the first when they do not say', () => expect(findSite(config, undefined).url).toBe(site.url))

  for (const wanted of [
    'https://other.example',
    'https://other.example/',
    'HTTPS://OTHER.example',
    'other.example',
    'https://other.example:443/page/1',
  ]) {
    test(`the one they name as "${wanted}"`, () => expect(findSite(config, wanted).url).toBe('https://other.example'))
  }

  for (const wanted of ['https://other.example.evil', 'http://other.example', 'other', '', ' ', 'https://']) {
    test(`none that they name as "${wanted}"`, () => {
      expect(() => findSite(config, wanted)).toThrow(expect.objectContaining({ code: 'site_unknown' }))
    })
  }
})

describe('updates', () => {
  const publicKey = Buffer.alloc(32, 7).toString('base64')
  const feedUrl = 'https://updates.studio.example/sg-session'

  test('are off unless the policy says so', () => {
    expect(mergeConfig([], strict).config.update).toEqual({ enabled: false, channel: 'latest' })
  })

  test('have a feed and the key that signs it', () => {
    const { update } = mergeConfig([locked({ update: { enabled: true, feedUrl, publicKey } })], strict).config
    expect(update).toEqual({ enabled: true, feedUrl: `${feedUrl}/`, publicKey, channel: 'latest' })
  })

  test.each([
    ['enabled', true],
    ['feedUrl', feedUrl],
    ['publicKey', publicKey],
    ['channel', 'beta'],
  ])('%s cannot be set by an artist’s settings, not even as the policy says it', (key, value) => {
    const update = { [key]: value }
    expect(refusal([settings({ update })])).toBe(`settings.json: "update.${key}" counts in the machine's policy only`)
    expect(refusal([locked({ update: { enabled: true, feedUrl, publicKey } }), settings({ update })])).toContain(
      `settings.json: "update.${key}"`,
    )
  })

  test.each([
    ['without a feed', { enabled: true, publicKey }, 'needs "update.feedUrl"'],
    ['without a key', { enabled: true, feedUrl }, 'needs "update.publicKey"'],
    ['a feed over http', { feedUrl: 'http://updates.studio.example/' }, 'must be an https URL'],
    ['a feed over http on this machine', { feedUrl: 'http://127.0.0.1:8080/' }, 'must be an https URL'],
    ['a feed from a file', { feedUrl: 'file:///srv/updates/' }, 'must be an https URL'],
    ['a feed with a password', { feedUrl: 'https://it:secret@updates.studio.example/' }, 'user name or password'],
    ['a feed with a query', { feedUrl: 'https://updates.studio.example/?channel=x' }, 'no query'],
    ['a key that is too short', { publicKey: Buffer.alloc(31, 7).toString('base64') }, 'base64 of 32 bytes'],
    ['a key with a bit too many', { publicKey: `${'A'.repeat(42)}B=` }, 'base64 of 32 bytes'],
    ['a key in PEM', { publicKey: '-----BEGIN PUBLIC KEY-----' }, 'base64 of 32 bytes'],
    ['a channel there is not', { channel: 'nightly' }, 'update.channel'],
  ])('are refused %s', (_what, update, message) => {
    expect(refusal([defaults({ update })])).toContain(message)
    expect(refusal([defaults({ update })])).toContain('policy.json: ')
  })

  test('may come over http from this machine in the sandbox', () => {
    const update = { feedUrl: 'http://127.0.0.1:8080/feed/' }
    expect(mergeConfig([defaults({ update })], { insecureLoopback: true }).config.update.feedUrl).toBe(update.feedUrl)
    expect(
      refusal([defaults({ update: { feedUrl: 'http://updates.studio.example/' } })], { insecureLoopback: true }),
    ).toContain('https')
  })
})

describe('what only a policy may set', () => {
  const merge = (source: 'locked' | 'settings' | 'default', content: unknown) =>
    mergeConfig([{ source, file: `${source}.json`, content }], { insecureLoopback: false })

  test.each([...policyOnlyKeys])(
    '%s is refused in an artist’s settings, with file and key, and taken from a policy',
    (key) => {
      const [section = '', name = ''] = key.split('.')
      const content = { [section]: { [name]: name === 'enabled' ? false : configWords[key as ConfigKey].example } }
      expect(() => merge('settings', content)).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          message: `settings.json: "${key}" counts in the machine's policy only`,
        }),
      )
      for (const source of ['locked', 'default'] as const)
        expect(merge(source, content).sources.get(key)?.source).toBe(source)
    },
  )

  test('is all about updates, and nothing else is refused', () => {
    expect([...policyOnlyKeys].map((key) => key.split('.')[0])).toEqual(Array(policyOnlyKeys.size).fill('update'))
    expect(policyOnlyKeys.size).toBeGreaterThan(2)
    expect(merge('settings', { update: {} }).config.update.enabled).toBe(false)
  })
})

test('of the same rank the later document counts, key by key: the system’s own policy beats the file', () => {
  const documents = [
    { source: 'locked', file: 'policy.json', content: { session: { maxAgeHours: 8, remindBeforeMinutes: 5 } } },
    { source: 'locked', file: 'HKLM', content: { session: { maxAgeHours: 10 } } },
    { source: 'default', file: 'HKLM', content: { session: { remindBeforeMinutes: 9 } } },
  ] as const
  const { config, sources } = mergeConfig(documents, { insecureLoopback: false })
  expect(config.session).toMatchObject({ maxAgeHours: 10, remindBeforeMinutes: 5 })
  expect(sources.get('session.maxAgeHours')).toEqual({ source: 'locked', file: 'HKLM' })
})
