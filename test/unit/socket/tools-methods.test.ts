import { describe, expect, test } from 'vitest'
import { encodeFrame } from '../../../src/socket/frames.ts'
import { limits } from '../../../src/socket/limits.ts'
import { answer } from '../../../src/socket/messages.ts'
import type { Caller, Desk } from '../../../src/socket/methods.ts'
import type { AllowedTool, PendingQuestion } from '../../../src/socket/tools-desk.ts'
import { toolHandlers } from '../../../src/socket/tools-methods.ts'
import { programAt } from '../consent/programs.ts'

const caller = {} as Caller
/** The longest path there is, of letters that take the most room. */
const longest = `/${'\u0001'.repeat(4_095)}`

function deskWith(allowed: AllowedTool[], pending: PendingQuestion[] = []): Desk {
  const tools = { mode: 'prompt', allowed: () => allowed, refused: () => [], pending: () => pending }
  return { tools } as unknown as Desk
}

function tools(count: number, path = '/usr/bin/tool'): AllowedTool[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: String(index), executable: path, script: path, site: 'https://studio.example', scope: 'rest' },
    ...{ allowedAt: 1_000, lastUsedAt: 2_999 },
  }))
}

async function pagesOf(desk: Desk): Promise<string[][]> {
  const pages: string[][] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await toolHandlers['tools/list']({ after }, desk, caller)
    expect(() => encodeFrame(answer(1, page), limits.messageBytes)).not.toThrow()
    pages.push(page.allowed.map(({ id }) => id))
    after = page.next
  }
  return pages
}

describe('the list of programs', () => {
  test('of a few is one page, with times in seconds', async () => {
    const list = await toolHandlers['tools/list']({ after: 0 }, deskWith(tools(2)), caller)
    expect(list).toMatchObject({
      consent: 'prompt',
      refused: [],
      allowed: [{ id: '0', allowedAt: 1, lastUsedAt: 2 }, {}],
    })
    expect(list).not.toHaveProperty('next')
  })

  test.each([
    [500, '/usr/bin/tool'],
    [500, `/${'long/'.repeat(200)}tool`],
    [20, longest],
  ])('of %i is whole, in pages that fit into messages', async (count, path) => {
    const pages = await pagesOf(deskWith(tools(count, path)))
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.flat()).toEqual(tools(count).map(({ id }) => id))
  })

  test('has an end for whoever asks behind it', async () => {
    expect(await toolHandlers['tools/list']({ after: 9 }, deskWith(tools(2)), caller)).toEqual({
      consent: 'prompt',
      allowed: [],
      refused: [],
    })
  })
})

test('a question fits into a message whatever a program calls its files, and shows what would not be seen', async () => {
  const parents = Array.from({ length: 8 }, (_, pid) => ({ pid, executable: longest, startMark: '1' }))
  const tool = programAt(longest, { script: '/tmp/\u202egpj.py', parents })
  const question = {
    id: 'x',
    tool,
    site: 'https://studio.example',
    scope: 'rest',
    askedAt: 1_000,
    endsAt: 61_000,
  } as const
  const { questions } = await toolHandlers['tools/pending']({}, deskWith([], [question]), caller)
  expect(() => encodeFrame(answer(1, { questions }), limits.messageBytes)).not.toThrow()
  expect(questions).toMatchObject([{ id: 'x', script: '/tmp/\\u{202e}gpj.py', askedAt: 1, endsAt: 61 }])
})
