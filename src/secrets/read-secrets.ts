import type { Secret } from './secret.ts'
import { type JsonPath, takeSecrets } from './take-secrets.ts'

/** A JSON answer that had secrets in it. */
export interface ReadAnswer {
  /** With asterisks where the secrets were. */
  readonly body: unknown
  /** In the order of the paths. */
  readonly secrets: readonly (Secret | undefined)[]
}

/**
 * Reads a JSON answer and takes the texts at `paths` out of its bytes before they become strings. Throws JsonBytesError when it
 * is not JSON, or what reading throws.
 */
export async function readSecrets(response: Response, ...paths: readonly JsonPath[]): Promise<ReadAnswer> {
  const bytes = await readBytes(response)
  try {
    const secrets = takeSecrets(bytes, ...paths)
    return { secrets, body: JSON.parse(new TextDecoder().decode(bytes)) }
  } finally {
    bytes.fill(0)
  }
}

/** The whole body; the pieces it came in are wiped. */
export async function readBytes(response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const reader = response.body?.getReader()
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) pieces.push(next.value)
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
    piece.fill(0)
  }
  return whole
}
