import type { IncomingMessage } from 'node:http'
import { AgentError } from '../../errors.ts'
import { GatheredBytes } from '../../secrets/gathered-bytes.ts'
import { Secret } from '../../secrets/secret.ts'

export const mostRpcBytes = 32 * 1024 * 1024
/** What anybody may send; no longer is what comes before the parameters of a call. */
const strangerBytes = 64 * 1024

/**
 * The body of a call. Only who shows a session may send more than a little: `demandLiving` gets the token that stands at the
 * beginning, before the rest is read, held in memory or parsed. What it lets pass is judged anew when all of it is there. Throws
 * `invalid_request`, and what `demandLiving` throws; the rest is then unread.
 */
export async function readRpcBody(
  raw: IncomingMessage,
  demandLiving: (token: Secret | undefined) => Promise<void>,
): Promise<string> {
  const body = new GatheredBytes()
  let isKnown = false
  try {
    for await (const chunk of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (body.length + chunk.length > mostRpcBytes)
        throw new AgentError('invalid_request', 'the body is larger than 32 MiB')
      body.add(chunk)
      if (isKnown || body.length <= strangerBytes) continue
      await demandLiving(tokenAtStart(body.peek(strangerBytes)))
      isKnown = true
    }
  } catch (cause) {
    if (cause instanceof AgentError) throw cause
    throw new AgentError('invalid_request', 'the body broke off', { cause })
  }
  return body.take().toString('utf8')
}

function tokenAtStart(body: Buffer): Secret | undefined {
  const start = body.toString('latin1')
  const [, token] = /"session_token"\s*:\s*"([^"\\]{1,500})"/.exec(start) ?? []
  return token === undefined ? undefined : new Secret(token)
}
