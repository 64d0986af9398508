import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConsentDesk } from '../../../../app/windows/consent-desk.ts'
import { AgentError } from '../../../../src/errors.ts'

let shown: (string | undefined)[]
let given: string[]
let desk: ConsentDesk
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  shown = []
  given = []
  desk = new ConsentDesk((id) => shown.push(id))
})
afterEach(() => void vi.useRealTimers())

function question(id: string) {
  return {
    ...{ id, siteName: 'Studio Example', claimedName: id },
    ...{ executable: undefined, script: undefined, startedBy: undefined },
  }
}

function ask(id: string): void {
  void desk.ask(question(id)).then((answer) => given.push(`${id}: ${answer}`))
}

async function answers(): Promise<string[]> {
  await vi.advanceTimersByTimeAsync(0)
  return given
}

test.for(['once', 'always', 'deny'] as const)('a question is shown, answered with “%s”, and gone', async (answer) => {
  ask('maya')
  expect(shown).toEqual(['maya'])
  expect(desk.question('maya')).toEqual(question('maya'))
  desk.answer('maya', answer)
  expect(await answers()).toEqual([`maya: ${answer}`])
  expect(shown).toEqual(['maya', undefined])
})

describe('no answer means no', () => {
  test('after a minute, and not before', async () => {
    ask('maya')
    await vi.advanceTimersByTimeAsync(60_000 - 1)
    expect(given).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(given).toEqual(['maya: deny'])
    expect(shown).toEqual(['maya', undefined])
  })

  test('also for one that never came to the screen', async () => {
    ask('maya')
    await vi.advanceTimersByTimeAsync(30_000)
    ask('nuke')
    await vi.advanceTimersByTimeAsync(30_000)
    expect(shown).toEqual(['maya', 'nuke'])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(given).toEqual(['maya: deny', 'nuke: deny'])
    expect(shown).toEqual(['maya', 'nuke', undefined])
  })

  test('and an answer leaves no timer behind', async () => {
    ask('maya')
    desk.answer('maya', 'once')
    expect(vi.getTimerCount()).toBe(0)
    ask('maya')
    await vi.advanceTimersByTimeAsync(59_999)
    expect(given).toEqual(['maya: once'])
  })
})

describe('several questions', () => {
  test('are shown one after the other', async () => {
    for (const id of ['maya', 'nuke', 'houdini']) ask(id)
    expect(shown).toEqual(['maya'])
    desk.answer('maya', 'once')
    desk.answer('nuke', 'deny')
    desk.answer('houdini', 'always')
    expect(shown).toEqual(['maya', 'nuke', 'houdini', undefined])
    expect(await answers()).toEqual(['maya: once', 'nuke: deny', 'houdini: always'])
  })

  test('an answer is for the question it names, and for no other', async () => {
    ask('maya')
    ask('nuke')
    desk.answer('nuke', 'always')
    expect(await answers()).toEqual(['nuke: always'])
    expect(shown).toEqual(['maya'])
    expect(() => desk.question('nuke')).toThrow(AgentError)
    expect(desk.question('maya').id).toBe('maya')
  })
})

test('an answer to a question that is not there, or not any more, is nothing', async () => {
  desk.answer('maya', 'always')
  ask('maya')
  desk.answer('nuke', 'always')
  desk.answer('__proto__', 'always')
  desk.answer('maya', 'deny')
  desk.answer('maya', 'always')
  expect(await answers()).toEqual(['maya: deny'])
  expect(shown).toEqual(['maya', undefined])
})

test('a window without its question has nothing to show', () => {
  ask('maya')
  for (const id of [undefined, '', 'nuke']) {
    expect(() => desk.question(id)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  }
})
