import { beforeEach, describe, expect, test } from 'vitest'
import type { Log } from '../../../src/ports.ts'
import { StallWatch } from '../../../src/system/stall-watch.ts'
import { systemClock } from '../../../src/system/system-clock.ts'

const hour = 3600_000

let hands: { wallMs: number; monotonicMs: number; cpuMs: number }
let said: [string, object][]
let clockMoves: number
let watch: StallWatch

const note = (line: object, message?: string): void => void said.push([message ?? '', line])
const log: Log = { debug: note, info: note, warn: note, error: note }
const pass = (ms: number, cpuMs = 0): void => {
  hands = { wallMs: hands.wallMs + ms, monotonicMs: hands.monotonicMs + ms, cpuMs: hands.cpuMs + cpuMs }
}

beforeEach(() => {
  hands = { wallMs: Date.UTC(2026, 0, 1), monotonicMs: 5_000, cpuMs: 100 }
  said = []
  clockMoves = 0
  watch = new StallWatch({
    clock: { now: () => hands.wallMs, monotonicMs: () => hands.monotonicMs },
    log,
    cpuMs: () => hands.cpuMs,
    onClockMoved: () => {
      clockMoves += 1
    },
  })
})

describe('a time in which the agent stood still while somebody waited', () => {
  test.each([
    ['its own work', 2_900, 'busy'],
    ['being stopped, or a machine without time for it', 3, 'not_running'],
  ])('is told with %s as its reason, with how long and during what', (_what, cpuMs, because) => {
    const ends = ['session/get', 'rest/get', 'session/get'].map((method) => watch.begin(method))
    pass(3_000, cpuMs)
    for (const end of ends) end()
    const stall = { lastedMs: 3_000, because, during: ['rest/get', 'session/get'] }
    expect(said).toEqual([['the agent stood still', stall]])
    expect(watch.last).toEqual({ ...stall, endedAt: hands.wallMs })
    expect(clockMoves).toBe(0)
  })

  test('is not told when it was shorter than a second, nor when nobody waited', () => {
    const end = watch.begin('status')
    pass(999)
    end()
    pass(9 * hour)
    watch.begin('status')()
    expect(said).toEqual([])
    expect(watch.last).toBeUndefined()
  })

  test('stands for those around it that were shorter, until five minutes have gone', () => {
    const stallFor = (ms: number): void => {
      const end = watch.begin('status')
      pass(ms)
      end()
    }
    stallFor(4_000)
    stallFor(2_000)
    expect(watch.last?.lastedMs).toBe(4_000)
    pass(5 * 60_000)
    stallFor(1_500)
    expect(watch.last?.lastedMs).toBe(1_500)
    expect(said).toHaveLength(3)
  })

  test('is told by a real loop that real work held up, before the request has its answer', async () => {
    const real = new StallWatch({ clock: systemClock, log, onClockMoved: () => undefined })
    const end = real.begin('session/get')
    const until = performance.now() + 1_700
    while (performance.now() < until);
    await expect.poll(() => said.length).toBe(1)
    end()
    expect(real.last).toMatchObject({ during: ['session/get'] })
    expect(real.last?.lastedMs).toBeGreaterThanOrEqual(1_000)
  })
})

describe('a wall clock that moves against the monotonic one', () => {
  test.each([-2 * hour, 9 * hour, 87_660 * hour])('is noticed at the next request, and is no stall: %i ms', (ms) => {
    hands.wallMs += ms
    watch.begin('status')()
    watch.begin('status')()
    expect(clockMoves).toBe(1)
    expect(said).toEqual([['the clock was set, or the machine slept', { movedMs: ms }]])
    expect(watch.last).toBeUndefined()
  })

  test('is noticed while a request waits', () => {
    const end = watch.begin('signIn')
    pass(1_000)
    hands.wallMs += 9 * hour
    end()
    expect(clockMoves).toBe(1)
  })

  test('is not noticed when it is less than a second', () => {
    hands.wallMs -= 999
    watch.begin('status')()
    expect(clockMoves).toBe(0)
  })
})
