import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgePolicyText } from '../../../src/config/config-files.ts'
import { documentSchema } from '../../../src/config/config-schema.ts'
import { type ConfigKey, policyOnlyKeys } from '../../../src/config/config-words.ts'
import { policyJsonSchema, settingsJsonSchema } from '../../../src/policy/json-schema.ts'
import { policyKeys } from '../../../src/policy/policy-keys.ts'

const rules = { insecureLoopback: false }
const ajv = new Ajv({ allErrors: true })
const isPolicy = ajv.compile(policyJsonSchema())
const isSettings = ajv.compile(settingsJsonSchema())
const document = documentSchema(rules)
const keys = policyKeys()

const nested = (key: string, value: unknown): object =>
  key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object

/** Whether JSON Schema and sg-session take a value of a key, in a policy. */
const taken = (key: string, value: unknown): { schema: boolean; zod: boolean } => ({
  schema: isPolicy({ locked: nested(key, value) }),
  zod: document.safeParse(nested(key, value)).success,
})

const url = 'https://studio.example'
const rule = { executable: '/usr/bin/maya' }

/** Values that neither takes. */
const bad: Readonly<Record<ConfigKey, readonly unknown[]>> = {
  sites: [
    {},
    'https://studio.example',
    [{}],
    [{ url: 'studio.example' }],
    [{ url: 'http://studio.example' }],
    [{ url: `${url}/projects` }],
    [{ url: 'https://me@studio.example' }],
    [{ url: ' https://studio.example' }],
    [{ url: 'https:\\\\studio.example' }],
    [{ url, name: '' }],
    [{ url, name: 'x'.repeat(81) }],
    [{ url, signIn: 'sso' }],
    [{ url, broker: 'broker.example' }],
    [{ url, signin: 'web' }],
  ],
  'identity.issuer': [1, '', 'developer.api.autodesk.com', 'ftp://a.example', `${url}?x`],
  'identity.clientId': [1, '', 'x'.repeat(201)],
  'identity.redirectPorts': [
    [],
    [10_080],
    14285,
    ['14285'],
    [80],
    [65_536],
    [2000.5],
    [1024, 1, 2],
    Array(9).fill(2000),
  ],
  'identity.scopes': [[], 'openid', ['two words'], ['"'], ['back\\slash'], ['']],
  'identity.serveAccessToken': [1, 'true', null],
  'session.maxAgeHours': [0, -1, 24.5, '8', null],
  'session.remindBeforeMinutes': [-1, 1441, '30'],
  'session.endOnScreenLock': [0, 'yes'],
  'session.endOnSuspendHours': [0, 25, '2'],
  'session.rememberSignIn': [1, 'on'],
  'tools.consent': ['ask', '', true],
  'tools.allow': [
    rule,
    [{}],
    [{ client: 'maya' }],
    [{ executable: 'maya' }],
    [{ ...rule, owner: 'artist' }],
    [{ sha256: 'abc' }],
    [{ ...rule, sites: [] }],
    [{ ...rule, sites: ['studio'] }],
    [{ ...rule, scope: 'all' }],
    [{ ...rule, path: '/usr' }],
    Array(501).fill(rule),
  ],
  'tools.deny': [rule, [{ executable: 'x'.repeat(1001) }], [{ client: '' }], [{ script: 'a.py' }], [{ parent: 1 }]],
  'audit.file': ['audit.jsonl', '', './audit.jsonl', 1],
  'audit.retentionDays': [0, 3651, 1.5, '90'],
  'audit.systemLog': [1, 'true'],
  'app.startAtLogin': [1, 'true'],
  'app.language': ['', 'français', 'AUTO', 'en_GB', 'e', 1],
  'network.proxy': ['proxy:3128', 'socks5://proxy:1080', 'http://', '', 'http://a b', 3128],
  'network.extraCa': ['', 1],
  'update.enabled': ['yes', 1],
  'update.feedUrl': [
    '',
    'updates.example',
    'http://updates.example/',
    `${url}/?x`,
    `${url}/#x`,
    'https://me@a.example/',
    1,
  ],
  'update.publicKey': ['', 'abc', 'A'.repeat(44), `${'A'.repeat(42)}B=`, 1],
  'update.channel': ['alpha', '', true],
}

/** What a pattern cannot say; there sg-session may refuse what an editor has let through, and never the other way round. */
const wider: ReadonlySet<string> = new Set([
  'sites',
  'identity.issuer',
  'tools.allow',
  'tools.deny',
  'audit.file',
  'app.language',
  'network.proxy',
  'update.feedUrl',
])

describe('JSON Schema and sg-session take the same policies', () => {
  test.each(keys.map(({ key }) => key))('%s: its example and what is built in are taken', (key) => {
    const { example, standard, schema } = keys.find((one) => one.key === key) ?? {}
    expect(taken(key, example)).toEqual({ schema: true, zod: true })
    if (standard !== undefined) expect(taken(key, standard)).toEqual({ schema: true, zod: true })
    expect(schema?.default).toEqual(standard)
    expect(schema?.examples).toEqual([example])
  })

  test.each(Object.entries(bad).flatMap(([key, values]) => values.map((value) => [key, value] as const)))(
    '%s: neither takes %j',
    (key, value) => expect(taken(key, value)).toEqual({ schema: false, zod: false }),
  )

  test('every key has bad values above', () => {
    expect(Object.keys(bad).toSorted()).toEqual(keys.map(({ key }) => key).toSorted())
  })

  test.each(keys.map(({ key }) => key))('%s: whatever sg-session takes, the schema does', (key) => {
    const facts = keys.find((one) => one.key === key)
    const numbers = [facts?.schema.minimum, facts?.schema.maximum, facts?.schema.exclusiveMinimum]
    const edges = numbers.flatMap((edge) => (edge === undefined ? [] : [edge, edge - 1, edge + 1, edge + 0.5]))
    const words = [
      '/a',
      '~/a',
      'C:\\a',
      '\\\\a\\b',
      'fr',
      'pt-BR',
      'de-1996',
      'en-u-ca-gregory',
      url,
      `${url}:8443/`,
      'https://[::1]:1',
      'http://p:1',
      'HTTP://P',
      'https://ü.example',
      'openid',
    ]
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(
        facts?.example,
        facts?.standard ?? null,
        ...edges,
        ...words,
        ...(facts?.schema.enum ?? []),
      ),
      fc.array(fc.constantFrom<unknown>(...words, ...edges, 2000, 1024, 65_535), { maxLength: 9 }),
      fc.array(
        fc.record(
          { url: fc.constantFrom<unknown>(...words, 1), name: fc.string({ unit: 'grapheme-ascii' }) },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
      fc.array(
        fc.record(
          {
            executable: fc.constantFrom(...words),
            owner: fc.constantFrom('root', 'me'),
            client: fc.constantFrom('', 'maya'),
            sites: fc.array(fc.constantFrom(...words), { maxLength: 2 }),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
    )
    fc.assert(
      fc.property(value, (candidate) => {
        const { schema, zod } = taken(key, candidate)
        if (zod) expect(schema).toBe(true)
        if (schema && !wider.has(key)) expect(zod).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the form of the files', () => {
  const takenAsPolicy = (content: unknown): boolean => {
    try {
      return judgePolicyText('p', JSON.stringify(content)).every(({ content: one }) => document.safeParse(one).success)
    } catch {
      return false
    }
  }

  test.each([
    [{}, true],
    [{ locked: {} }, true],
    [{ defaults: { session: {} } }, true],
    [{ $schema: './policy.schema.json', locked: { session: { maxAgeHours: 8 } } }, true],
    [{ $schema: 1 }, false],
    [{ session: { maxAgeHours: 8 } }, false],
    [{ locked: [] }, false],
    [{ locked: null }, false],
    [{ locked: { $schema: 'x' } }, false],
    [{ locked: { session: 8 } }, false],
    [{ locked: { sesion: {} } }, false],
    [[], false],
  ])('of a policy: %j is one: %s', (content, isOne) => {
    expect([isPolicy(content), takenAsPolicy(content)]).toEqual([isOne, isOne])
  })

  test('of settings: the same keys, but those that only a policy may set', () => {
    for (const { key, example } of keys) expect(isSettings(nested(key, example)), key).toBe(!policyOnlyKeys.has(key))
    expect(isSettings({ $schema: 'x', session: { maxAgeHours: 8 } })).toBe(true)
    expect(isSettings({ locked: {} })).toBe(false)
  })

  test('editors and Jamf find words at every key', () => {
    const wordless: string[] = []
    const look = (path: string, schema: Record<string, unknown>): void => {
      if (path !== '' && !schema['title']) wordless.push(path)
      for (const [name, inner] of Object.entries((schema['properties'] ?? {}) as Record<string, never>))
        look(`${path}/${name}`, inner)
      const items = schema['items'] as Record<string, unknown> | undefined
      if (items?.['properties']) look(`${path}[]`, { title: 'an item', ...items })
    }
    look('', policyJsonSchema() as Record<string, unknown>)
    expect(wordless).toEqual([])
    // Editors that know no newer dialect read this one, and no reference needs to be followed.
    expect(JSON.stringify(policyJsonSchema())).not.toMatch(/"\$ref"|"\$defs"/)
  })
})
