import { describe, expect, test } from 'vitest'
import { Turns } from '../../../src/waiting/turns.ts'

describe('work that takes turns', () => {
  test('runs so many at once and no more, in the order it came', async () => {
    const turns = new Turns(2)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const all = [0, 1, 2, 3].map((number) =>
      turns.take(async () => {
        begun.push(number)
        await new Promise<void>((resolve) => ends.push(resolve))
        return number
      }),
    )
    await settle()
    expect(begun).toEqual([0, 1])
    ends[1]?.()
    await settle()
    expect(begun).toEqual([0, 1, 2])
    for (const index of [0, 2]) ends[index]?.()
    await settle()
    ends[3]?.()
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3])
  })

  test('gives its turn back when it fails', async () => {
    const turns = new Turns(1)
    await expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await turns.take(async () => 'yes')).toBe('yes')
  })

  test('keeps its turn while it hangs: the next one waits', async () => {
    const turns = new Turns(1)
    void turns.take(() => new Promise(() => undefined))
    let hasBegun = false
    void turns.take(async () => {
      hasBegun = true
    })
    await settle()
    expect(hasBegun).toBe(false)
  })
})

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
