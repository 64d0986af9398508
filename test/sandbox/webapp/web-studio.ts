import { startWebApp, type WebApp } from '../../../docs/examples/web-app/server.ts'
import type { Fetch } from '../../../docs/examples/web-app/shotgrid-session.ts'
import { freePorts } from '../free-ports.ts'
import { type Identity, startIdentity } from '../identity/identity.ts'
import { type Site, startSite } from '../site/site.ts'
import { openStudio, type Studio } from '../studio.ts'

export interface WebStudioOptions {
  /** The web app's port; any free one when not said. */
  readonly port?: number
  /** What the web app's server speaks with. */
  readonly fetch?: Fetch
  /** The origin the broker knows the web app by, where that is not its own. */
  readonly knownOrigin?: string
}

/** A site, an Autodesk Identity, the real broker as a process, and the web app that signs people in with them. */
export interface WebStudio {
  readonly site: Site
  readonly identity: Identity
  readonly studio: Studio
  readonly webApp: WebApp
  close(): Promise<void>
}

export async function openWebStudio(options: WebStudioOptions = {}): Promise<WebStudio> {
  const [brokerPort = 0, trayPort = 0, free = 0] = await freePorts(3)
  const origin = `http://localhost:${options.port ?? free}`
  const tray = { clientId: 'sg-session-tray', redirectUris: [`http://localhost:${trayPort}/callback`] }
  const clientId = 'review-notes'
  const site = await startSite({ switches: { sudoSessionOwner: 'human' } })
  const identity = await startIdentity({ clients: [tray, { clientId, redirectUris: [`${origin}/`] }] })
  const studio = await openStudio({
    siteUrl: site.url,
    issuer: identity.issuer,
    clientId: tray.clientId,
    redirectPorts: [trayPort],
    brokerPort,
    webApps: [{ origin: options.knownOrigin ?? origin, clientId }],
  })
  const closeStudio = async (): Promise<void> => {
    await studio.close()
    await Promise.all([site.close(), identity.close()])
  }
  try {
    await studio.startBroker()
    const { issuer } = identity
    const webApp = await startWebApp({
      origin,
      broker: studio.brokerUrl,
      site: site.url,
      identity: { issuer, clientId },
      ...(options.fetch ? { fetch: options.fetch } : {}),
    })
    const close = async (): Promise<void> => {
      await webApp.close()
      await closeStudio()
    }
    return { site, identity, studio, webApp, close }
  } catch (error) {
    await closeStudio()
    throw error
  }
}
