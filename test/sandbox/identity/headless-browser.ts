import http from 'node:http'
import https from 'node:https'
import type { Account } from './accounts.ts'
import { paths } from './metadata.ts'

export interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly body: string
}

const deadlineMs = 10_000
const redirectLimit = 10

/**
 * A browser without a window: follows redirects, keeps cookies from sign-in to sign-in, and fills in the form. Opens a
 * connection a request, so nothing stays open behind it.
 */
export class HeadlessBrowser {
  readonly #cookies = new Map<string, string>()
  readonly #ca: string | undefined

  /** `ca`: the certificate to trust, when the issuer speaks https with one of its own. */
  constructor(ca?: string) {
    this.#ca = ca
  }

  /**
   * Opens an authorization URL and signs in where it is asked to. Returns where the provider sends it in the end, a URL
   * that starts with `redirectUri`, without opening that. Throws when it arrives anywhere else.
   */
  async signIn(start: URL, account: Pick<Account, 'email' | 'password'>, redirectUri: string): Promise<URL> {
    let target = start
    let form: URLSearchParams | undefined
    for (let step = 0; step < redirectLimit; step += 1) {
      if (target.href.startsWith(redirectUri)) return target
      const { status, location, body } = await this.send(target, form)
      form = undefined
      if (location !== undefined) target = new URL(location, target)
      else if (status === 200 && target.pathname.startsWith(paths.signIn)) {
        form = new URLSearchParams({ email: account.email, password: account.password })
      } else throw new Error(`the sign-in of "${account.email}" got stuck at "${target.pathname}" (${status}): ${body}`)
    }
    throw new Error(`the sign-in of "${account.email}" was redirected more than ${redirectLimit} times`)
  }

  /** POSTs when there is a form, GETs otherwise. */
  send(target: URL, form?: URLSearchParams): Promise<Answer> {
    const body = form?.toString()
    const options: https.RequestOptions = {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    }
    return new Promise((resolve, reject) => {
      const onAnswer = (response: http.IncomingMessage): void => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          this.#keepCookies(response.headers['set-cookie'] ?? [])
          const { statusCode = 0, headers } = response
          resolve({ status: statusCode, location: headers.location, body: Buffer.concat(chunks).toString() })
        })
      }
      const { request } = target.protocol === 'https:' ? https : http
      request(target, options, onAnswer).on('error', reject).end(body)
    })
  }

  #keepCookies(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name === undefined) continue
      if (value) this.#cookies.set(name, value)
      else this.#cookies.delete(name)
    }
  }
}
