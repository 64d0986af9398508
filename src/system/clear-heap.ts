import { Session } from 'node:inspector'
import type { Log } from '../ports.ts'

/** Longer than what a sign-out still asks of Autodesk and the site takes. */
const delayMs = 4_000

/**
 * Has V8 let go of what nobody holds any more, once a session is over: a token that a library wanted as text lies about until
 * then, which may be for hours in a program that does nothing. Costs some 30 ms. Returns how to stop.
 */
export function clearHeapAfterSignOut(
  agent: { onChange(listener: (status: { readonly state: string }) => void): () => void },
  log: Log,
): () => void {
  let timer: NodeJS.Timeout | undefined
  const stop = agent.onChange(({ state }) => {
    if (state !== 'signed_out') return
    clearTimeout(timer)
    timer = setTimeout(() => collectGarbage(log), delayMs)
    timer.unref()
  })
  return () => {
    stop()
    clearTimeout(timer)
  }
}

/** By V8's own inspector, which listens nowhere: the one way to ask for it that needs no switch at the start. */
function collectGarbage(log: Log): void {
  try {
    const inspector = new Session()
    inspector.connect()
    const startedMs = performance.now()
    inspector.post('HeapProfiler.collectGarbage', (error) => {
      // Not from here: V8 holds a lock while it answers, and waits for that lock for ever when the session goes.
      setImmediate(() => inspector.disconnect())
      log.debug({ err: error ?? undefined, ms: Math.round(performance.now() - startedMs) }, 'cleared the heap')
    })
  } catch (error) {
    log.debug({ err: error }, 'the heap could not be cleared')
  }
}
