import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'

/**
 * One thing that goes wrong on a route. `path` is a prefix of the request path, or a whole path when it ends in `$`.
 * Without `times` and `forMs` the fault stays until it is cleared; with both, whichever ends first ends it.
 */
export const faultSchema = z.strictObject({
  method: z.string().optional(),
  path: z.string().min(1),
  times: z.number().int().positive().optional(),
  forMs: z.number().int().positive().optional(),
  does: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('status'),
      status: z.number().int().min(200).max(599),
      body: z.string().default(''),
      headers: z.record(z.string(), z.string()).default({}),
    }),
    /** Answers as usual, later. */
    z.strictObject({ kind: z.literal('delay'), ms: z.number().int().positive() }),
    /** Promises more bytes than it sends, then closes. */
    z.strictObject({ kind: z.literal('half-body') }),
    /** Closes the connection with RST before any byte. */
    z.strictObject({ kind: z.literal('reset') }),
    /** A captive portal or proxy block page: 200 with HTML where JSON was due. */
    z.strictObject({ kind: z.literal('html') }),
    /** The request takes effect; its answer never arrives. */
    z.strictObject({ kind: z.literal('lost-reply') }),
  ]),
})

export type Fault = z.output<typeof faultSchema>
export type FaultInput = z.input<typeof faultSchema>
type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The faults of one server, and the door every request passes before the server sees it. */
export class Faults {
  #active: { fault: Fault; left: number; until: number }[] = []

  /** Throws a ZodError when the fault is not of the schema. */
  inject(input: FaultInput): void {
    const fault = faultSchema.parse(input)
    this.#active.push({
      fault,
      left: fault.times ?? Number.POSITIVE_INFINITY,
      until: fault.forMs ? Date.now() + fault.forMs : Number.POSITIVE_INFINITY,
    })
  }

  clear(): void {
    this.#active = []
  }

  list(): Fault[] {
    this.#dropSpent()
    return this.#active.map((entry) => entry.fault)
  }

  guard(handler: Handler): Handler {
    return (request, response) => {
      const fault = this.#take(request)
      if (!fault) return handler(request, response)
      switch (fault.does.kind) {
        case 'status':
          request.resume()
          response.writeHead(fault.does.status, { 'content-type': 'application/json', ...fault.does.headers })
          return void response.end(fault.does.body)
        case 'delay':
          return void setTimeout(() => handler(request, response), fault.does.ms)
        case 'half-body':
          request.resume()
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4096' })
          response.write('{"results": {"entit')
          return void setTimeout(() => request.socket.destroy(), 20)
        case 'reset':
          return void request.socket.resetAndDestroy()
        case 'html':
          request.resume()
          response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          return void response.end(
            '<!doctype html><title>Sign in to the network</title><p>Please accept the terms.</p>',
          )
        case 'lost-reply':
          response.write = () => true
          response.end = ((..._args: unknown[]) => {
            request.socket.destroy()
            return response
          }) as typeof response.end
          return handler(request, response)
      }
    }
  }

  #take(request: IncomingMessage): Fault | undefined {
    this.#dropSpent()
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (isControl(path)) return undefined
    const entry = this.#active.find(({ fault }) => matches(fault, request.method ?? 'GET', path))
    if (entry) entry.left -= 1
    return entry?.fault
  }

  #dropSpent(): void {
    this.#active = this.#active.filter((entry) => entry.left > 0 && Date.now() < entry.until)
  }
}

/** Calls to the control API: never disturbed and never logged. */
export function isControl(path: string): boolean {
  return path === '/sandbox' || path.startsWith('/sandbox/')
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method && fault.method.toUpperCase() !== method) return false
  return fault.path.endsWith('$') ? path === fault.path.slice(0, -1) : path.startsWith(fault.path)
}
