import type { FastifyRequest } from 'fastify'

export interface StreamedBody {
  readonly body: AsyncIterable<Uint8Array>
  /** The site has answered, or never will: what it has not read yet is for others to throw away. */
  letGo(): Promise<void>
}

/** A request's body as it comes, to be sent on. */
export function streamBody(raw: FastifyRequest['raw']): StreamedBody {
  const chunks: AsyncIterator<Uint8Array> = raw.iterator({ destroyOnReturn: false })
  let isLetGo = false
  async function* body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await chunks.next()
      // An end here would make a whole of what is none; the connection ends when its answer has been read.
      if (isLetGo) await new Promise<never>(() => undefined)
      if (done) return
      yield value
    }
  }
  return {
    body: body(),
    async letGo() {
      if (raw.readableEnded) return
      isLetGo = true
      await chunks.return?.()
    },
  }
}
