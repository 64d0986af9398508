import { expect, test } from 'vitest'
import { drawFindings, drawValues, summary, wrap } from '../../../src/doctor/draw-report.ts'
import { type Finding, presentable, presentableText } from '../../../src/doctor/finding.ts'

const findings: Finding[] = [
  { check: 'agent', state: 'ok', found: 'version 1.2.3' },
  {
    check: 'certificate-authorities',
    state: 'warning',
    found: 'one two three four five six',
    advice: 'Do this, and then that.',
  },
  { check: 'site', about: 'https://studio.example', state: 'failed', found: 'is down', advice: 'Ask.' },
]

test('a report has aligned columns, wraps between words, and what to do under what was found', () => {
  expect(drawFindings(findings, { width: 54, colours: false }).split('\n')).toEqual([
    'ok       agent                    version 1.2.3',
    'warning  certificate-authorities  one two three four five six',
    '                                  → Do this, and then that.',
    'failed   site                     https://studio.example: is',
    '                                  down',
    '                                  → Ask.',
    '',
    '1 ok, 1 warning, 1 failed, 0 skipped',
  ])
})

test('colours are round the state alone, and every line is as long with them', () => {
  const [plain, coloured] = [false, true].map((colours) => drawFindings(findings, { width: 80, colours }))
  expect(coloured?.split('\n')[0]).toBe('\x1b[32mok     \x1b[0m  agent                    version 1.2.3')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
  expect(coloured?.replaceAll(/\x1b\[[\d;]*m/g, '')).toBe(plain)
})

test('a word that is longer than the line stays whole, for it may be an address to copy', () => {
  expect(wrap('see https://studio.example/a/long/path for more', 12)).toEqual([
    'see',
    'https://studio.example/a/long/path',
    'for more',
  ])
  expect(wrap('', 12)).toEqual([''])
})

test('a summary counts every state', () => {
  expect(summary([])).toBe('0 ok, 0 warnings, 0 failed, 0 skipped')
  expect(drawFindings([], { width: 80, colours: false })).toBe('\n0 ok, 0 warnings, 0 failed, 0 skipped')
})

test('values stand beside who said so and how artists may change them, and each place is named once', () => {
  const registry = 'HKLM\\SOFTWARE\\Policies\\sg-session'
  const values = [
    { key: 'session.maxAgeHours', value: '8', source: 'locked', artist: 'locked', file: '/etc/policy.json' },
    { key: 'app.startAtLogin', value: 'true', source: 'locked', artist: 'locked', file: registry },
    { key: 'audit.systemLog', value: 'true', source: 'locked', artist: 'locked', file: registry },
    { key: 'app.language', value: 'auto', source: 'built-in', artist: 'window' },
  ] as const
  expect(drawValues(values, { width: 80, colours: false }).split('\n')).toEqual([
    'key                  from      artists  value',
    'session.maxAgeHours  locked    locked   8',
    'app.startAtLogin     locked    locked   true',
    'audit.systemLog      locked    locked   true',
    'app.language         built-in  window   auto',
    '',
    'locked: /etc/policy.json',
    `locked: ${registry}`,
  ])
})

test.each([
  ['http://artist:pass@proxy:3128', 'http://proxy:3128'],
  ['through http://a:p@ss@proxy/x and https://b@y', 'through http://proxy/x and https://y'],
  ['"https://studio.example" e-mail artist@studio.example', '"https://studio.example" e-mail artist@studio.example'],
  ['socks5://:secret@proxy', 'socks5://proxy'],
])('no text keeps the user name and password of an address: %s', (text, shown) => {
  expect(presentableText(text)).toBe(shown)
})

test('no text moves the cursor, has a line of its own, or goes on for ever', () => {
  expect(presentableText('a\x1b[2Jb\r\nc\u202ed')).toBe('a [2Jb c d')
  expect(presentableText('x'.repeat(5_000))).toHaveLength(1_001)
  const finding = { check: 'python', about: 'https://a:b@c', state: 'failed', found: 'x\ny', advice: 'z\x07' } as const
  expect(presentable(finding)).toEqual({
    check: 'python',
    about: 'https://c',
    state: 'failed',
    found: 'x y',
    advice: 'z ',
  })
})
