import { z } from 'zod'
import { Refusal, signedOut } from './refusal.ts'

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** The one fault code that says the session is none any more. facts: shotgrid §5 */
const authenticationFault = 102
const callLimitMs = 30_000

const faultSchema = z.object({ exception: z.literal(true), message: z.string(), error_code: z.number() })
const answerSchema = z.object({ results: z.unknown() })

/** What the broker gave: somebody's own session. The token leaves this object on the way to ShotGrid only. */
export class ShotgridSession {
  readonly person: { readonly name: string; readonly login: string }
  /** How long ShotGrid keeps it when nothing is done with it. */
  readonly idleMs: number
  readonly #token: string
  readonly #apiUrl: string
  readonly #sessionUuid: string
  readonly #fetch: Fetch

  constructor(
    fetch: Fetch,
    granted: { token: string; apiUrl: string; sessionUuid: string; name: string; login: string; expiresInS: number },
  ) {
    this.#fetch = fetch
    this.#token = granted.token
    this.#apiUrl = granted.apiUrl
    this.#sessionUuid = granted.sessionUuid
    this.person = { name: granted.name, login: granted.login }
    this.idleMs = granted.expiresInS * 1000
  }

  /**
   * Calls a method of ShotGrid's JSON-RPC API as the person, under the `session_uuid` of the broker's audit, so that the site's
   * event log and the audit can be laid side by side. Throws Refusal, `signed_out` when the session has ended.
   */
  async call<S extends z.ZodType>(method: string, params: object, results: S): Promise<z.output<S>> {
    const auth = { session_token: this.#token, session_uuid: this.#sessionUuid, reject_if_expired: true }
    let body: unknown
    try {
      const answer = await this.#fetch(`${this.#apiUrl}/api3/json`, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ method_name: method, params: [auth, params] }),
        redirect: 'error',
        signal: AbortSignal.timeout(callLimitMs),
      })
      body = await answer.json()
    } catch (cause) {
      throw new Refusal(502, 'shotgrid_unreachable', 'ShotGrid cannot be reached right now.', { cause })
    }
    const fault = faultSchema.safeParse(body).data
    if (fault?.error_code === authenticationFault) throw signedOut()
    if (fault) throw new Refusal(403, 'shotgrid_refused', `ShotGrid says no: ${fault.message}`)
    const parsed = results.safeParse(answerSchema.safeParse(body).data?.results)
    if (parsed.success) return parsed.data
    throw new Refusal(502, 'shotgrid_unreachable', 'ShotGrid answered in an unknown form.', { cause: parsed.error })
  }
}
