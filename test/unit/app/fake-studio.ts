import type { Fetch } from '../../../src/ports.ts'

/** Two addresses on the network of a test: a ShotGrid site and a broker, each as a test wants it. */
export interface FakeStudio {
  readonly site?: 'good' | 'silent' | 'no site'
  readonly broker?: 'good' | 'silent' | 'no broker' | 'old'
  readonly serves?: readonly string[]
  readonly issuer?: string
  /** Of the site. */
  readonly launcher?: boolean
  readonly authentication?: string
}

export const siteAddress = 'https://studio.shotgrid.example'
export const brokerAddress = 'https://broker.studio.example'
export const autodesk = 'https://developer.api.autodesk.com'
export const clientId = 'client-of-the-broker'

/** The Fetch port on that network; every other address is nobody's. `asked` gathers what was asked for. */
export function fetchIn(studio: FakeStudio = {}, asked: string[] = []): Fetch {
  const { site = 'good', broker = 'good', serves = [siteAddress], issuer = autodesk } = studio
  const info = {
    version: [8, 89, 0],
    user_authentication_method: studio.authentication ?? 'default',
    authentication_app_session_launcher_enabled: studio.launcher ?? false,
  }
  const metadata = {
    issuer: brokerAddress,
    token_endpoint: `${brokerAddress}/token`,
    challenge_endpoint: `${brokerAddress}/challenge`,
    sites_supported: serves,
    grant_types_supported: [],
    dpop_signing_alg_values_supported: [],
    ...(broker === 'old' ? {} : { sg_session_identity: { issuer, client_id: clientId } }),
  }
  return async (url) => {
    asked.push(url)
    switch (new URL(url).origin) {
      case siteAddress:
        if (site === 'good') return Response.json({ results: info })
        if (site === 'no site') return new Response('<html>a page</html>')
        break
      case brokerAddress:
        if (broker === 'no broker') return new Response('not found', { status: 404 })
        if (broker !== 'silent') return Response.json(metadata)
        break
    }
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) })
  }
}
