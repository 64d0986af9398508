import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EndAlarm } from '../../../src/session/end-alarm.ts'
import { hour, minute } from './stage.ts'

let heard: string[]
let jumpedMs: number
let alarm: EndAlarm
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  heard = []
  jumpedMs = 0
  alarm = new EndAlarm({
    remindBeforeMs: 30 * minute,
    clock: { now: () => Date.now() + jumpedMs },
    onNear: () => heard.push('near'),
    onEnd: () => heard.push('end'),
  })
})
afterEach(() => void vi.useRealTimers())

const inFrom = (ms: number): number => Date.now() + jumpedMs + ms

test('tells of the end half an hour before, and when it has come', async () => {
  alarm.set(inFrom(hour))
  await vi.advanceTimersByTimeAsync(30 * minute - 1)
  expect(heard).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(heard).toEqual(['near'])
  await vi.advanceTimersByTimeAsync(30 * minute)
  expect(heard).toEqual(['near', 'end'])
  await vi.advanceTimersByTimeAsync(24 * hour)
  expect(heard).toEqual(['near', 'end'])
})

test('does not remind of an end that was near when it was set', async () => {
  alarm.set(inFrom(20 * minute))
  await vi.advanceTimersByTimeAsync(20 * minute)
  expect(heard).toEqual(['end'])
})

test('waits longer than a timer can', async () => {
  alarm.set(inFrom(60 * 24 * hour))
  await vi.advanceTimersByTimeAsync(60 * 24 * hour - 31 * minute)
  expect(heard).toEqual([])
  await vi.advanceTimersByTimeAsync(31 * minute)
  expect(heard).toEqual(['near', 'end'])
})

test('hears nothing of sleep by itself, and everything when it is told to look', () => {
  alarm.set(inFrom(12 * hour))
  jumpedMs = 11.75 * hour
  expect(heard).toEqual([])
  alarm.check()
  alarm.check()
  expect(heard).toEqual(['near'])
  jumpedMs = 13 * hour
  alarm.check()
  alarm.check()
  expect(heard).toEqual(['near', 'end'])
})

test('waits anew when it looked and the clock had been set: timers of before are void', async () => {
  alarm.set(inFrom(hour))
  jumpedMs = -hour
  alarm.check()
  await vi.advanceTimersByTimeAsync(hour)
  expect(heard).toEqual([])
  await vi.advanceTimersByTimeAsync(hour)
  expect(heard).toEqual(['near', 'end'])
})

test('is silent once it was cleared, even by who hears it', async () => {
  alarm.set(inFrom(hour))
  alarm.clear()
  alarm.check()
  const other = new EndAlarm({
    remindBeforeMs: 30 * minute,
    clock: { now: () => Date.now() },
    onNear: () => other.clear(),
    onEnd: () => heard.push('end'),
  })
  other.set(Date.now() + hour)
  await vi.advanceTimersByTimeAsync(2 * hour)
  expect(heard).toEqual([])
})
