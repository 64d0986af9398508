import { AgentError } from '../../errors.ts'
import type { Parts } from '../parts.ts'
import type { ScriptedSite } from '../scripted-site.ts'

/** The site an operator names, or the only one there is. Throws `site_unknown`. */
export function siteNamed({ sites }: Parts, name: string | undefined): ScriptedSite {
  const [only, another] = sitesNamed({ sites }, name)
  if (only && !another) return only
  throw new AgentError('site_unknown', `say which site with --site: ${listOf(sites)}`)
}

/** The site an operator names, or all there are. Throws `site_unknown`. */
export function sitesNamed({ sites }: Pick<Parts, 'sites'>, name: string | undefined): readonly ScriptedSite[] {
  if (name === undefined) return sites
  const origin = URL.parse(name)?.origin
  const site = sites.find(({ url }) => url === origin)
  if (!site) throw new AgentError('site_unknown', `"${name}" is not a site of this broker: ${listOf(sites)}`)
  return [site]
}

function listOf(sites: readonly ScriptedSite[]): string {
  return sites.map(({ url }) => url).join(', ')
}
