import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'

type Done = (error: Error | null, body?: unknown) => void
type ContentParser = (request: unknown, body: Buffer, done: Done) => void

let parser: ContentParser | undefined
const catching = {
  addContentTypeParser: (_type: string, _options: object, given: ContentParser) => {
    parser = given
  },
} as unknown as FastifyInstance
await formbody(catching, {}, () => undefined)

/** A form as the broker's own parser of forms reads it. */
export function formOf(body: Uint8Array): unknown {
  let form: unknown
  parser?.(undefined, Buffer.from(body), (error, read) => {
    if (error) throw error
    form = read
  })
  return form
}
