import { dial } from '../socket/dial.ts'
import type { Endpoint } from '../socket/endpoint-file.ts'
import type { Method, ParamsInput, Result } from '../socket/messages.ts'
import { version } from '../version.ts'

const answerLimitMs = 5_000

/** One question to the agent that is announced there. Throws an AgentError: why there is no answer, or the answer itself. */
export async function askAgent<M extends Method>(
  endpoint: Endpoint,
  method: M,
  params: ParamsInput<M>,
  signal: AbortSignal,
): Promise<Result<M>> {
  const line = await dial(endpoint, { name: 'sg-session doctor', version }, answerLimitMs)
  const hangUp = (): void => line.close()
  signal.addEventListener('abort', hangUp, { once: true })
  try {
    return await line.request(method, params, answerLimitMs)
  } finally {
    signal.removeEventListener('abort', hangUp)
    hangUp()
  }
}
