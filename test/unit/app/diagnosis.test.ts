import { expect, test } from 'vitest'
import { diagnosis } from '../../../app/diagnosis.ts'
import { configurationLines } from '../../../app/settings.ts'
import { mergeConfig } from '../../../src/config/config.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { at, hostileNames, secondUnit, signedIn, signedOut, site, situation, tool } from './situations.ts'

const facts = {
  version: '1.2.3',
  runtime: 'Electron 45',
  system: 'linux 6.8',
  configuration: ['config sites: built-in'],
}

const findings: Finding[] = [
  { check: 'agent', state: 'ok', found: 'version 1.2.3' },
  { check: 'site', about: 'https://studio.example', state: 'failed', found: 'it is down', advice: 'Ask IT.' },
]

test('says what IT asks first: what runs, what is configured, what state it is in', () => {
  const text = diagnosis(
    facts,
    situation({
      sites: [site({ ...signedIn, problem: 'broker_unreachable' }), site(signedOut, { url: secondUnit })],
      tools: [tool('Maya 2025', { count: 3 })],
      problems: [{ code: 'secret_store_unavailable' }],
      online: false,
    }),
    findings,
  )
  const iso = (ms: number): string => new Date(ms).toISOString()
  expect(text.split('\n')).toEqual([
    'sg-session 1.2.3, Electron 45, linux 6.8',
    `at ${iso(at(10))}, online false, locked false, tray true`,
    'problems secret_store_unavailable',
    'config sites: built-in',
    'site https://studio-example.shotgrid.example',
    '  state signed_in, reason signed_in, problem broker_unreachable',
    '  user artist@studio.example (7), account plain.artist@autodesk.example',
    `  session until ${iso(at(11))}, sign-in until ${iso(at(19, 40))}`,
    '  at the browser false, browser failed false',
    `site ${secondUnit}`,
    '  state signed_out, reason -, problem -',
    '  user - (-), account -',
    '  session until -, sign-in until -',
    '  at the browser false, browser failed false',
    `tool Maya 2025 1, 3 times, last ${iso(at(9, 30))}`,
    '',
    'ok      agent  version 1.2.3',
    'failed  site   https://studio.example: it is down',
    '               → Ask IT.',
    '',
    '1 ok, 0 warnings, 1 failed, 0 skipped',
    '',
  ])
})

test('holds no secret, also where one was put that should not be there', () => {
  const token = 'SECRET-0123456789'
  const holding = {
    sessionToken: new Secret(token),
    session: { sessionToken: token },
    refreshToken: token,
    code: token,
  }
  const effective = mergeConfig(
    [
      {
        source: 'settings',
        file: 'settings.json',
        content: {
          sites: [{ url: 'https://studio.example', broker: 'https://broker.example' }],
          identity: { clientId: token },
          network: { proxy: `http://artist:${token}@proxy.example:3128`, extraCa: `/home/${token}.pem` },
        },
      },
    ],
    { insecureLoopback: false },
  )
  const everything = situation({
    sites: [{ ...site({ ...signedIn, ...(holding as object) }, { waitsForBrowser: true }), ...(holding as object) }],
    tools: [tool('Maya', holding as object)],
    ...(holding as object),
  })
  const given = { ...facts, ...holding, configuration: configurationLines(effective) }
  expect(JSON.stringify([given, everything, effective.config])).toContain(token)
  const text = diagnosis(given, everything, findings)
  expect(text).toContain('config network.proxy: settings')
  expect(text).not.toContain('SECRET')
  expect(text).not.toContain('[secret]')
})

test('needs nothing configured and nobody signed in', () => {
  const text = diagnosis(
    { ...facts, configuration: [] },
    situation({ sites: [], problems: [{ code: 'config_invalid' }] }),
    [],
  )
  expect(text.split('\n')[2]).toBe('problems config_invalid')
  expect(text).not.toMatch(/undefined|NaN|Invalid/)
})

test.for(hostileNames.filter((name) => !/[\n\0]/.test(name)))('a tool called %j has one line', (name) => {
  const lines = diagnosis(facts, situation({ sites: [], tools: [tool(name)] }), []).split('\n')
  expect(lines.indexOf('')).toBe(5)
})
