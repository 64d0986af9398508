import { expect, test } from 'vitest'
import { Turnstile } from '../../../src/socket/turnstile.ts'

test('open, it lets everybody through at once', async () => {
  const turnstile = new Turnstile()
  const served: string[] = []
  void turnstile.pass('status', async () => void served.push('status'))
  expect(served).toEqual(['status'])
  expect(await turnstile.isEmptyWithin(0)).toBe(true)
})

test('closed, it lets those inside finish, has the others wait, and tells who does', async () => {
  const turnstile = new Turnstile()
  const served: string[] = []
  const waited: string[] = []
  let finish: () => void = () => undefined
  const inside = turnstile.pass(
    'session/get',
    () =>
      new Promise((resolve) => {
        finish = resolve
      }),
  )
  turnstile.close((method) => waited.push(method))
  const later = turnstile.pass('signIn', async () => void served.push('signIn'))
  expect(waited).toEqual(['signIn'])
  for (const method of ['status', 'session/watch']) await turnstile.pass(method, async () => void served.push(method))
  expect(served.splice(0)).toEqual(['status', 'session/watch'])
  expect(await turnstile.isEmptyWithin(1)).toBe(false)
  const empty = turnstile.isEmptyWithin(60_000)
  finish()
  expect(await empty).toBe(true)
  await inside
  expect(served).toEqual([])
  turnstile.open()
  await later
  expect(served).toEqual(['signIn'])
})
