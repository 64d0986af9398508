const sourcesOf = new WeakMap<AbortSignal, readonly AbortSignal[]>()

/**
 * Aborts as soon as one of them does, with its reason: `AbortSignal.any`, for signals that were made here before as well. Node 24
 * never frees a signal made of one that `AbortSignal.any` has made, once it was given to `fetch` (`test/integration/any-signal.test.ts`),
 * so each is made of the ones behind those.
 */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const sources = [...new Set(signals.flatMap((signal) => sourcesOf.get(signal) ?? [signal]))]
  const any = AbortSignal.any(sources)
  // As long as it lives: a time limit that nobody holds is not kept.
  sourcesOf.set(any, sources)
  return any
}
