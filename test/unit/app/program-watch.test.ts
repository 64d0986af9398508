import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NotificationLadder } from '../../../app/notifications/ladder.ts'
import { ProgramWatch } from '../../../app/program-watch.ts'
import { at, call, english, minute, publishFile, pythonFile, question } from './situations.ts'

let said: string[]
let watch: ProgramWatch
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  said = []
  const ladder = new NotificationLadder(() => at(10), 30 * minute)
  watch = new ProgramWatch({
    onChange: () => said.push(watch.waiting ? `waits: ${watch.waiting.id}` : 'nothing waits'),
    tell: (notice) => {
      const told = notice(ladder, english)
      if (told) said.push(told.title)
    },
    takeBack: (does) => said.push(`back: ${does}`),
  })
})
afterEach(() => void vi.useRealTimers())

const denied = call({ outcome: 'consent_denied', executable: pythonFile, script: publishFile })
const asked = question({ executable: pythonFile, script: publishFile })

test('a question that nobody answers for eight seconds is told of; its answer takes that back', () => {
  watch.onTurn(asked)
  vi.advanceTimersByTime(7_999)
  expect(said).toEqual(['back: showConsent', 'waits: question-1'])
  vi.advanceTimersByTime(1)
  expect(said.at(-1)).toBe('May python3.11 running publish.py use your session?')
  watch.onTurn(undefined)
  expect(said.slice(-2)).toEqual(['back: showConsent', 'nothing waits'])
  expect(vi.getTimerCount()).toBe(0)
})

test('one that is answered sooner is not, and none is when the app ends', () => {
  watch.onTurn(asked)
  watch.onTurn(question({}, { id: 'question-2' }))
  vi.advanceTimersByTime(7_999)
  watch.close()
  expect(vi.getTimerCount()).toBe(0)
  expect(said.join()).not.toContain('May ')
})

test('one that nobody answered in time is told of, once', () => {
  watch.onTakenBack(asked, 'unanswered')
  watch.onTakenBack(asked, 'unanswered')
  expect(said).toEqual(['python3.11 running publish.py asked for your session'])
})

test.for(['always', 'once', 'deny', 'withdrawn', undefined])('one that ended otherwise, by %s, is not', (because) => {
  watch.onTakenBack(asked, because)
  expect(said).toEqual([])
})

test('a program that a rule keeps out is told of once; one the artist has refused is not', () => {
  watch.onDenied(denied)
  watch.onDenied(denied)
  expect(said).toEqual(['python3.11 running publish.py did not get your session'])
  const nuke = question({ executable: '/opt/nuke' })
  watch.onAnswer(nuke, 'deny')
  watch.onDenied(call({ outcome: 'consent_denied', executable: '/opt/nuke', script: undefined as unknown as string }))
  expect(said).toHaveLength(1)
})
