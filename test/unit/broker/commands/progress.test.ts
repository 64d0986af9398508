import { expect, test } from 'vitest'
import { Progress } from '../../../../src/broker/commands/progress.ts'

function progressAt(isTTY: boolean) {
  const written: string[] = []
  const clock = { ms: 0 }
  const progress = new Progress({ isTTY, write: (text) => written.push(text) }, () => clock.ms)
  return { written, clock, progress }
}

test('what takes less than a second says nothing', () => {
  const { written, clock, progress } = progressAt(true)
  progress.say('1 of 2')
  clock.ms = 999
  progress.say('2 of 2')
  progress.end()
  expect(written).toEqual([])
})

test('on a terminal one line is written over, and gone at the end', () => {
  const { written, clock, progress } = progressAt(true)
  for (clock.ms = 1_000; clock.ms < 1_300; clock.ms += 50) progress.say(`at ${clock.ms}`)
  progress.end()
  expect(written).toEqual(['\r\u001b[Kat 1000', '\r\u001b[Kat 1100', '\r\u001b[Kat 1200', '\r\u001b[K'])
})

test('elsewhere it is a line every five seconds', () => {
  const { written, clock, progress } = progressAt(false)
  for (clock.ms = 0; clock.ms <= 12_000; clock.ms += 500) progress.say(`at ${clock.ms}`)
  progress.end()
  expect(written).toEqual(['at 1000\n', 'at 6000\n', 'at 11000\n'])
})
