import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RawLine } from './raw-line.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { startWorld, type World } from './world.ts'

/** The examples of docs/PROTOCOL.md, played line by line against a real agent. */
const page = readFileSync('docs/PROTOCOL.md', 'utf8')
const examples = [...page.matchAll(/^### ([^\n]+)|^```protocol ?([^\n]*)\n([\s\S]*?)^```/gm)].reduce<
  { title: string; state: string; lines: string[] }[]
>((found, [, title, state, body]) => {
  if (title !== undefined) found.push({ title, state: 'title', lines: [] })
  else
    found.push({
      title: found.findLast((one) => one.state === 'title')?.title ?? '',
      state: state ?? '',
      lines: (body ?? '').trim().split('\n'),
    })
  return found
}, [])

let world: World
/** Where a login and passphrase are asked for: the state `passphrases`; also where nobody has decided about programs: `asks`. */
let passphrases: SiteStage
const decisions: Readonly<Record<string, Parameters<SiteStage['agent']>[5]>> = {
  asks: { consent: 'prompt' },
  'asks-no-more': { consent: 'allow-list' },
}
beforeAll(async () => {
  ;[world, passphrases] = await Promise.all([
    startWorld({ agentIdentity: { serveAccessToken: true } }),
    startSiteStage({ mode: 'default', launcher: false }),
  ])
})
afterAll(() => Promise.all([world.close(), passphrases.close()]))

describe('docs/PROTOCOL.md', () => {
  const played = examples.filter(({ state }) => state !== 'title')
  test('has examples of every method', () => {
    expect(new Set(played.map(({ title }) => title)).size).toBeGreaterThanOrEqual(8)
  })

  for (const [index, { title, state, lines }] of played.entries()) {
    test(`${title}, example ${index + 1}, is what an agent says${state ? ` when ${state}` : ''}`, async () => {
      const identity = state === 'not-allowed' ? { serveAccessToken: false } : {}
      const tools = decisions[state]
      const stage = state === 'passphrases' || tools ? passphrases : world
      const agent =
        stage === passphrases
          ? passphrases.agent('artist', undefined, {}, {}, {}, tools)
          : world.agent('artist', {}, {}, identity)
      const endpoint = await agent.listen()
      if (state === 'signed-in') await agent.signIn(undefined)
      const fill = (line: string): string =>
        line.slice(2).replaceAll('<site>', stage.site.url).replaceAll('<key>', endpoint.key.reveal())
      const saysHello = lines[0]?.includes('"hello"')
      const line = saysHello ? await RawLine.tls(endpoint) : await RawLine.greeted(endpoint)
      for (const step of lines) {
        if (step.startsWith('→ ')) line.send(`${fill(step)}\n`)
        else expectLike(await line.message(), JSON.parse(fill(step)), step)
      }
      line.close()
      await agent.close()
    })
  }
})

/** `"…"` is any text, 0 any number, `["…"]` any list; everything else is compared, and nothing may be missing or more. */
function expectLike(actual: unknown, pattern: unknown, where: string): void {
  if (pattern === '…') return expect(typeof actual === 'string' && actual.length > 0, where).toBe(true)
  if (pattern === 0) return expect(typeof actual, where).toBe('number')
  if (Array.isArray(pattern) && pattern.length === 1 && pattern[0] === '…')
    return expect(Array.isArray(actual), where).toBe(true)
  if (Array.isArray(pattern)) {
    expect(Array.isArray(actual) && actual.length === pattern.length, where).toBe(true)
    for (const [index, item] of pattern.entries()) expectLike((actual as unknown[])[index], item, where)
  } else if (typeof pattern === 'object' && pattern !== null) {
    expect(Object.keys((actual ?? {}) as object).sort(), where).toEqual(Object.keys(pattern).sort())
    for (const [name, value] of Object.entries(pattern))
      expectLike((actual as Record<string, unknown>)[name], value, where)
  } else expect(actual, where).toBe(pattern)
}
