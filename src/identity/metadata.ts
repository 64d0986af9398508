import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ServerMetadata,
} from 'openid-client'
import type { Fetch } from '../ports.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { SingleFlight } from '../waiting/single-flight.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { translateIdentityError } from './errors.ts'

export interface IdentitySettings {
  readonly issuer: string
  readonly clientId: string
  readonly fetch: Fetch
  /** Set by `allowInsecureLoopback` only: the sandbox speaks http on this machine. */
  readonly insecureLoopback: boolean
}

const callTimeoutS = 10
const metadataLifeMs = 3600_000

/** The issuer's metadata (OpenID Connect Discovery, RFC 8414), read when first needed and kept for an hour. */
export class IssuerMetadata {
  readonly #settings: IdentitySettings
  readonly #reading = new SingleFlight<ServerMetadata>()
  #known: { readonly metadata: ServerMetadata; readonly readAtMs: number } | undefined

  constructor(settings: IdentitySettings) {
    this.#settings = settings
  }

  /** Which Autodesk app, and whose. */
  get client(): { readonly issuer: string; readonly clientId: string } {
    const { issuer, clientId } = this.#settings
    return { issuer, clientId }
  }

  /**
   * What openid-client needs for one conversation. `fetch` sees every request of it; `signal` ends it. ID tokens are
   * accepted with a valid RS256 signature of the issuer only (openid-client does not look at signatures by default).
   */
  async configuration(signal: AbortSignal, fetch: Fetch = this.#settings.fetch): Promise<Configuration> {
    return this.#configure(await this.#read(signal), signal, fetch)
  }

  /** The same with metadata of any age, for what must not wait: revoking at sign-out. */
  async configurationAtHand(signal: AbortSignal, fetch: Fetch): Promise<Configuration> {
    return this.#configure(this.#known?.metadata ?? (await this.#read(signal)), signal, fetch)
  }

  #configure(metadata: ServerMetadata, signal: AbortSignal, fetch: Fetch): Configuration {
    const client = { id_token_signed_response_alg: 'RS256' }
    const configuration = new Configuration(metadata, this.#settings.clientId, client, None())
    configuration[customFetch] = (url, options) => {
      const signals = [signal, ...(options.signal ? [options.signal] : [])]
      return fetch(url, { ...options, body: options.body ?? null, signal: anySignal(signals) } as RequestInit)
    }
    configuration.timeout = callTimeoutS
    enableNonRepudiationChecks(configuration)
    if (this.#settings.insecureLoopback) allowInsecureRequests(configuration)
    return configuration
  }

  async #read(signal: AbortSignal): Promise<ServerMetadata> {
    if (this.#known && performance.now() - this.#known.readAtMs < metadataLifeMs) return this.#known.metadata
    return untilAborted(
      this.#reading.run(() => this.#discover()),
      signal,
    )
  }

  async #discover(): Promise<ServerMetadata> {
    const { issuer, clientId, fetch, insecureLoopback } = this.#settings
    try {
      const found = await discovery(new URL(issuer), clientId, undefined, None(), {
        timeout: callTimeoutS,
        [customFetch]: (url, options) => fetch(url, { ...options, body: options.body ?? null } as RequestInit),
        execute: insecureLoopback ? [allowInsecureRequests] : [],
      })
      const metadata = withRevocation(found.serverMetadata())
      this.#known = { metadata, readAtMs: performance.now() }
      return metadata
    } catch (error) {
      throw await translateIdentityError(error, `reading the metadata of "${issuer}"`)
    }
  }
}

/** Autodesk's documents name the revocation endpoint in two ways; the path is the same. facts: identity §1.1 */
function withRevocation(metadata: ServerMetadata): ServerMetadata {
  if (metadata.revocation_endpoint) return { ...metadata }
  const other = (metadata as Record<string, unknown>)['revoke_endpoint']
  const endpoint = typeof other === 'string' ? other : `${metadata.issuer}/authentication/v2/revoke`
  return { ...metadata, revocation_endpoint: endpoint }
}
