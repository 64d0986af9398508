import { beforeEach, describe, expect, test } from 'vitest'
import { ConsentDesk } from '../../../../app/windows/consent-desk.ts'
import { AgentError } from '../../../../src/errors.ts'
import { question } from '../situations.ts'

let turns: (string | undefined)[]
let told: string[]
let given: string[]
let desk: ConsentDesk
beforeEach(() => {
  turns = []
  told = []
  given = []
  desk = new ConsentDesk({
    onTurn: (asked) => turns.push(asked?.id),
    onAnswer: ({ id }, answer) => told.push(`${id}: ${answer}`),
    onTakenBack: ({ id }, because) => told.push(`${id} taken back: ${String(because)}`),
  })
})

/** Asks; the controller takes the question back, as the agent does after a minute or when the screen is locked. */
function ask(id: string): AbortController {
  const limit = new AbortController()
  void desk.ask(question({}, { id }), limit.signal).then(
    (answer) => given.push(`${id}: ${answer}`),
    (reason: unknown) => given.push(`${id}: ${String(reason)}`),
  )
  return limit
}

async function answers(): Promise<string[]> {
  await new Promise((done) => setImmediate(done))
  return given
}

test.for(['once', 'always', 'deny'] as const)('a question is shown, answered with “%s”, and gone', async (answer) => {
  ask('maya')
  expect(turns).toEqual(['maya'])
  expect(desk.question('maya')).toEqual(question({}, { id: 'maya' }))
  expect(desk.current?.id).toBe('maya')
  desk.answer('maya', answer)
  expect(await answers()).toEqual([`maya: ${answer}`])
  expect(told).toEqual([`maya: ${answer}`])
  expect(turns).toEqual(['maya', undefined])
  expect(desk.current).toBeUndefined()
})

describe('a question that is taken back', () => {
  test('leaves the screen, has no answer, and is told of with the reason', async () => {
    const limit = ask('maya')
    limit.abort('nobody came')
    expect(turns).toEqual(['maya', undefined])
    expect(await answers()).toEqual(['maya: nobody came'])
    desk.answer('maya', 'always')
    expect(await answers()).toEqual(['maya: nobody came'])
    expect(told).toEqual(['maya taken back: nobody came'])
  })

  test('before it was ever shown leaves the one that is', async () => {
    ask('maya')
    ask('nuke').abort('locked')
    expect(turns).toEqual(['maya'])
    desk.answer('maya', 'once')
    expect(turns).toEqual(['maya', undefined])
    expect(await answers()).toEqual(['nuke: locked', 'maya: once'])
  })

  test('before it was even asked is never shown', async () => {
    await expect(desk.ask(question(), AbortSignal.abort('too late'))).rejects.toBe('too late')
    expect(turns).toEqual([])
  })

  test('after its answer changes nothing', async () => {
    const limit = ask('maya')
    desk.answer('maya', 'once')
    limit.abort('late')
    expect(await answers()).toEqual(['maya: once'])
    expect([told, turns]).toEqual([['maya: once'], ['maya', undefined]])
  })
})

describe('several questions', () => {
  test('are shown one after the other', async () => {
    for (const id of ['maya', 'nuke', 'houdini']) ask(id)
    expect(turns).toEqual(['maya'])
    desk.answer('maya', 'once')
    desk.answer('nuke', 'deny')
    desk.answer('houdini', 'always')
    expect(turns).toEqual(['maya', 'nuke', 'houdini', undefined])
    expect(await answers()).toEqual(['maya: once', 'nuke: deny', 'houdini: always'])
  })

  test('an answer is for the question it names, and for no other', async () => {
    ask('maya')
    ask('nuke')
    desk.answer('nuke', 'always')
    expect(await answers()).toEqual(['nuke: always'])
    expect(turns).toEqual(['maya'])
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
  expect(turns).toEqual(['maya', undefined])
})

test('a window without its question has nothing to show', () => {
  ask('maya')
  for (const id of [undefined, '', 'nuke']) {
    expect(() => desk.question(id)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  }
})
