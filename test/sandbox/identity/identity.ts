import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Provider } from 'oidc-provider'
import { noteSecret } from '../canaries.ts'
import type { SandboxCertificates } from '../certificates.ts'
import { Faults } from '../faults.ts'
import { listenWeb, type WebServer } from '../web-server.ts'
import { makeAccessTokens } from './access-tokens.ts'
import { type AccountChange, Accounts } from './accounts.ts'
import { shapeLikeAutodesk } from './autodesk-shape.ts'
import { addControl } from './control.ts'
import { throttledAnswer } from './gateway-errors.ts'
import { type SignedIn, signInHeadlessly } from './headless-sign-in.ts'
import { addLoginPages } from './login-pages.ts'
import { addMetadata, paths } from './metadata.ts'
import { type IdentityClient, makeProvider } from './provider.ts'
import { ProviderMemory } from './provider-memory.ts'
import { addSignOut } from './sign-out.ts'
import { makeSigningKey } from './signing-key.ts'
import { defaultSwitches, type IdentitySwitches } from './switches.ts'
import { addTokenCalls } from './token-calls.ts'
import { makeUserinfo } from './userinfo.ts'

export type { IdentitySwitches }

export interface IdentityOptions {
  /** Loopback address both origins listen on; default 127.0.0.1. */
  readonly host?: string
  /** Port of the main origin; default: chosen by the system, as UserInfo's always is. */
  readonly port?: number
  /** Host name in the issuer and the UserInfo URL; default `localhost`. */
  readonly name?: string
  /** With them both origins speak https, and `signIn` trusts their authority. */
  readonly tls?: SandboxCertificates
  /** Default: `sg-session-tray` on its three loopback callbacks, and `other-app`, for what must not work across clients. */
  readonly clients?: readonly IdentityClient[]
  readonly switches?: Partial<IdentitySwitches>
}

/** An Autodesk Identity (APS authentication v2) on this machine; what is known of the real one is in facts/identity. */
export interface Identity {
  /** Equals the main origin exactly, no trailing slash. */
  readonly issuer: string
  /** On another origin, as at Autodesk. */
  readonly userinfoUrl: string
  /** Live: a change takes effect with the next request. */
  readonly switches: IdentitySwitches
  readonly faults: Faults
  readonly userinfoFaults: Faults
  readonly web: WebServer
  readonly userinfoWeb: WebServer
  /**
   * How often each call succeeded: `authorize`, `token:authorization_code`, `token:refresh_token`, `revoke`,
   * `introspect`, `userinfo`. An answer that a fault kept back counts, for it took effect.
   */
  readonly calls: Map<string, number>
  /** Changes what an account's claims say, and which address signs it in, from now on. */
  setAccount(personKey: string, change: AccountChange): void
  /** Ends all grants of a person: their codes, refresh and access tokens stop working. Browser sessions go on. */
  revokeAll(personKey: string): Promise<void>
  /** What a person's sign-ins could be refreshed with now, for looking where it turns up. */
  refreshTokens(personKey: string): string[]
  /**
   * Tokens by a real authorization-code flow with PKCE over HTTP, form included, for tests without a browser. Defaults:
   * the first client, its first redirect URI, the scope `openid user-profile:read`. Throws when it ends in no tokens.
   */
  signIn(
    personKey: string,
    request: { clientId?: string; redirectUri?: string; nonce: string; scope?: string },
  ): Promise<SignedIn>
  /** A JWT signed with the provider's own key but with exactly these claims, or this text in their place; see `SigningKey.sign` for `header`. */
  forgeIdToken(claims: Record<string, unknown> | string, header?: Record<string, unknown>): Promise<string>
  /** Stops listening on both origins and cuts every open connection. */
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const defaultClients: readonly IdentityClient[] = [
  {
    clientId: 'sg-session-tray',
    redirectUris: [14285, 21842, 27391].map((port) => `http://localhost:${port}/callback`),
  },
  { clientId: 'other-app', redirectUris: ['http://localhost:4999/callback'] },
]

const ownPaths: readonly string[] = [paths.keys, paths.revoke, paths.introspect]
const ownFolders: readonly string[] = ['/sandbox', '/.well-known', paths.signIn]
const throttledPaths: readonly string[] = [paths.token, paths.revoke, paths.introspect]

/** Starts both origins. The caller closes what this returns. */
export async function startIdentity(options: IdentityOptions = {}): Promise<Identity> {
  const { host = '127.0.0.1', port = 0, name = 'localhost', tls, clients = defaultClients } = options
  const switches: IdentitySwitches = { ...defaultSwitches, ...options.switches }
  const origin = { host, name, ...(tls ? { tls } : {}) }
  const faults = new Faults()
  const userinfoFaults = new Faults()
  const web = await listenWeb({ ...origin, port, faults })
  const userinfoWeb = await listenWeb({ ...origin, port: 0, faults: userinfoFaults })
  const issuer = web.url
  const userinfoUrl = `${userinfoWeb.url}/userinfo`

  const key = await makeSigningKey()
  const accounts = new Accounts()
  const memory = new ProviderMemory(switches)
  const provider = makeProvider({ issuer, key, memory, accounts, clients, switches })
  const accessTokens = makeAccessTokens(provider, key)
  shapeLikeAutodesk(provider, { accessTokens, switches })
  addSignOut(provider, new Set(clients.flatMap(({ postLogoutRedirectUris = [] }) => postLogoutRedirectUris)))

  const { calls, count, serverErrors } = watch(provider)

  const setAccount: Identity['setAccount'] = (personKey, change) => void accounts.change(personKey, change)
  const revokeAll: Identity['revokeAll'] = async (personKey) => {
    for (const grantId of memory.grantsOf(accounts.named(personKey).sub)) memory.endGrant(grantId)
  }
  const reset = (): void => {
    Object.assign(switches, defaultSwitches, options.switches)
    faults.clear()
    userinfoFaults.clear()
    web.requests.length = 0
    userinfoWeb.requests.length = 0
    serverErrors.length = 0
    calls.clear()
    accounts.reset()
    memory.clear()
  }

  const app = Fastify()
  await app.register(formbody)
  addMetadata(app, { issuer, userinfoUrl, key, switches })
  addLoginPages(app, { provider, accounts })
  addTokenCalls(app, { provider, memory, accessTokens, switches, count })
  await addControl(app, {
    issuer,
    userinfoUrl,
    switches,
    main: { web, faults },
    userinfo: { web: userinfoWeb, faults: userinfoFaults },
    calls,
    accounts,
    serverErrors,
    setAccount,
    revokeAll,
    reset,
  })
  const userinfo = makeUserinfo({ issuer, accounts, accessTokens, switches, count: () => count('userinfo') })
  await Promise.all([app.ready(), userinfo.ready()])
  web.setHandler(frontDoor(app, provider.callback(), issuer, switches))
  userinfoWeb.setHandler((request, response) => userinfo.routing(request, response))

  return {
    issuer,
    userinfoUrl,
    switches,
    faults,
    userinfoFaults,
    web,
    userinfoWeb,
    calls,
    setAccount,
    revokeAll,
    refreshTokens: (personKey) => memory.refreshTokensOf(accounts.named(personKey).sub),
    signIn: async (personKey, { nonce, scope = 'openid user-profile:read', clientId, redirectUri }) => {
      const client = clients.find((one) => clientId === undefined || one.clientId === clientId)
      const target = redirectUri ?? client?.redirectUris[0]
      if (!client || target === undefined) throw new Error(`no client "${clientId ?? ''}" with a redirect URI`)
      const request = { clientId: client.clientId, redirectUri: target, nonce, scope }
      return signInHeadlessly(issuer, accounts.named(personKey), request, tls?.ca)
    },
    forgeIdToken: async (claims, header) => key.sign(claims, header),
    close: async () => {
      await Promise.all([web.close(), userinfoWeb.close(), app.close(), userinfo.close()])
    },
  }
}

/** Counts what succeeds and keeps what breaks inside the provider. */
function watch(provider: Provider): {
  calls: Map<string, number>
  count: (call: string) => void
  serverErrors: Error[]
} {
  const calls = new Map<string, number>()
  const count = (call: string): void => void calls.set(call, (calls.get(call) ?? 0) + 1)
  const serverErrors: Error[] = []
  provider.on('authorization.success', () => count('authorize'))
  provider.on('grant.success', (ctx) => {
    count(`token:${String(ctx.oidc.params?.['grant_type'])}`)
    for (const [name, value] of Object.entries(Object(ctx.body)))
      if (/_token$/.test(name) && typeof value === 'string') noteSecret(`Autodesk ${name.replace('_', ' ')}`, value)
  })
  provider.on('server_error', (_ctx, error) => serverErrors.push(error))
  // Koa prints what goes wrong inside unless somebody listens.
  const koa: EventEmitter = provider
  koa.on('error', (error: Error) => serverErrors.push(error))
  return { calls, count, serverErrors }
}

/** Our own routes go to Fastify, the rest to the provider; throttling comes before both. */
function frontDoor(
  app: FastifyInstance,
  provider: Handler,
  issuer: string,
  switches: Pick<IdentitySwitches, 'throttled'>,
): Handler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (switches.throttled && throttledPaths.includes(path)) {
      const { status, headers, body } = throttledAnswer(issuer)
      request.resume()
      response.writeHead(status, headers).end(body)
      return
    }
    if (isOwn(path)) app.routing(request, response)
    else provider(request, response)
  }
}

function isOwn(path: string): boolean {
  return ownPaths.includes(path) || ownFolders.some((folder) => path === folder || path.startsWith(`${folder}/`))
}
