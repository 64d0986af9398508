import { expect, test } from 'vitest'
import { delayBeforeLook, isTimeToLook } from '../../../../app/update/look-times.ts'

const hour = 3600_000

test('hundreds of machines that start at nine do not ask at nine', () => {
  expect(delayBeforeLook(0, false)).toBe(0)
  expect(delayBeforeLook(0.5, false)).toBe(5 * 60_000)
  expect(delayBeforeLook(0.999_999, false)).toBeLessThan(10 * 60_000)
})

test('a feed on this machine is asked at once', () => expect(delayBeforeLook(0.9, true)).toBe(0))

test('it is time to look once a day, and where nobody has looked yet', () => {
  const now = Date.parse('2026-05-12T09:00:00Z')
  expect(isTimeToLook(undefined, now)).toBe(true)
  const looked = (ago: number) => ({ at: now - ago, kind: 'none' })
  expect(isTimeToLook(looked(hour), now)).toBe(false)
  expect(isTimeToLook(looked(22 * hour), now)).toBe(false)
  expect(isTimeToLook(looked(23 * hour), now)).toBe(true)
})

test('a clock that was set back does not keep it from looking for years', () => {
  const now = Date.parse('2026-05-12T09:00:00Z')
  expect(isTimeToLook({ at: now + 24 * 365 * hour, kind: 'none' }, now)).toBe(true)
})

test('a feed that could not be asked is asked again after an hour', () => {
  const now = Date.parse('2026-05-12T09:00:00Z')
  expect(isTimeToLook({ at: now - hour + 1, kind: 'unreachable' }, now)).toBe(false)
  expect(isTimeToLook({ at: now - hour, kind: 'unreachable' }, now)).toBe(true)
})
