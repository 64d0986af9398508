import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from './faults.ts'
import { callRpc } from './json-rpc.ts'

/** What a site says of itself to everybody. facts: shotgrid §1.6 */
export interface SiteInfo {
  /** `8.89.0.9724` */
  readonly version: string | undefined
  /** How people prove who they are: `default`, `ldap`, `saml2`, `oxygen` (Autodesk Identity), or what later sites call it. */
  readonly authentication: string
  /** Whether the App Session Launcher is on. */
  readonly hasLauncher: boolean
}

const version = z.array(z.union([z.number(), z.string()])).optional()
const infoSchema = z
  .object({
    version,
    full_version: version,
    user_authentication_method: z.string().default('default'),
    authentication_app_session_launcher_enabled: z.boolean().default(false),
  })
  // Every site says its version. Whoever says nothing of a site is none, and a passphrase is asked for on this answer's word.
  .refine((info) => info.version !== undefined || info.full_version !== undefined)

/** Asks the site, without credentials (`info`). Throws `site_unreachable`. */
export async function readSiteInfo(fetch: Fetch, site: string, signal: AbortSignal): Promise<SiteInfo> {
  try {
    const answer = await callRpc(fetch, site, { kind: 'nobody' }, { method: 'info', signal })
    const info = infoSchema.safeParse(answer)
    if (!info.success) throw new SiteTrouble('answers, but not as a ShotGrid site', 200)
    const { full_version, version, user_authentication_method, authentication_app_session_launcher_enabled } = info.data
    return {
      version: (full_version ?? version)?.join('.'),
      authentication: user_authentication_method,
      hasLauncher: authentication_app_session_launcher_enabled,
    }
  } catch (error) {
    // A site that refuses what needs no credentials is no site we can talk to.
    const trouble = error instanceof SiteFault ? new SiteTrouble(error.message, 200, { cause: error }) : error
    throw translateSiteTrouble(trouble, site, 'asking what it is')
  }
}
