import type { SiteConfig } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import type { SiteInfo } from '../shotgrid/site-info.ts'

export type WayInName = Exclude<SiteConfig['signIn'], 'auto'>
/** What a site without a broker can offer by itself. */
export type WayByAsking = 'web' | 'legacy'

/** Which way in, and why that one: a sentence for logs and the doctor. */
export interface Choice {
  readonly way: WayInName
  readonly because: string
}

/** What is decided without asking the site; undefined when only the site can tell. */
export function chooseByConfiguration({ signIn, broker }: SiteConfig): Choice | undefined {
  if (signIn !== 'auto') return { way: signIn, because: 'the configuration says so' }
  return broker === undefined ? undefined : { way: 'broker', because: 'a broker is configured for the site' }
}

/** `auto` without a broker, by what the site says of itself. Throws `web_sign_in_unavailable` where no way is left. */
export function chooseBySite(
  site: string,
  { hasLauncher, authentication }: SiteInfo,
): Choice & { readonly way: WayByAsking } {
  if (hasLauncher)
    return { way: 'web', because: 'no broker is configured, and the site signs programs in through the browser' }
  if (takesPassphrases(authentication)) {
    return {
      way: 'legacy',
      because: 'no broker is configured, and the site does not sign programs in through the browser',
    }
  }
  throw new AgentError(
    'web_sign_in_unavailable',
    `"${site}" signs people in through the company's own sign-in only (${authentication}), its App Session Launcher is off, and no broker is configured`,
  )
}

/** Whether a login and passphrase can lead anywhere on a site of this kind. facts: shotgrid §1.5 (108), §5 */
export function takesPassphrases(authentication: string): boolean {
  return authentication !== 'saml2'
}
