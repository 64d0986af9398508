import { expect, test } from 'vitest'
import { SharedLook } from '../../src/shared-look.ts'

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
