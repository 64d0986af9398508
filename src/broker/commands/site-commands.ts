import type { Command } from 'commander'
import { AgentError } from '../../errors.ts'
import type { SiteShapes } from '../issue/site-shapes.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { siteNamed, sitesNamed } from './which-site.ts'

interface ShapeOptions extends ConfigOptions {
  readonly site?: string
}

interface ForgetOptions extends ConfigOptions {
  readonly site: string
}

/** `sg-broker site shape` and `site forget-shape`. */
export function addSiteCommands(program: Command): void {
  const site = program.command('site').description('what the broker found out about the sites')
  withConfigOptions(site.command('shape'))
    .description('what artists of a site are given, and why')
    .option('--site <url>', 'this site only')
    .action(showShapes)
  withConfigOptions(site.command('forget-shape'))
    .description('ask the site again with the next exchange')
    .requiredOption('--site <url>', 'which site')
    .action(forgetShape)
}

async function showShapes(options: ShapeOptions): Promise<void> {
  await atWork(options, async (parts) => {
    for (const { url, policy } of sitesNamed(parts, options.site)) {
      process.stdout.write(`${url}: ${await shapeOf(parts.shapes, url, policy.issue)}\n`)
    }
  })
}

async function shapeOf(shapes: SiteShapes, site: string, issue: string): Promise<string> {
  if (issue !== 'auto') return `${issue}, as configured`
  const chosen = await shapes.find(site)
  if (!chosen) return 'undecided: the next exchange asks the site'
  return `${chosen.shape}, since ${new Date(chosen.chosen_at).toISOString()}: ${chosen.reason}`
}

async function forgetShape(options: ForgetOptions): Promise<void> {
  await atWork(options, async (parts, operator) => {
    const site = siteNamed(parts, options.site).url
    const known = await parts.shapes.find(site)
    if (!known || !(await parts.shapes.forget(site, operator, parts.auditLog))) {
      throw new AgentError('config_invalid', `"${site}": nothing is known that could be forgotten`)
    }
    process.stdout.write(`${site}: ${known.shape} is forgotten; the next exchange asks the site\n`)
  })
}
