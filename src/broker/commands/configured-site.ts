import { AgentError } from '../../errors.ts'
import type { Parts } from '../parts.ts'

/**
 * The site an operator means, as the configuration writes it. Throws `site_unknown`: a slip of the pen must not pass for
 * something done.
 */
export function configuredSite({ config }: Parts, text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : text
  const site = config.sites.find(({ url }) => url === origin)
  if (site) return site.url
  const known = config.sites.map(({ url }) => `"${url}"`).join(', ')
  throw new AgentError('site_unknown', `"${text}" is not a site of this broker; it serves ${known}`)
}
