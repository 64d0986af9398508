import { expect, test } from 'vitest'
import { UnfinishedWork } from '../../../src/waiting/unfinished-work.ts'

function held(): { readonly work: Promise<void>; readonly end: () => void } {
  let end: () => void = () => undefined
  const work = new Promise<void>((resolve) => {
    end = resolve
  })
  return { work, end }
}

test('work counts until it is over, however it ends, and who waits hears of the last', async () => {
  const unfinished = new UnfinishedWork()
  const [first, second] = [held(), held()]
  const done = [
    unfinished.during(() => first.work),
    unfinished.during(async () => {
      await second.work
      throw new Error('failed')
    }),
  ]
  let isDone = false
  const waiting = unfinished.whenDone(new AbortController().signal).then(() => {
    isDone = true
  })
  first.end()
  await done[0]
  expect([unfinished.isUnderWay, isDone]).toEqual([true, false])
  second.end()
  await expect(done[1]).rejects.toThrow('failed')
  await waiting
  expect([unfinished.isUnderWay, isDone]).toEqual([false, true])
})

test('who waits can give up', async () => {
  const unfinished = new UnfinishedWork()
  const endless = held()
  void unfinished.during(() => endless.work)
  const giveUp = new AbortController()
  const waiting = unfinished.whenDone(giveUp.signal)
  giveUp.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})
