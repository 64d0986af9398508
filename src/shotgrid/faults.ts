import { AgentError } from '../errors.ts'
import { transportReason } from '../transport-failure.ts'

/** What a fault's number says. facts: shotgrid §1.5, §2.5 */
export type FaultKind =
  /** 102: wrong credentials, ended session or refused sudo: the number alone does not tell which. */
  | 'authentication'
  /** 106 */
  | 'two_factor_missing'
  /** 108 */
  | 'sso_only'
  /** 110 */
  | 'identity_only'
  | 'other'

const kinds: Readonly<Record<number, FaultKind>> = {
  102: 'authentication',
  106: 'two_factor_missing',
  108: 'sso_only',
  110: 'identity_only',
}

/** The site understood the request and refused it. `message` is the site's own sentence. */
export class SiteFault extends Error {
  override readonly name = 'SiteFault'
  readonly kind: FaultKind
  readonly faultCode: number | undefined

  constructor(message: string, faultCode: number | undefined) {
    super(message)
    this.faultCode = faultCode
    this.kind = (faultCode === undefined ? undefined : kinds[faultCode]) ?? 'other'
  }
}

/** The site gave no answer we can use: transport trouble, an unexpected status, or something that is not JSON. */
export class SiteTrouble extends Error {
  override readonly name = 'SiteTrouble'
  /** Absent when there was no HTTP answer. */
  readonly status: number | undefined
  /** How long the site asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    status: number | undefined,
    options?: ErrorOptions & { readonly retryAfterMs?: number },
  ) {
    super(message, options)
    this.status = status
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** `site_unreachable` for everything that is no refusal; refusals stay SiteFaults for the caller to judge. */
export function translateSiteTrouble(thrown: unknown, site: string, doing: string): unknown {
  if (thrown instanceof AgentError || thrown instanceof SiteFault) return thrown
  const reason = thrown instanceof SiteTrouble ? thrown.message : transportReason(thrown)
  const retryAfterMs = thrown instanceof SiteTrouble ? thrown.retryAfterMs : undefined
  return new AgentError('site_unreachable', `${doing} at "${site}": ${reason}`, { cause: thrown, retryAfterMs })
}
