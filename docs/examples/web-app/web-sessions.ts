import { randomBytes } from 'node:crypto'
import type { ShotgridSession } from './shotgrid-session.ts'

/** No sign-in lasts longer than this, however busy the person is. */
const longestMs = 12 * 3600_000

interface Kept {
  readonly session: ShotgridSession
  readonly begunAt: number
  usedAt: number
}

/** Who is signed in to this web app: in memory only, so that a restart signs everybody out. */
export class WebSessions {
  readonly #kept = new Map<string, Kept>()
  readonly #cookie: string
  readonly #attributes: string
  readonly #now: () => number

  /** `__Host-` (RFC 6265bis §4.1.3) keeps other hosts of the domain from setting the cookie; it needs https. */
  constructor(origin: string, now: () => number = Date.now) {
    this.#now = now
    const isSecure = origin.startsWith('https:')
    this.#cookie = isSecure ? '__Host-notes' : 'notes'
    this.#attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  }

  /** Keeps a session under a name nobody had before; returns the `Set-Cookie` header. */
  begin(session: ShotgridSession): string {
    const now = this.#now()
    for (const [id, kept] of this.#kept) if (hasEnded(kept, now)) this.#kept.delete(id)
    const id = randomBytes(32).toString('base64url')
    this.#kept.set(id, { session, begunAt: now, usedAt: now })
    return `${this.#cookie}=${id}; ${this.#attributes}`
  }

  /** The session that the `Cookie` header names, while it is good. */
  find(header: string | undefined): ShotgridSession | undefined {
    const kept = this.#kept.get(this.#idIn(header))
    const now = this.#now()
    if (!kept || hasEnded(kept, now)) return undefined
    kept.usedAt = now
    return kept.session
  }

  /** Forgets it; returns the `Set-Cookie` header that makes the browser forget it too. */
  end(header: string | undefined): string {
    this.#kept.delete(this.#idIn(header))
    return `${this.#cookie}=; ${this.#attributes}; Max-Age=0`
  }

  #idIn(header = ''): string {
    const pairs = header.split(';').map((pair) => pair.trim().split('='))
    return pairs.find(([name]) => name === this.#cookie)?.[1] ?? ''
  }
}

function hasEnded({ session, begunAt, usedAt }: Kept, now: number): boolean {
  return now - usedAt > session.idleMs || now - begunAt > longestMs
}
