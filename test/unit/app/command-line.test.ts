import { describe, expect, test } from 'vitest'
import { judgeArguments, judgeSecondLaunch } from '../../../app/command-line.ts'

const plainStart = {
  wants: 'tray',
  wantsOfRunning: 'status',
  atLogin: false,
  takeOver: false,
  logLevel: 'info',
  allowInsecureLoopback: false,
}

describe('how the program was started', () => {
  test.for([
    [[], {}],
    [['--status'], { wants: 'status' }],
    [['--sign-in'], { wants: 'sign-in', wantsOfRunning: 'sign-in' }],
    [['--status', '--sign-in'], { wants: 'sign-in', wantsOfRunning: 'sign-in' }],
    [['--autostart'], { wantsOfRunning: 'tray', atLogin: true }],
    [['--autostart', '--status'], { wants: 'status', atLogin: true }],
    [['--autostart=1'], {}],
    [['--log-level=debug'], { logLevel: 'debug' }],
    [['--log-level=debug', '--log-level=silent'], { logLevel: 'silent' }],
    [['--log-level=debug', '--log-level=all'], {}],
    [['--log-level=__proto__'], {}],
    [['--log-level', 'debug'], {}],
    [['--log-level='], {}],
    [['--allow-insecure-loopback'], { allowInsecureLoopback: true }],
    [['--take-over', '--sign-in'], { takeOver: true, wants: 'tray', wantsOfRunning: 'tray' }],
  ] as const)('%j', ([own, change]) => {
    expect(judgeArguments(['/opt/sg-session/sg-session', ...own])).toEqual({ ...plainStart, ...change })
  })

  test.for([
    '--STATUS',
    '--sign-in=https://evil.example',
    '-sign-in',
    '--allow-insecure-loopback=true',
    '--allow-insecure-loopback ',
    '--no-sandbox',
    '--remote-debugging-port=9222',
    'sg-session://sign-in',
    'https://evil.example/--sign-in',
    '',
  ])('“%s” is none of our switches and is passed over', (argument) => {
    expect(judgeArguments(['/opt/sg-session/sg-session', argument])).toEqual(plainStart)
  })
})

describe('what a second launch asks for', () => {
  test.for(['sign-in', 'status', 'tray'] as const)('“%s” is one of the three words', (wants) => {
    expect(judgeSecondLaunch({ wants })).toBe(wants)
  })

  test('beside its word nothing is looked at', () => {
    expect(judgeSecondLaunch({ wants: 'sign-in', site: 'https://evil.example', logLevel: 'debug' })).toBe('sign-in')
  })

  const hostile: readonly unknown[] = [
    undefined,
    null,
    true,
    0,
    Number.NaN,
    12n,
    '',
    'sign-in',
    Symbol('sign-in'),
    () => 'sign-in',
    [],
    ['sign-in'],
    [{ wants: 'sign-in' }],
    {},
    { wants: undefined },
    { wants: null },
    { wants: true },
    { wants: 1 },
    { wants: '' },
    { wants: 'SIGN-IN' },
    { wants: 'sign-in ' },
    { wants: ' sign-in' },
    { wants: 'sign-in\u0000' },
    { wants: 'sign-in\n' },
    { wants: 'sign\u2010in' },
    { wants: 'sign-out' },
    { wants: 'quit' },
    { wants: '--sign-in' },
    { wants: ['sign-in'] },
    { wants: { wants: 'sign-in' } },
    { wants: { toString: () => 'sign-in' } },
    { wants: new String('sign-in') },
    { wants: 'constructor' },
    { wants: '__proto__' },
    { Wants: 'sign-in' },
    { want: 'sign-in' },
    JSON.parse('{"__proto__": {"wants": "sign-in"}}'),
    { constructor: { wants: 'sign-in' } },
    new Map([['wants', 'sign-in']]),
    new Date(),
    new Error('wants sign-in'),
    Buffer.from('{"wants":"sign-in"}'),
    '{"wants":"sign-in"}',
    { wants: 'x'.repeat(1_000_000) },
  ]
  test.for(hostile.map((value, index) => [index, value] as const))(
    'hostile data no. %i opens the status window, no more',
    ([, value]) => expect(judgeSecondLaunch(value)).toBe('status'),
  )

  test('of hostile data there is enough', () => expect(hostile.length).toBeGreaterThan(30))
})
