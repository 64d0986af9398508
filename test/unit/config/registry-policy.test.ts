import { describe, expect, test } from 'vitest'
import { mergeConfig } from '../../../src/config/config.ts'
import { readPolicy } from '../../../src/config/config-files.ts'
import { configWords } from '../../../src/config/config-words.ts'
import { hasPolicyKey, judgeRegistryPolicy, type RunProgram } from '../../../src/config/registry-policy.ts'
import { AgentError } from '../../../src/errors.ts'
import { kindOf, policyKeys } from '../../../src/policy/policy-keys.ts'

const key = 'HKLM\\SOFTWARE\\Policies\\sg-session'
const long = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\sg-session'
const rules = { insecureLoopback: false }

/** As `reg query KEY /s /reg:64` prints it: a line ends with CR LF, four spaces stand before and between. */
function shown(locked: readonly string[], recommended: readonly string[] = []): string {
  const part = (name: string, values: readonly string[]): string[] =>
    values.length > 0 ? ['', name, ...values.map((value) => `    ${value}`)] : []
  return [...part(long, locked), ...part(`${long}\\Recommended`, recommended), '', ''].join('\r\n')
}

const refused = (text: string, message: RegExp): void =>
  expect(() => judgeRegistryPolicy(text)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
  )

describe('the policy in the registry', () => {
  test('is read: locked values of the key, defaults of Recommended, each with its place', () => {
    const text = shown(
      [
        'sites    REG_SZ    [{"url":"https://studio.example","broker":"https://broker.example"}]',
        'identity.clientId    REG_SZ    studio-app',
        'identity.scopes    REG_MULTI_SZ    ["openid",\\0"user-profile:read"]',
        'session.maxAgeHours    REG_SZ    7.5',
        'tools.consent    REG_SZ    allow-list',
        'audit.systemLog    REG_DWORD    0x1',
      ],
      [
        'session.remindBeforeMinutes    REG_DWORD    0x3c',
        'app.startAtLogin    REG_DWORD    0x0',
        'app.language    REG_SZ    fr',
      ],
    )
    const { config, sources } = mergeConfig(judgeRegistryPolicy(text), rules)
    expect(config).toMatchObject({
      sites: [{ url: 'https://studio.example', broker: 'https://broker.example' }],
      identity: { clientId: 'studio-app', scopes: ['openid', 'user-profile:read'] },
      session: { maxAgeHours: 7.5, remindBeforeMinutes: 60 },
      tools: { consent: 'allow-list' },
      audit: { systemLog: true },
      app: { startAtLogin: false, language: 'fr' },
    })
    expect(sources.get('session.maxAgeHours')).toEqual({ source: 'locked', file: key })
    expect(sources.get('app.language')).toEqual({ source: 'default', file: `${key}\\Recommended` })
  })

  test.each([
    ['with tabs, as older systems print it', `\r\n${long}\r\n\tapp.startAtLogin\tREG_DWORD\t0x1\r\n`],
    ['with the key in other letters', `${long.toUpperCase()}\n    app.startAtLogin    REG_DWORD    0x1\n`],
    [
      'with a default value, in any language',
      shown(['(par défaut)    REG_SZ    ', 'app.startAtLogin    REG_DWORD    0x1']),
    ],
    [
      'with one that is not set',
      shown(['(Standard)    REG_SZ    (Wert nicht gesetzt)', 'app.startAtLogin    REG_DWORD    0x1']),
    ],
    ['with an old name of it', shown(['<NO NAME>    REG_SZ', 'app.startAtLogin    REG_DWORD    0x1'])],
    ['as text', shown(['app.startAtLogin    REG_SZ    True'])],
  ])('is read %s', (_, text) => {
    expect(judgeRegistryPolicy(text)).toEqual([
      { source: 'locked', file: key, content: { app: { startAtLogin: true } } },
    ])
  })

  test('is none where nothing stands in it', () => {
    for (const text of ['', '\r\n', `\r\n${long}\r\n\r\n`, `${long}\r\n\r\n${long}\\Recommended\r\n`])
      expect(judgeRegistryPolicy(text)).toEqual([])
  })

  test('keeps a backslash before a nought in JSON of several lines', () => {
    const paths = '[\\0  { "executable": "C:\\\\\\\\Tools\\\\\\\\0day.exe" }\\0]'
    const text = shown([`tools.deny    REG_MULTI_SZ    ${paths.replaceAll('\\\\\\\\', '\\\\')}`])
    expect(judgeRegistryPolicy(text)[0]?.content).toEqual({ tools: { deny: [{ executable: 'C:\\Tools\\0day.exe' }] } })
  })

  test.each([
    ['app.startAtLogon    REG_DWORD    0x1', /sg-session: "app\.startAtLogon" is not a key sg-session knows/],
    ['App.StartAtLogin    REG_DWORD    0x1', /"App\.StartAtLogin" is not a key/],
    ['__proto__.x    REG_SZ    1', /"__proto__\.x" is not a key/],
    ['app.startAtLogin    REG_DWORD    0x2', /"app\.startAtLogin": must be 0 or 1/],
    ['app.startAtLogin    REG_SZ    yes', /"app\.startAtLogin": must be REG_DWORD 0 or 1/],
    ['app.language    REG_DWORD    0x1', /"app\.language": must be REG_SZ/],
    ['audit.retentionDays    REG_SZ    2,5', /"audit\.retentionDays": must be a number/],
    ['audit.retentionDays    REG_DWORD    many', /"audit\.retentionDays": is no number/],
    ['network.extraCa    REG_EXPAND_SZ    %ProgramFiles%\\ca.pem', /"network\.extraCa": must not be REG_EXPAND_SZ/],
    ['sites    REG_BINARY    00', /"sites": must not be REG_BINARY/],
    ['sites    REG_SZ    https://studio.example', /"sites": must be JSON/],
    ['sites    REG_SZ    [{"name":"\ufffdlectrique"}]', /"sites": has letters that reg\.exe cannot hand over/],
  ])('names the value that is wrong: %s', (line, message) => refused(shown([line]), message))

  test('names the values of Recommended with their key', () => {
    refused(
      shown([], ['sites    REG_SZ    x']),
      /^HKLM\\SOFTWARE\\Policies\\sg-session\\Recommended: "sites": must be JSON$/,
    )
  })

  test.each([
    [`${long}\r\n    something else\r\n`, /cannot be understood: see line 2/],
    ['    app.startAtLogin    REG_DWORD    0x1\r\n', /cannot be understood: see line 1/],
    [`${long}\\Recommended\\Deeper\r\n`, /has a key below it that is none/],
    [`${long}-other\r\n    a    REG_SZ    b\r\n`, /has a key below it that is none/],
  ])('is refused where it is not understood, without quoting a value', (text, message) => refused(text, message))

  test('quotes no value: a password may stand there', () => {
    for (const line of [
      'network.proxy    REG_BINARY    hunter2',
      'sites    REG_SZ    hunter2',
      'hunter2',
      'app.startAtLogin    REG_SZ    hunter2',
    ]) {
      expect(() => judgeRegistryPolicy(shown([line]))).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      )
    }
  })

  test('a value that the schema refuses is named with the registry’s key', () => {
    const documents = judgeRegistryPolicy(shown(['session.maxAgeHours    REG_DWORD    0x63']))
    expect(() => mergeConfig(documents, rules)).toThrow(
      /^HKLM\\SOFTWARE\\Policies\\sg-session: "session\.maxAgeHours":/,
    )
  })

  test('what kind of value a key has is the same for the schema and for who reads the registry', () => {
    const kinds = {
      boolean: 'boolean',
      integer: 'number',
      number: 'number',
      choice: 'string',
      text: 'string',
      json: 'object',
    }
    for (const { key: name, schema } of policyKeys())
      expect(typeof configWords[name].example, name).toBe(kinds[kindOf(schema)])
  })
})

describe('asking reg.exe', () => {
  const nowhere = { policyFile: '/nowhere/policy.json', nativePolicy: { kind: 'registry' } as const }
  const parent = '\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\r\n'
  const asked: string[][] = []
  const answering =
    (...answers: { status?: number; stdout?: string; isWhole?: boolean }[]): RunProgram =>
    async (command, args, { env, limitMs }) => {
      asked.push([command, ...args])
      expect(Object.keys(env)).toEqual(['SystemRoot'])
      expect(limitMs).toBeLessThanOrEqual(5_000)
      const { status, stdout = '', isWhole = true } = answers.shift() ?? {}
      return { status, stdout, isWhole, isLate: false }
    }

  test('takes the program and the key from nobody, in the 64-bit view', async () => {
    asked.length = 0
    await readPolicy(nowhere, answering({ status: 0, stdout: shown(['app.language    REG_SZ    fr']) }))
    expect(asked).toEqual([['C:\\Windows\\System32\\reg.exe', 'query', key, '/s', '/reg:64']])
  })

  test('finds no policy where the key above lists none', async () => {
    expect(await readPolicy(nowhere, answering({ status: 1 }, { status: 0, stdout: parent }))).toEqual([])
  })

  test.each([
    ['it cannot be read though it is there', [{ status: 1 }, { status: 0, stdout: `${parent}${long}\r\n` }]],
    ['the key above cannot be read either', [{ status: 1 }, { status: 1 }]],
    ['reg.exe is not there or takes too long', [{}]],
    ['it is longer than can be', [{ status: 0, stdout: long, isWhole: false }]],
  ])('is an error, not no policy, where %s', async (_, answers) => {
    const error = await readPolicy(nowhere, answering(...answers)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AgentError)
    expect(error).toMatchObject({ code: 'config_invalid', message: `${key}: cannot be read` })
  })

  test('knows its own key among those of others', () => {
    expect(hasPolicyKey(`${parent}${long}-other\r\n`)).toBe(false)
    expect(hasPolicyKey(`${parent}${long.toLowerCase()}\r\n`)).toBe(true)
  })
})
