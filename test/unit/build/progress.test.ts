import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lookOf, showProgress } from '../../../build/progress.mjs'
import { Transcript } from '../../sandbox/transcript.ts'

const terminal = { isTTY: true, columns: 80 }
const inColours = { isLive: true, colours: true, columns: 80 }
const inAPipe = { isLive: false, colours: false, columns: 80 }

/** Keeps what is written. */
function paper() {
  const written: string[] = []
  return { write: (text: string) => written.push(text), text: () => written.join('') }
}

describe('colours and a running line', () => {
  test('are for a terminal', () => {
    expect(lookOf(terminal, { TERM: 'xterm' }, [])).toEqual(inColours)
  })

  test.each([
    ['a pipe', {}, {}, [], false, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, [], true, false],
    ['--no-color', terminal, {}, ['--no-color'], true, false],
    ['CI', terminal, { CI: 'true' }, [], false, false],
    ['a terminal that can do nothing', terminal, { TERM: 'dumb' }, [], false, false],
  ])('are less with %s', (_name, stream, env, args, isLive, colours) => {
    expect(lookOf(stream, env, args)).toEqual({ isLive, colours, columns: 80 })
  })
})

describe('what takes a while is shown', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('elsewhere than on a terminal after a second, and every ten: never what is over by then', () => {
    const out = paper()
    const quick = showProgress('quick', out, inAPipe)
    vi.advanceTimersByTime(900)
    quick.end()
    expect(out.text()).toBe('')
    const slow = showProgress('slow', out, inAPipe)
    vi.advanceTimersByTime(20_500)
    slow.end()
    vi.advanceTimersByTime(60_000)
    expect(out.text()).toBe('  slow …\n  slow … 10 s\n  slow … 20 s\n')
  })

  test('on a terminal at once, in one line that fits and is taken away', () => {
    const out = paper()
    const progress = showProgress('x'.repeat(200), out, inColours)
    progress.update('12 MB')
    vi.advanceTimersByTime(300)
    progress.end()
    const lines = out.text().split('\r\x1b[K').slice(1)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.every((line) => line.length < 80 && !line.includes('\n'))).toBe(true)
    expect(lines.at(-1)).toBe('')
  })
})

describe('a transcript', () => {
  async function play(look: typeof inColours): Promise<string> {
    const out = paper()
    const transcript = new Transcript(out, look)
    transcript.title('A title')
    transcript.act('First')
    await transcript.step('a label', async () => 'words '.repeat(40))
    transcript.line(
      'refused',
      'somebody',
      'https://a.long.address.example/that/must/be/copied/in/one/piece/however/long/it/is and more',
    )
    transcript.act('Second')
    transcript.close()
    return out.text().replaceAll(/\d+\.\d s/g, '0.0 s')
  }

  test('has numbered acts with their times, fits 80 columns and breaks no address', async () => {
    const text = await play(inAPipe)
    expect(text).toMatch(/^1 {2}First\n {3}✓ a label {14}words words/m)
    expect(text).toMatch(/^ {3}0\.0 s\n\n2 {2}Second\n {3}0\.0 s\n\n2 acts in 0\.0 s\n$/m)
    const address = /https:\S+/.exec(text)?.[0]
    expect(address?.endsWith('/it/is')).toBe(true)
    for (const line of text.split('\n')) if (!line.includes('https:')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('says the same in black and white', async () => {
    const coloured = await play(inColours)
    expect(coloured).toContain('\x1b[32m')
    // What was written over is not seen.
    const lines = coloured.split('\n').map((line) => line.split('\r\x1b[K').at(-1) ?? '')
    const seen = stripVTControlCharacters(lines.join('\n'))
    expect(seen).toBe(await play(inAPipe))
  })
})
