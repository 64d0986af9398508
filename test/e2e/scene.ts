import { makeCertificates } from '../sandbox/certificates.ts'
import { freePorts } from '../sandbox/free-ports.ts'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { openStudio, type Studio } from '../sandbox/studio.ts'

export interface Scene {
  readonly site: Site
  readonly identity: Identity
  readonly studio: Studio
  /** What the studio has registered at Autodesk. */
  readonly clientId: string
  readonly redirectPorts: readonly number[]
  /** PEM of the sandbox's authority, when the scene speaks TLS. */
  readonly ca: string | undefined
  /** Runs `sg-session sign-in` and plays the artist at the browser it opens. */
  signIn(person?: string): Promise<void>
  /** Plays the artist at the browser that a program has opened. */
  answerBrowser(person?: string): Promise<void>
  close(): Promise<void>
}

export interface SceneOptions {
  readonly tls?: boolean
  readonly site?: Partial<SiteSwitches>
  readonly issue?: 'session' | 'rest' | 'gateway'
  readonly sessionLifetimeS?: number
  /** How often an hour the broker lets a person have a session. */
  readonly exchangesPerPerson?: number
  /** Whether tools may have the artist's Autodesk token. */
  readonly serveAccessToken?: boolean
  /** A web app of the studio that signs its people in: where its pages come from, and which Autodesk app it is. */
  readonly webApp?: { readonly origin: string; readonly clientId: string }
  /** What IT says about programs; every program of the artist when not said. */
  readonly tools?: Readonly<Record<string, unknown>>
}

/** The real programs as processes, between the sandbox's servers: what an artist, a plug-in and IT would see. */
export async function setScene(options: SceneOptions = {}): Promise<Scene> {
  const certificates = options.tls ? await makeCertificates() : undefined
  const tls = certificates ? { tls: certificates } : {}
  const [brokerPort = 0, ...redirectPorts] = await freePorts(4)
  const clientId = 'sg-session-tray'
  const webApps = options.webApp ? [options.webApp] : []
  const site = await startSite({ switches: { sudoSessionOwner: 'human', ...options.site }, ...tls })
  const identity = await startIdentity({
    clients: [
      { clientId, redirectUris: redirectPorts.map((port) => `http://localhost:${port}/callback`) },
      ...webApps.map((app) => ({ clientId: app.clientId, redirectUris: [`${app.origin}/`] })),
    ],
    ...tls,
  })
  const studio = await openStudio({
    siteUrl: site.url,
    issuer: identity.issuer,
    clientId,
    redirectPorts,
    brokerPort,
    webApps,
    ...(certificates ? { tls: certificates } : {}),
    ...(options.issue === undefined ? {} : { issue: options.issue }),
    ...(options.sessionLifetimeS === undefined ? {} : { sessionLifetimeS: options.sessionLifetimeS }),
    ...(options.exchangesPerPerson === undefined ? {} : { exchangesPerPerson: options.exchangesPerPerson }),
    ...(options.tools === undefined ? {} : { tools: options.tools }),
    ...(options.serveAccessToken === undefined ? {} : { serveAccessToken: options.serveAccessToken }),
  })
  const answerBrowser = async (key = 'artist'): Promise<void> => {
    const person = personNamed(key)
    const address = new URL(await studio.openedAddress())
    const browser = new HeadlessBrowser(certificates?.ca)
    const account = { email: person.email, password: person.autodesk?.password ?? '' }
    await browser.send(await browser.signIn(address, account, address.searchParams.get('redirect_uri') ?? ''))
  }
  return {
    site,
    identity,
    studio,
    clientId,
    redirectPorts,
    ca: certificates?.ca,
    answerBrowser,
    async signIn(key = 'artist') {
      const running = studio.startSgSession('sign-in')
      await answerBrowser(key)
      const status = await running.ended
      if (status !== 0) throw new Error(`sg-session sign-in ended with ${status}: ${running.stderr()}`)
    },
    async close() {
      await studio.close()
      await Promise.all([site.close(), identity.close()])
    },
  }
}
