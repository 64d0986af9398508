export interface Point {
  readonly x: number
  readonly y: number
}

export interface LineFit {
  readonly slope: number
  /** Half the width of the 95 % interval of the slope, if the points scatter about a line independently of each other. */
  readonly uncertainty: number
}

/** The straight line with the least squares. Throws for fewer than three points. */
export function fitLine(points: readonly Point[]): LineFit {
  const count = points.length
  if (count < 3) throw new Error(`a line cannot be fitted to ${count} points`)
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / count
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)]
  const spread = count * mean(({ x }) => (x - meanX) ** 2)
  const slope = (count * mean(({ x, y }) => (x - meanX) * (y - meanY))) / spread
  const left = count * mean(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2)
  return { slope, uncertainty: 1.96 * Math.sqrt(left / (count - 2) / spread) }
}
