import http from 'node:http'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { ExchangeStage } from './exchange-stage.ts'
import type { WorldOptions } from './world.ts'

/** What `shotgun_api3` puts before its parameters when it has a session token. */
export interface SessionAuth {
  readonly [name: string]: unknown
  readonly session_token: string
  readonly reject_if_expired: true
}

/** What the gateway is for: a site whose sudo sessions are the script's. */
const dangerous: Partial<SiteSwitches> = { sudoSessionOwner: 'script' }

/** A broker that serves the gateway, and people with sessions of it. The broker's clock is ours. */
export class GatewayStage {
  readonly exchanges: ExchangeStage
  /** Where tools reach the site. */
  readonly url: string

  private constructor(exchanges: ExchangeStage) {
    this.exchanges = exchanges
    this.url = exchanges.world.broker.url
  }

  static async open(options: WorldOptions = {}): Promise<GatewayStage> {
    const site = { ...dangerous, ...options.site }
    return new GatewayStage(
      await ExchangeStage.open({ ...options, site, broker: { issue: 'gateway', ...options.broker } }),
    )
  }

  get world() {
    return this.exchanges.world
  }

  get site() {
    return this.world.site
  }

  get clock() {
    return this.exchanges.clock
  }

  get database() {
    return this.world.broker.database
  }

  /** Signs in and returns what the tool gets. */
  async session(person = 'artist', site?: string): Promise<SessionAuth> {
    const answer = await this.exchanges.exchange(
      await this.exchanges.prepare(person),
      site === undefined ? {} : { site },
    )
    return authOf(answer.access_token)
  }

  close(): Promise<void> {
    return this.exchanges.close()
  }
}

export function authOf(token: string): SessionAuth {
  return { session_token: token, reject_if_expired: true }
}

export interface RawAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A request exactly as written: `fetch` would mend the path and choose the Host. */
export function sendRaw(
  url: string,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const settings = {
      host: hostname,
      port,
      path,
      method: init.method ?? 'GET',
      headers: init.headers ?? {},
      agent: false,
    }
    const request = http.request(settings, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body })
      })
    })
    request.on('error', reject)
    request.end(init.body)
  })
}
