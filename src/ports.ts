import type { Logger } from 'pino'
import type { Secret } from './secrets/secret.ts'

/**
 * Every effect the core has on the world outside its own sockets and files. The headless agent brings plain Node
 * adapters (`cli/system-ports.ts`), the tray app Electron's; tests bring one fake for each.
 */
export interface Ports {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly openBrowser: OpenBrowser
  readonly log: Log
  /** Absent where there is none to use: then everything stays in memory. */
  readonly secretStore?: SecretStore
}

/**
 * The way to every server outside this machine: system proxy, system certificates, no cookies, no cache. Follows no
 * redirect unless asked to. TLS checks are never relaxed.
 */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Clock {
  /** Wall clock, milliseconds since the epoch. Decides when a session ends; jumps when the machine's clock is set. */
  now(): number
  /** Milliseconds that never run backwards; stands still while the machine sleeps. Catches a wall clock set back. */
  monotonicMs(): number
}

/** Opens a URL in the person's own browser. Rejects when no browser could be started. */
export type OpenBrowser = (url: URL) => Promise<void>

/**
 * The system's keychain, as far as this user and program may use it. Each call rejects with `secret_store_unavailable` when
 * it cannot be used; a keychain that asks the person for something may take as long as they do.
 */
export interface SecretStore {
  get(name: string): Promise<Secret | undefined>
  set(name: string, secret: Secret): Promise<void>
  /** Succeeds when there is nothing under the name. */
  delete(name: string): Promise<void>
}

/** Structured log lines. Values are names, counts and codes; a secret that slips in prints as `[secret]`. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
