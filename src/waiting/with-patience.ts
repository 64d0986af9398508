/**
 * Waits for work as long as it is worth it: resolves or rejects as the work does, or resolves with undefined after
 * `limitMs`. The work goes on by itself; what becomes of it later goes unheard.
 */
export function withPatience<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(resolve, limitMs, undefined)
    work.then(resolve, reject).finally(() => clearTimeout(limit))
  })
}
