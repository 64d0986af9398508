import { describe, expect, test } from 'vitest'
import type { Figure } from '../../bench/bench.ts'
import { exitStatusOf, judgeFigure, type Outcome, ratioOf, shown, writeTable } from '../../bench/report.ts'
import { inTurns, Samples } from '../../bench/samples.ts'

const figure = (change: Partial<Figure> = {}): Figure => ({
  ...{ what: 'get', unit: 'ms', value: 3, p99: 9, peer: { name: 'bare', value: 2, p99: 4 } },
  ...change,
})
const outcome = (change: Partial<Outcome> = {}): Outcome => ({ name: 'one', what: 'one', figures: [], ...change })

describe('a figure of a bench', () => {
  test('is ours divided by the peer’s, unless it says its ratio itself', () => {
    expect(ratioOf(figure())).toBe(1.5)
    expect(ratioOf(figure({ ratio: 0.7 }))).toBe(0.7)
    expect(ratioOf({ what: 'get', unit: 'ms', value: 3 })).toBeUndefined()
  })

  test.each<[string, Partial<Figure>, ReturnType<typeof judgeFigure>]>([
    ['the ratio is as high as it may be', { target: { most: 1.5 } }, 'reached'],
    ['the ratio is higher than it may be', { target: { most: 1.49 } }, 'missed'],
    ['the ratio is as high as it must be', { target: { least: 1.5 } }, 'reached'],
    ['the ratio is lower than it must be', { target: { least: 1.51 } }, 'missed'],
    ['the value has no number', { value: Number.NaN, target: { most: 5 } }, 'missed'],
    ['the peer has no number', { peer: { name: 'bare', value: Number.NaN }, target: { least: 0 } }, 'missed'],
    ['nothing is demanded', {}, 'none'],
  ])('where %s', (_name, change, expected) => {
    expect(judgeFigure(figure(change))).toBe(expected)
  })

  test('without a peer is judged by its value', () => {
    const alone = { what: 'get', unit: 'ms', value: 3 }
    expect(judgeFigure({ ...alone, target: { most: 3 } })).toBe('reached')
    expect(judgeFigure({ ...alone, target: { most: 2 } })).toBe('missed')
  })

  test.each([
    [1234.5, '1235'],
    [12.345, '12.3'],
    [0.012345, '0.0123'],
    [2, '2'],
    [Number.NaN, 'NaN'],
  ])('%d is shown as "%s"', (value, expected) => {
    expect(shown(value)).toBe(expected)
  })
})

describe('the table', () => {
  test('has a line for each figure, what it is measured against, and whether the target is missed', () => {
    const lines = writeTable([outcome({ figures: [figure({ target: { most: 1.3 } }), figure()] })]).split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/^get +3 ms +9 +bare +2 +4 +1\.5 × +≤ 1\.3 × +missed$/)
    expect(lines[2]).toMatch(/1\.5 ×$/)
  })

  test('says below it what was skipped and what could not run, each with its reason', () => {
    const table = writeTable([
      outcome({ figures: [figure()] }),
      outcome({ name: 'two', skipped: 'python3 is not installed' }),
      outcome({ name: 'three', failed: 'it ended with 1' }),
    ])
    expect(table).toContain('\n\nskipped: two: python3 is not installed\ncould not run: three: it ended with 1')
  })

  test('a missed target and a skip end with 0, a bench that could not run with 1', () => {
    const missed = outcome({ figures: [figure({ target: { most: 1 } })] })
    expect(exitStatusOf([missed, outcome({ skipped: 'no peer' })])).toBe(0)
    expect(exitStatusOf([missed, outcome({ failed: 'it ended with 1' })])).toBe(1)
  })
})

describe('samples', () => {
  test('have a middle and a hundredth that took longest', () => {
    const samples = new Samples(Array.from({ length: 200 }, (_, index) => 200 - index))
    expect([samples.p50, samples.p99]).toEqual([101, 199])
    expect(new Samples([7]).p99).toBe(7)
  })

  test('there must be some', () => {
    expect(() => new Samples([])).toThrow('nothing was measured')
  })

  test('are taken in turns, and the first of each is not counted', async () => {
    const taken: string[] = []
    const measure = (name: string) => async () => {
      taken.push(name)
      return taken.length
    }
    const { a, b } = await inTurns(2, { a: measure('a'), b: measure('b') })
    expect(taken).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect([a.p50, b.p50]).toEqual([5, 6])
  })
})
