import type { IncomingMessage } from 'node:http'

/**
 * Reads a request to its end and throws away what comes: a client reads no answer before it has sent everything. Who has not
 * done so within `limitMs` is hung up on: a refusal must not hold a connection for as long as an upload may take.
 */
export async function drain(raw: IncomingMessage, limitMs?: number): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return
  const giveUp = limitMs === undefined ? undefined : setTimeout(() => raw.destroy(), limitMs)
  raw.resume()
  await new Promise<void>((resolve) => {
    raw.once('end', resolve).once('close', resolve)
  })
  clearTimeout(giveUp)
}
