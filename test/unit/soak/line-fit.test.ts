import { describe, expect, test } from 'vitest'
import { fitLine } from '../../soak/line-fit.ts'

describe('the slope that the soak goes by', () => {
  test('is that of points on a line, without a doubt', () => {
    const { slope, uncertainty } = fitLine([1, 2, 3, 5, 8].map((x) => ({ x, y: 40 + 3 * x })))
    expect(slope).toBeCloseTo(3)
    expect(uncertainty).toBeCloseTo(0)
  })

  test('is as uncertain as the points scatter: those of Anscombe’s first set', () => {
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    const { slope, uncertainty } = fitLine(x.map((at, index) => ({ x: at, y: y[index] ?? 0 })))
    // Standard error 0.1179.
    expect(slope).toBeCloseTo(0.5, 3)
    expect(uncertainty).toBeCloseTo(1.96 * 0.1179, 3)
  })

  test('is not there for two points', () => {
    expect(() =>
      fitLine([
        { x: 0, y: 0 },
        { x: 1, y: 1 },
      ]),
    ).toThrow('2 points')
  })
})
