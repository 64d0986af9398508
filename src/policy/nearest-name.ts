/** The candidate that somebody most likely meant: the same but for case, or a few letters away. Undefined where none is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  let best: { readonly candidate: string; readonly steps: number } | undefined
  for (const candidate of candidates) {
    const steps = stepsBetween(wanted, candidate.toLowerCase())
    if (steps <= mostSteps(wanted) && (!best || steps < best.steps)) best = { candidate, steps }
  }
  return best?.candidate
}

/** Short names are near to everything. */
function mostSteps(name: string): number {
  return Math.min(3, Math.floor(name.length / 3))
}

/** How many letters must be put in, taken out or changed. Levenshtein's distance, row by row. */
function stepsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let at = 1; at <= a.length; at += 1) {
    const next = [at]
    for (let to = 1; to <= b.length; to += 1) {
      const changed = (row[to - 1] ?? 0) + (a[at - 1] === b[to - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
