import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../ports.ts'
import type { GatewayCaller } from './gateway-callers.ts'

/** One log line a call: what was called, by whom, and how it ended; nothing of what was said. */
export class CallLog {
  readonly #log: Log
  readonly #calls = new WeakMap<FastifyRequest, { readonly method: string; readonly caller?: GatewayCaller }>()

  constructor(log: Log) {
    this.#log = log
  }

  note(request: FastifyRequest, method: string, caller?: GatewayCaller): void {
    this.#calls.set(request, { method, ...(caller ? { caller } : {}) })
  }

  /** Who calls, if that is known already. */
  callerOf(request: FastifyRequest): GatewayCaller | undefined {
    return this.#calls.get(request)?.caller
  }

  writeLine(request: FastifyRequest, reply: FastifyReply): void {
    const call = this.#calls.get(request)
    if (!call) return
    const { method, caller } = call
    const who = caller && {
      site: caller.site.url,
      login: caller.acting.sudoAsLogin,
      sessionUuid: caller.acting.sessionUuid,
    }
    const ms = Math.round(reply.elapsedTime)
    this.#log.info({ requestId: request.id, method, ...who, status: reply.statusCode, ms }, 'gateway call')
  }
}
