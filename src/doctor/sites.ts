import type { Config, SiteConfig } from '../config/config.ts'
import { asAgentError } from '../errors.ts'
import { readSiteInfo, type SiteInfo } from '../shotgrid/site-info.ts'
import { type Choice, chooseByConfiguration, chooseBySite, takesPassphrases } from '../sign-in/choose-way-in.ts'
import { checkAutodeskToken } from './autodesk-token.ts'
import type { Finding } from './finding.ts'
import { describeFailure } from './reach.ts'
import type { Check } from './world.ts'

/** Whether any site is, or may be, signed in to through Autodesk Identity. */
export function usesIdentity({ sites, identity }: Config): boolean {
  return (
    identity.clientId !== undefined &&
    sites.some(({ signIn, broker }) => broker !== undefined && signIn !== 'web' && signIn !== 'legacy')
  )
}

const kinds: Readonly<Record<string, string>> = {
  default: 'login and passphrase',
  ldap: 'the company’s directory',
  saml2: 'the company’s own sign-in',
  oxygen: 'Autodesk Identity',
}

/** Each site: does it answer, what does it say of itself, and what follows for signing in. */
export const checkSites: Check = async (world, signal) => {
  const { sites } = world.setup.effective.config
  const rows = sites.map(async (site): Promise<Finding[]> => {
    try {
      const info = await readSiteInfo(world.wayOut.fetch, site.url, signal)
      const { authentication } = info
      const token = await checkAutodeskToken(world, { site: site.url, authentication }, signal)
      return [describeSite(site, info), judgeWayIn(site, info), token, ...reminders(site, info)]
    } catch (error) {
      const row: Finding = { check: 'site', about: site.url, ...(await describeFailure(error, site.url, world)) }
      return [row, judgeWayIn(site, undefined)]
    }
  })
  return (await Promise.all(rows)).flat()
}

function describeSite({ url }: SiteConfig, { version, authentication, hasLauncher }: SiteInfo): Finding {
  const kind = kinds[authentication] ?? 'a way this version does not know'
  const found = `ShotGrid ${version ?? 'of unknown version'}; people prove who they are by ${kind} (${authentication}); its App Session Launcher is ${hasLauncher ? 'on' : 'off'}`
  return { check: 'site', about: url, state: 'ok', found }
}

/** Which way a sign-in goes, why, and whether the site lets it. Without `info`: the site could not be asked. */
function judgeWayIn(site: SiteConfig, info: SiteInfo | undefined): Finding {
  const row = { check: 'way-in', about: site.url } as const
  let choice: Choice | undefined
  try {
    choice = chooseByConfiguration(site) ?? (info && chooseBySite(site.url, info))
  } catch (error) {
    const { message, advice } = asAgentError(error)
    return { ...row, state: 'failed', found: message, advice }
  }
  if (!choice) return { ...row, state: 'skipped', found: 'not known: the site decides, and could not be asked' }
  const found = `"${choice.way}": ${choice.because}`
  if (!info) return { ...row, state: 'ok', found }
  if (choice.way === 'web' && !info.hasLauncher) {
    const advice =
      'It cannot work: the App Session Launcher of the site is off. Ask a ShotGrid administrator to switch it on, or name a broker.'
    return { ...row, state: 'failed', found, advice }
  }
  if (choice.way === 'legacy' && !takesPassphrases(info.authentication)) {
    const advice =
      'It cannot work: the site takes the company’s own sign-in only. Set "signIn" to "auto" or "web", or name a broker.'
    return { ...row, state: 'failed', found, advice }
  }
  return { ...row, state: 'ok', found }
}

/** What cannot be known from this machine, and what to keep in mind instead. facts: asked-for 15 */
function reminders({ url }: SiteConfig, { authentication }: SiteInfo): Finding[] {
  if (authentication !== 'oxygen') return []
  return [
    {
      check: 'scripts',
      about: url,
      state: 'skipped',
      found: 'not asked: scripts of the site are not seen from here',
      advice:
        'They go on working with Autodesk Identity, except those that set a HumanUser’s "sg_status_list" to "act" or create an active HumanUser: see docs/doctor.md, "Scripts".',
    },
  ]
}
