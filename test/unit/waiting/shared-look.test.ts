import { expect, test } from 'vitest'
import { SharedLook } from '../../../src/waiting/shared-look.ts'

/** Looks that end when they are told to, and count themselves. */
function looks(): { shared: SharedLook<number>; begun: () => number; end: (error?: Error) => Promise<void> } {
  const under: ((error?: Error) => void)[] = []
  let count = 0
  const shared = new SharedLook(() => {
    count += 1
    const mine = count
    return new Promise<number>((resolve, reject) => {
      under.push((error) => (error ? reject(error) : resolve(mine)))
    })
  })
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
  return {
    shared,
    begun: () => count,
    async end(error) {
      await turn()
      under.shift()?.(error)
      await turn()
    },
  }
}

test('all who ask in one turn share a look', async () => {
  const { shared, begun, end } = looks()
  const asked = Promise.all([shared.ask(), shared.ask(), shared.ask()])
  await end()
  expect(await asked).toEqual([1, 1, 1])
  expect(begun()).toBe(1)
})

test('whoever asks while a look is under way gets the next, with all who do', async () => {
  const { shared, begun, end } = looks()
  const first = shared.ask()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const later = [shared.ask(), shared.ask()]
  expect(begun()).toBe(1)
  await end()
  expect(await first).toBe(1)
  later.push(shared.ask())
  await end()
  expect(await Promise.all(later.slice(0, 2))).toEqual([2, 2])
  await end()
  expect(await later[2]).toBe(3)
})

test('a look that fails fails for those who shared it, and the next is made', async () => {
  const { shared, end } = looks()
  const failing = Promise.allSettled([shared.ask(), shared.ask()])
  await new Promise((resolve) => setTimeout(resolve, 5))
  const next = shared.ask()
  await end(new Error('no'))
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await end()
  expect(await next).toBe(2)
})

test('a long look is followed by a rest of so many times as long; a short one by none', async () => {
  const begun: number[] = []
  let lastsMs = 20
  const shared = new SharedLook(
    async () => {
      begun.push(performance.now())
      if (lastsMs > 0) await new Promise((resolve) => setTimeout(resolve, lastsMs))
    },
    { restsTimes: 2 },
  )
  await shared.ask()
  const [first = 0] = begun
  const tookMs = performance.now() - first
  lastsMs = 0
  await shared.ask()
  // Timers count whole milliseconds; and this machine may have held the look up.
  expect((begun[1] ?? 0) - first).toBeGreaterThan(tookMs + 2 * Math.min(tookMs, 50) - 5)
  const before = performance.now()
  for (let again = 0; again < 20; again += 1) await shared.ask()
  expect(performance.now() - before).toBeLessThan(20 * 2 * tookMs)
})

test('all who ask during a rest share the look behind it', async () => {
  let begun = 0
  const shared = new SharedLook(
    async () => {
      begun += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
      return begun
    },
    { restsTimes: 4 },
  )
  await shared.ask()
  const asked = [shared.ask()]
  await new Promise((resolve) => setTimeout(resolve, 30))
  asked.push(shared.ask())
  expect(await Promise.all(asked)).toEqual([2, 2])
})

test('a look that was held up for long is followed by no more than a look of 50 ms would be', async () => {
  let lastsMs = 300
  const shared = new SharedLook(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, lastsMs))
      return performance.now()
    },
    { restsTimes: 4 },
  )
  const over = await shared.ask()
  lastsMs = 0
  expect((await shared.ask()) - over).toBeLessThan(1_000)
})
