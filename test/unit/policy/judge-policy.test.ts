import { describe, expect, test } from 'vitest'
import { policyJsonExample } from '../../../src/policy/example.ts'
import { judgePolicy } from '../../../src/policy/judge-policy.ts'
import { nearestName } from '../../../src/policy/nearest-name.ts'
import { policyTextOf } from '../../../src/policy/write-policy.ts'

const rules = { insecureLoopback: false }
const judge = (content: unknown) =>
  judgePolicy('policy.json', typeof content === 'string' ? content : JSON.stringify(content), rules).findings

describe('judging a policy before it is rolled out', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(judge({ locked: { session: { maxAgeHours: 8 } }, defaults: { app: { startAtLogin: true } } })).toEqual([])
    expect(judge('\ufeff{}')).toEqual([])
  })

  test('says everything that is wrong at once, each with its key', () => {
    const found = judge({
      locked: { sites: [{ url: 'ftp://a' }], session: { maxAgeHours: 99 } },
      defaults: { app: { startAtLogin: 'yes' } },
    })
    expect(found.map(({ state, key }) => [state, key])).toEqual([
      ['failed', 'defaults.app.startAtLogin'],
      ['failed', 'locked.sites.0.url'],
      ['failed', 'locked.session.maxAgeHours'],
    ])
  })

  test.each([
    [{ locked: { sesion: {} } }, 'session'],
    [{ locked: { session: { maxAgeHour: 8 } } }, 'maxAgeHours'],
    [{ locked: { session: { maxagehours: 8 } } }, 'maxAgeHours'],
    [{ locked: { maxAgeHours: 8 } }, 'session.maxAgeHours'],
    [{ locked: { 'session.maxAgeHours': 8 } }, 'session.maxAgeHours'],
    [{ locked: { session: { startAtLogin: true } } }, 'app.startAtLogin'],
    [{ locked: { sites: [{ url: 'https://a.example', signin: 'web' }] } }, 'signIn'],
    [{ locked: { tools: { allow: [{ executable: '/a', Owner: 'root' }] } } }, 'owner'],
  ])('asks whether another key was meant: %j', (policy, meant) => {
    expect(judge(policy)).toEqual([expect.objectContaining({ state: 'failed', advice: `Did you mean "${meant}"?` })])
  })

  test('asks nothing where none is near', () => {
    expect(judge({ locked: { colour: 'red' } })).toEqual([
      {
        state: 'failed',
        key: 'locked.colour',
        found: 'is not a key sg-session knows',
        advice: expect.stringMatching(/^Correct its name\. If it is a key of a newer sg-session/),
      },
    ])
  })

  test.each([
    ['{', /is not JSON/, undefined],
    ['[]', /"locked" and "defaults"/, undefined],
    ['{"lockd":{}}', /"locked" and "defaults"/, undefined],
    ['{"session":{"maxAgeHours":8}}', /"locked" and "defaults"/, expect.stringContaining('"locked"')],
  ])('says so where it is no policy: %s', (text, found, advice) => {
    expect(judge(text)).toEqual([
      { state: 'failed', found: expect.stringMatching(found), ...(advice ? { advice } : {}) },
    ])
  })

  test.each([
    [{ sites: [{ url: 'https://a.example', broker: 'https://b.example' }] }, /"identity\.clientId": is needed/],
    [{ sites: [{ url: 'https://a.example', signIn: 'broker' }] }, /broker": is needed/],
    [{ sites: [{ url: 'https://a.example' }, { url: 'https://A.example/' }] }, /is listed twice/],
  ])('says what keys demand of each other: %j', (locked, found) => {
    expect(judge({ locked })).toEqual([{ state: 'failed', found: expect.stringMatching(found) }])
    const complete = { locked, defaults: { identity: { clientId: 'app' } } }
    if (found.source.includes('clientId')) expect(judge(complete)).toEqual([])
  })

  test('warns of what nobody can have meant', () => {
    const warned = (policy: unknown) => judge(policy).map(({ state, key }) => `${state} ${key}`)
    expect(warned({ locked: { app: { language: 'fr' } }, defaults: { app: { language: 'en' } } })).toEqual([
      'warning defaults.app.language',
    ])
    expect(warned({ locked: { tools: { consent: 'allow-list' } } })).toEqual(['warning tools.consent'])
    expect(warned({ locked: { tools: { consent: 'allow-list', allow: [{ executable: '/a' }] } } })).toEqual([])
    expect(warned(policyJsonExample())).toEqual(['warning identity.clientId'])
  })

  test('quotes no value: a proxy may be given with its password', () => {
    const texts = [
      '{"locked":{"network":{"proxy":"hunter2"}}}',
      '{"locked":{"network":{"proxy":"socks://a:hunter2@b"}}}',
      '{"x": hunter2}',
    ]
    for (const text of texts) expect(JSON.stringify(judge(text))).not.toContain('hunter2')
  })
})

describe('a policy of what an installer is told', () => {
  const all = {
    site: 'https://a.example',
    name: 'A',
    broker: 'https://b.example',
    clientId: 'app',
    consent: 'prompt',
    startAtLogin: true,
  } as const
  test('holds just that, locked or as defaults, and nothing is wrong with it', () => {
    const document = {
      sites: [{ url: 'https://a.example', name: 'A', broker: 'https://b.example' }],
      identity: { clientId: 'app' },
      tools: { consent: 'prompt' },
      app: { startAtLogin: true },
    }
    expect(JSON.parse(policyTextOf(all, 'locked'))).toEqual({ locked: document })
    expect(JSON.parse(policyTextOf({ startAtLogin: false }, 'defaults'))).toEqual({
      defaults: { app: { startAtLogin: false } },
    })
    expect(judge(policyTextOf(all, 'locked'))).toEqual([])
  })

  test.each([
    [{}, /no value is given/],
    [{ broker: 'https://b.example' }, /"broker" is of a site/],
    [{ name: 'A' }, /"name" is of a site/],
  ])('is refused where it makes none: %j', (values, message) => {
    expect(() => policyTextOf(values, 'locked')).toThrow(message)
  })
})

test.each([
  ['signin', 'signIn'],
  ['brokr', 'broker'],
  ['ur', undefined],
  ['something', undefined],
])('the name nearest to "%s" is %s', (name, nearest) => {
  expect(nearestName(name, ['url', 'name', 'signIn', 'broker'])).toBe(nearest)
})
