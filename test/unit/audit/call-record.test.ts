import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AuditEntry } from '../../../src/audit/audit-entry.ts'
import { CallRecord } from '../../../src/audit/call-record.ts'
import type { Call } from '../../../src/socket/calls.ts'
import type { Peer } from '../../../src/socket/peer.ts'

const site = 'https://studio.example'
const maya: Peer = {
  pid: 4711,
  executable: '/usr/autodesk/maya/bin/maya.bin',
  startMark: '100',
  uid: 1000,
  pids: [4711],
  parents: [],
  socketMark: '',
}

let now: number
let record: CallRecord
let told: AuditEntry[]
beforeEach(() => {
  vi.useFakeTimers()
  now = 1_000_000
  record = new CallRecord({ now: () => now }, { debug() {}, info() {}, warn() {}, error() {} })
  told = []
  record.entries.listen((entry) => told.push(entry))
})
afterEach(() => vi.useRealTimers())

function call(change: Partial<Call> = {}): Call {
  return {
    identified: { kind: 'known', peer: maya },
    claim: { name: 'maya', version: '2026', pid: 1 },
    method: 'session/get',
    site,
    scope: 'session',
    outcome: 'ok',
    allowedBy: 'rule',
    ms: 3.4,
    ...change,
  }
}

describe('a call', () => {
  test('is kept with who, what, how it ended and what let it', () => {
    record.note(call())
    const entry = {
      at: 1_000_000,
      ...{ executable: maya.executable, pid: 4711, uid: 1000, claimed: { name: 'maya', version: '2026' } },
      ...{ method: 'session/get', site, scope: 'session', outcome: 'ok', allowedBy: 'rule', ms: 3, count: 1 },
    }
    expect(record.recent()).toEqual([entry])
    expect(told).toEqual([entry])
  })

  test('of a program nobody can name has the number it claims, and no path', () => {
    record.note(call({ identified: { kind: 'unknown', uid: 1000, because: 'x' }, outcome: 'consent_denied' }))
    expect(told).toMatchObject([{ pid: 1, uid: 1000, outcome: 'consent_denied' }])
    expect(told[0]).not.toHaveProperty('executable')
  })

  test('of a method there is none of is kept without its name, which could be anything', () => {
    record.note(call({ method: 'eyJhbGciOi', outcome: 'unknown_method' }))
    expect(told[0]?.method).toBe('unknown')
  })

  test('has paths on one line, of what can be seen, and not for ever', () => {
    const peer = { ...maya, executable: `/opt/a\u202e\n${'b'.repeat(4_000)}`, script: '/x\u0000y.py' }
    record.note(call({ identified: { kind: 'known', peer } }))
    expect(told[0]?.executable).toMatch(/^\/opt\/a b+…$/)
    expect(told[0]?.executable).toHaveLength(1_000)
    expect(told[0]?.script).toBe('/xy.py')
  })

  test('about a program that was decided about names it as plainly', () => {
    record.noteDecision(
      'toolAllowed',
      { executable: `/opt/a\u202e\n${'b'.repeat(4_000)}`, script: '/x\u0000y.py' },
      site,
    )
    expect(told[0]?.about?.executable).toMatch(/^\/opt\/a b+…$/)
    expect(told[0]?.about?.executable).toHaveLength(1_000)
    expect(told[0]?.about?.script).toBe('/xy.py')
  })

  test.each(['status', 'session/watch', 'signIn/way'])('of %s is kept only when it was refused', (method) => {
    record.note(call({ method, scope: 'status' }))
    expect(record.recent()).toEqual([])
    record.note(call({ method, scope: 'status', outcome: 'consent_denied' }))
    expect(record.recent()).toHaveLength(1)
  })

  test('feeds the tools of today, each use of it', () => {
    for (let time = 0; time < 3; time += 1) record.note(call())
    record.note(call({ method: 'signOut' }))
    record.note(call({ outcome: 'login_required' }))
    expect(record.tools.today()).toMatchObject([{ name: 'maya', site, count: 3 }])
  })
})

describe('calls that are the same in all but their time', () => {
  test('are told of at once, and then once a second with their number', () => {
    for (let time = 0; time < 500; time += 1) record.note(call({ ms: time }))
    expect(told).toHaveLength(1)
    expect(record.recent()).toMatchObject([
      { count: 499, ms: 499 },
      { count: 1, ms: 0 },
    ])
    vi.advanceTimersByTime(1_000)
    expect(told.map(({ count }) => count)).toEqual([1, 499])
    record.note(call())
    record.note(call())
    expect(told).toHaveLength(2)
    vi.advanceTimersByTime(1_000)
    expect(told.map(({ count }) => count)).toEqual([1, 499, 2])
    vi.advanceTimersByTime(1_000)
    record.note(call())
    expect(told).toHaveLength(4)
  })

  test('are not those of another process, method, site or outcome', () => {
    record.note(call())
    record.note(call({ identified: { kind: 'known', peer: { ...maya, pid: 4712 } } }))
    record.note(call({ identified: { kind: 'known', peer: { ...maya, startMark: '101' } } }))
    record.note(call({ method: 'rest/get', scope: 'rest' }))
    record.note(call({ site: 'https://other.example' }))
    record.note(call({ outcome: 'login_required' }))
    record.note(call({ allowedBy: 'asked' }))
    expect(told).toHaveLength(7)
  })

  test('are ten thousand wrong keys, whatever name and number each of them claims', () => {
    for (let time = 0; time < 10_000; time += 1) {
      const claim = { name: `tool ${time}`, version: '', pid: time }
      record.note({ claim, method: 'hello', scope: 'status', outcome: 'wrong_key', ms: 0 })
    }
    vi.advanceTimersByTime(1_000)
    expect(told.map(({ outcome, count }) => [outcome, count])).toEqual([
      ['wrong_key', 1],
      ['wrong_key', 9_999],
    ])
  })

  test('are not forgotten at the end', () => {
    for (let time = 0; time < 3; time += 1) record.note(call())
    record.close()
    expect(told.map(({ count }) => count)).toEqual([1, 2])
    vi.advanceTimersByTime(5_000)
    expect(told).toHaveLength(2)
  })
})

test('two hundred calls are remembered, newest first', () => {
  for (let pid = 1; pid <= 205; pid += 1) record.note(call({ identified: { kind: 'known', peer: { ...maya, pid } } }))
  const pids = record.recent().map(({ pid }) => pid)
  expect(pids).toHaveLength(200)
  expect(pids.slice(0, 2)).toEqual([205, 204])
})
