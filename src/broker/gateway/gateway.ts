import type { FastifyReply, FastifyRequest } from 'fastify'
import { AgentError, asAgentError, type ErrorCode } from '../../errors.ts'
import type { Secret } from '../../secrets/secret.ts'
import { countedAs } from '../operation/limits.ts'
import type { Parts } from '../parts.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { CallLog } from './call-log.ts'
import { drain } from './drain.ts'
import { ForeignCredential } from './foreign-credentials.ts'
import { entryOf } from './gateway-callers.ts'

const idleLimitMs = 120_000
/** How long somebody without a session may go on sending what is refused. */
const refusedLimitMs = 60_000
const strangerRowEveryMs = 60_000

type GatewayParts = Pick<
  Parts,
  | 'ports'
  | 'limits'
  | 'stops'
  | 'auditLog'
  | 'gatewayAddresses'
  | 'gatewayCallers'
  | 'gatewayBearers'
  | 'gatewaySessions'
>

/** What costs whoever is nobody. */
const strangersFaults: ReadonlySet<ErrorCode> = new Set(['session_ended', 'invalid_request', 'unknown_method'])

/** What the gateway's routes have in common. */
export class Gateway {
  readonly parts: GatewayParts
  readonly calls: CallLog
  #strangerRecordedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: GatewayParts) {
    this.parts = parts
    this.calls = new CallLog(parts.ports.log)
  }

  /** The sites a request may be for, by the address it came to. */
  sitesOf({ headers }: FastifyRequest): readonly ScriptedSite[] {
    return this.parts.gatewayAddresses.at(headers.host)
  }

  /** The site that an address stands for alone, for who says nothing about who it is. Throws `site_unknown`, RateLimited, `broker_stopped`. */
  async siteForStranger(request: FastifyRequest): Promise<ScriptedSite> {
    await this.countStranger(request)
    const [site, another] = this.sitesOf(request)
    if (!site || another) throw new AgentError('site_unknown', 'this address stands for several sites')
    await this.parts.stops.demandGoingForStranger(site.url)
    return site
  }

  /**
   * What to answer to whatever was thrown. Whoever has no good session is counted by address, so that nobody can fill the
   * audit or try tokens without end; then this is RateLimited.
   */
  async judgeThrown(thrown: unknown, request: FastifyRequest): Promise<AgentError> {
    const error = asAgentError(thrown)
    const { log } = this.parts.ports
    if (error.code === 'internal_error') log.error({ requestId: request.id, err: error }, 'gateway call failed')
    const isStranger = !(error instanceof ForeignCredential) && !this.calls.callerOf(request)
    if (!isStranger || !strangersFaults.has(error.code)) return error
    return this.countStranger(request).then(
      () => error,
      (tooMany: unknown) => asAgentError(tooMany),
    )
  }

  /** Throws RateLimited. */
  countStranger({ ip }: FastifyRequest): Promise<void> {
    return this.parts.limits.count('requestsPerAddress', `gateway ${countedAs(ip)}`)
  }

  /**
   * Until a request has come as a whole; what nobody has read of it is thrown away. A client reads no answer before it has
   * sent everything, and an answer before that would close a connection that is not kept.
   */
  async untilSent(request: FastifyRequest): Promise<void> {
    await drain(request.raw, this.calls.callerOf(request) ? undefined : refusedLimitMs)
  }

  /** For bodies that take as long as they take: ends a connection on which nothing moves. */
  endWhenIdle({ raw }: FastifyRequest): void {
    raw.setTimeout(idleLimitMs, () => raw.destroy())
  }

  /** Refuses a call with a credential that is not taken here; the audit knows it before the answer leaves. */
  async refuseForeign(field: string, sessionToken: Secret | undefined, request: FastifyRequest): Promise<never> {
    const error = new ForeignCredential(field)
    await this.countStranger(request)
    const {
      gatewaySessions,
      auditLog,
      ports: { log },
    } = this.parts
    const sites = this.sitesOf(request)
    const found = sessionToken && (await gatewaySessions.find(sessionToken))
    const session = found && sites.some(({ url }) => url === found.site) ? found : undefined
    const [onlySite] = sites
    if (!session && !this.#mayRecordStranger()) {
      log.warn({ requestId: request.id, clientAddress: request.ip, err: error }, 'foreign credential, not recorded')
      throw error
    }
    await auditLog.write({
      event: 'gateway',
      actor: 'unknown',
      ...(onlySite && sites.length === 1 ? { site: onlySite.url } : {}),
      ...(session ? entryOf(session) : {}),
      requestId: request.id,
      clientAddress: request.ip,
      outcome: error.code,
      detail: error.message,
    })
    throw error
  }

  /** Nobody can delete from the audit, and strangers can come from everywhere: one row a minute says that they do. */
  #mayRecordStranger(): boolean {
    const now = this.parts.ports.clock.monotonicMs()
    if (now - this.#strangerRecordedAtMs < strangerRowEveryMs) return false
    this.#strangerRecordedAtMs = now
    return true
  }

  /** Aborts when the client has gone. */
  goneSignal({ raw }: FastifyReply): AbortSignal {
    const gone = new AbortController()
    raw.once('close', () => gone.abort())
    return gone.signal
  }
}
