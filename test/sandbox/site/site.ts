import fastify from 'fastify'
import { SandboxClock } from '../clock.ts'
import { Faults } from '../faults.ts'
import { listenWeb, type WebServer } from '../web-server.ts'
import type { SiteUser } from './accounts.ts'
import { AutodeskTokens } from './autodesk-tokens.ts'
import { serveControl } from './control.ts'
import { serveCors } from './cors.ts'
import { type EventLogEntryRow, eventLog } from './events.ts'
import { serveFiles } from './file-serve.ts'
import { serveInternalSession } from './internal-session.ts'
import { serveJsonRpc } from './json-rpc.ts'
import { serveLauncher } from './launcher.ts'
import { Launches } from './launches.ts'
import { Mishaps } from './mishaps.ts'
import { missingPage, sendPage } from './pages.ts'
import { serveRestAuth } from './rest-auth.ts'
import { answerRestRefusal, serveRestEntities } from './rest-entities.ts'
import { notFound, sendRestError } from './rest-errors.ts'
import { RestTokens } from './rest-tokens.ts'
import { seedSite } from './seed.ts'
import { type SessionSummary, Sessions } from './sessions.ts'
import { serveSideEndpoints } from './side-endpoints.ts'
import { serveSignIn } from './sign-in.ts'
import { restRoot } from './site-facts.ts'
import { firstMorning, type SiteState } from './site-state.ts'
import { defaultSwitches, type SiteSwitches } from './switches.ts'
import { serveUploads } from './uploads.ts'

export interface SiteOptions {
  /** Loopback address; 127.0.0.1 when not said. */
  host?: string
  /** 0, the default: chosen by the system. */
  port?: number
  /** Host name in the URL, where it should differ from the address. */
  name?: string
  tls?: { key: string; cert: string }
  /** What the pages call the site. */
  siteName?: string
  switches?: Partial<SiteSwitches>
  /** Whose access tokens the site judges when `bearerFromAutodesk` is on. */
  autodesk?: { readonly issuer: string }
  clock?: SandboxClock
}

export interface Site {
  /** Origin, no trailing slash. */
  readonly url: string
  readonly clock: SandboxClock
  readonly faults: Faults
  /** Live: what is assigned here holds from the next request on. */
  readonly switches: SiteSwitches
  /** The request log. */
  readonly web: WebServer
  /** JSON-RPC method, `rest:<grant_type>` or `asl:create|approve|deny|poll` → how often it took effect. */
  readonly calls: Map<string, number>
  sessions(): SessionSummary[]
  /** The session of a token, ended or not; undefined for a token that the site never made. */
  session(token: string): SessionSummary | undefined
  /** Ends the good sessions that match (all, when nothing is said) and says how many they were. */
  expireSessions(which?: { login?: string }): number
  /** A person's own session token, as a browser sign-in makes it. Throws for people who could not sign in. */
  mintSession(personKey: string): string
  /** The live row of a seeded person, until the site is reset. Throws when nobody has that key. */
  person(key: string): SiteUser
  eventLog(): EventLogEntryRow[]
  close(): Promise<void>
}

const restPrefixes = [
  { prefix: '/api/v1', apiVersion: '1.0' },
  { prefix: '/api/v1.1', apiVersion: '1.1' },
] as const

/** Starts a ShotGrid site on this machine: in memory, seeded, for the real clients to talk to. */
export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const clock = options.clock ?? new SandboxClock()
  const faults = new Faults()
  const web = await listenWeb({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.tls ? { tls: options.tls } : {}),
    faults,
  })
  const startSwitches = { ...defaultSwitches, ...options.switches }
  const switches = { ...startSwitches }
  const state: SiteState = {
    url: web.url,
    siteName: options.siteName ?? 'Studio Example',
    clock,
    switches,
    sessions: new Sessions(clock, switches),
    launches: new Launches(clock),
    restTokens: new RestTokens(web.url, clock),
    autodeskTokens: options.autodesk && new AutodeskTokens(options.autodesk, clock),
    calls: new Map(),
    mishaps: new Mishaps(),
    ...firstMorning(),
    ...seedSite(clock.now()),
  }

  const site: Site = {
    url: web.url,
    clock,
    faults,
    switches,
    web,
    calls: state.calls,
    sessions: () => state.sessions.list(),
    session: (token) => state.sessions.summary(token),
    expireSessions: ({ login } = {}) => {
      return state.sessions.end((session) => login === undefined || state.sessions.ownerLogin(session) === login)
    },
    mintSession: (key) => {
      const user = state.accounts.person(key)
      if (!user.isActive) throw new Error(`"${key}" cannot sign in: the account is disabled or retired`)
      return state.sessions.create({ kind: 'person', user }, 'browser').token
    },
    person: (key) => state.accounts.person(key),
    eventLog: () => eventLog(state),
    close: async () => {
      await web.close()
      await app.close()
    },
  }

  const reset = (): void => {
    faults.clear()
    clock.reset()
    Object.assign(switches, startSwitches)
    Object.assign(state, seedSite(clock.now()), firstMorning())
    state.sessions.clear()
    state.launches.clear()
    state.restTokens.clear()
    state.calls.clear()
    state.mishaps.clear()
    web.requests.length = 0
  }

  const app = buildApp(state, { faults, web, reset, site })
  await app.ready()
  web.setHandler((request, response) => app.routing(request, response))
  return site
}

function buildApp(
  state: SiteState,
  { faults, web, reset, site }: { faults: Faults; web: WebServer; reset: () => void; site: Site },
) {
  const app = fastify({ routerOptions: { ignoreTrailingSlash: true }, bodyLimit: 20 * 1024 * 1024 })
  // every body arrives as text: which content types a route takes, and what it says to others, is the route's to judge
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

  // a server tells the time by the clock its sessions end by
  app.addHook('onSend', async (_request, reply) => {
    try {
      reply.header('date', new Date(state.clock.now()).toUTCString())
    } catch {
      // a clock that a test has broken: Node's own date stands
    }
  })
  serveCors(app)
  serveJsonRpc(app, state)
  serveSideEndpoints(app, state)
  for (const { prefix, apiVersion } of restPrefixes) {
    app.get(prefix, (_request, reply) => {
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(restRoot(state, apiVersion)))
    })
    serveRestAuth(app, state, prefix)
    serveRestEntities(app, state, prefix)
  }
  serveInternalSession(app, state)
  serveLauncher(app, state)
  serveSignIn(app, state)
  serveFiles(app, state)
  void app.register((scope) => serveUploads(scope, state))
  serveControl(app, {
    state,
    faults,
    web,
    reset,
    expireSessions: ({ login }) => site.expireSessions(login === undefined ? {} : { login }),
    mintSession: site.mintSession,
  })

  // facts: SGT 051, app_session_request cards: unrouted API paths answer in REST's envelope, `/internal_api` included
  app.setNotFoundHandler((request, reply) => {
    const isApi = request.url.startsWith('/api') || request.url.startsWith('/internal_api/')
    return isApi ? sendRestError(reply, notFound) : sendPage(reply, 404, missingPage(state))
  })
  app.setErrorHandler((error, request, reply) => {
    if (answerRestRefusal(error, reply)) return reply
    if (!isRefusedByFastify(error)) state.mishaps.keep(request.url.split('?', 1)[0] ?? '', error)
    throw error
  })
  return app
}

/** A body that is too large, a method nobody knows: the caller's doing, with a status of its own. */
function isRefusedByFastify(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500
}
