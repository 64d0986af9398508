import { expect, test } from 'vitest'
import { UnderWay } from '../../../../src/broker/operation/under-way.ts'

test('is idle when the last of several has ended, and whoever waits hears of it', async () => {
  const underWay = new UnderWay()
  await underWay.idle()
  const [first, second] = [underWay.begin(), underWay.begin()]
  let isIdle = false
  const waiting = underWay.idle().then(() => {
    isIdle = true
  })
  first()
  await Promise.resolve()
  expect([isIdle, underWay.count]).toEqual([false, 1])
  second()
  await waiting
  expect([isIdle, underWay.count]).toEqual([true, 0])
})

test('work that fails has ended as well', async () => {
  const underWay = new UnderWay()
  const failing = underWay.run(() => Promise.reject(new Error('no')))
  expect(underWay.count).toBe(1)
  await expect(failing).rejects.toThrow('no')
  await underWay.idle()
})
