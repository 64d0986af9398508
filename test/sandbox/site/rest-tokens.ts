import { randomBytes, randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { noteSecret } from '../canaries.ts'
import type { SandboxClock } from '../clock.ts'

const accessLifetimeS = 600
const refreshLifetimeS = 24 * 3600

/** What a bearer says of its holder. facts: SGT 027 */
const grantSchema = z.object({
  /** Stays the script under sudo. */
  user: z.object({ type: z.string(), id: z.int() }),
  /** The login a script acts as. */
  sudo_as_login: z.string().nullable(),
  auth_type: z.enum(['api_key', 'password', 'session_token']),
  session_uuid: z.string().nullable(),
})

export type RestGrant = z.output<typeof grantSchema>

/** The answer of the token endpoint. facts: SGT 001 */
export interface TokenAnswer {
  readonly token_type: 'Bearer'
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token: string
}

/** Bearers and refresh tokens: HS256 JWTs, 600 s and 24 h, the second good for one use. facts: SGT 001, 027, RS */
export class RestTokens {
  readonly #key = randomBytes(32)
  readonly #host: string
  readonly #clock: SandboxClock
  /** `jti` of refresh tokens nobody has used yet. */
  readonly #unused = new Set<string>()

  constructor(siteUrl: string, clock: SandboxClock) {
    this.#host = new URL(siteUrl).host
    this.#clock = clock
  }

  async issue(grant: RestGrant): Promise<TokenAnswer> {
    const refreshId = randomUUID()
    this.#unused.add(refreshId)
    const [accessToken, refreshToken] = await Promise.all([
      this.#sign(grant, randomUUID(), accessLifetimeS),
      this.#sign({ ...grant, token_use: 'refresh' }, refreshId, refreshLifetimeS),
    ])
    return {
      token_type: 'Bearer',
      access_token: noteSecret('REST access token', accessToken),
      expires_in: accessLifetimeS,
      refresh_token: noteSecret('REST refresh token', refreshToken),
    }
  }

  /** What a good bearer grants; undefined for one that is expired, forged or a refresh token. */
  async readBearer(token: string): Promise<RestGrant | undefined> {
    const payload = await this.#verify(token)
    return payload && payload['token_use'] === undefined ? grantSchema.safeParse(payload).data : undefined
  }

  /** What a refresh token grants, the first time; undefined ever after. */
  async spendRefreshToken(token: string): Promise<RestGrant | undefined> {
    const payload = await this.#verify(token)
    if (payload?.['token_use'] !== 'refresh' || !this.#unused.delete(String(payload['jti']))) return undefined
    return grantSchema.safeParse(payload).data
  }

  /** Makes every refresh token a spent one. */
  clear(): void {
    this.#unused.clear()
  }

  #sign(claims: Record<string, unknown>, id: string, lifetimeS: number): Promise<string> {
    const now = this.#clock.nowS()
    return new SignJWT({ ...claims, iss: this.#host, aud: this.#host, exp: now + lifetimeS, iat: now, jti: id })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(this.#key)
  }

  async #verify(token: string): Promise<Record<string, unknown> | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        issuer: this.#host,
        audience: this.#host,
        currentDate: new Date(this.#clock.now()),
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
