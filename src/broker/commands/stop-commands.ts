import type { Command } from 'commander'
import { AgentError } from '../../errors.ts'
import { type BrokerStatus, statusOf } from '../operation/status.ts'
import { everything } from '../operation/stops.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { formatTable } from './table.ts'
import { siteNamed } from './which-site.ts'

interface StopOptions extends ConfigOptions {
  readonly site?: string
  readonly reason: string
}

interface ResumeOptions extends ConfigOptions {
  readonly site?: string
}

interface StatusOptions extends ConfigOptions {
  readonly json: boolean
}

/** `sg-broker stop`, `resume` and `status`. They talk to the database, so that every node obeys, whether this one runs or not. */
export function addStopCommands(program: Command): void {
  withConfigOptions(program.command('stop'))
    .description('give out nothing and serve nothing any more, on every node, until "resume"')
    .option('--site <url>', 'this site only')
    .requiredOption('--reason <text>', 'why; the people who are refused are told')
    .action(stop)
  withConfigOptions(program.command('resume'))
    .description('take a stop back')
    .option('--site <url>', 'the stop of this site; without it, the stop of everything')
    .action(resume)
  withConfigOptions(program.command('status'))
    .description('what is stopped, what the sites can do, who is there')
    .option('--json', 'as JSON', false)
    .action(status)
}

async function stop(options: StopOptions): Promise<void> {
  await atWork(options, async (parts, operator) => {
    const scope = options.site === undefined ? everything : siteNamed(parts, options.site).url
    const before = (await parts.stops.list()).find((one) => one.scope === scope)
    await parts.stops.stop(scope, options.reason, operator, parts.auditLog)
    if (before)
      process.stdout.write(`${nameOf(scope)} was stopped already, by ${before.stopped_by}: ${before.reason}\n`)
    else process.stdout.write(`${nameOf(scope)} is stopped\n`)
  })
}

async function resume(options: ResumeOptions): Promise<void> {
  await atWork(options, async ({ stops, auditLog }, operator) => {
    // What is stopped can be taken up again, whether the configuration still has it or not.
    const scope = options.site === undefined ? everything : originOf(options.site)
    if (!(await stops.resume(scope, operator, auditLog))) {
      const stopped = (await stops.list()).map((one) => nameOf(one.scope)).join(', ') || 'nothing'
      throw new AgentError('config_invalid', `"${nameOf(scope)}" is not stopped; stopped is: ${stopped}`)
    }
    const others = (await stops.list()).map((one) => nameOf(one.scope)).join(', ')
    process.stdout.write(`${nameOf(scope)} goes on${others && `; still stopped: ${others}`}\n`)
  })
}

async function status(options: StatusOptions): Promise<void> {
  await atWork(options, async (parts) => {
    const found = await statusOf(parts)
    process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : describe(found))
  })
}

function describe({ stops, sites, database, auditHead }: BrokerStatus): string {
  const stopped = stops.map(({ scope, at, by, reason }) => [nameOf(scope), timeOf(at), by, reason])
  const known = sites.map(({ site, shape, people, gatewaySessions }) => [
    site,
    shape.chosenAt === undefined ? shape.is : `${shape.is} (auto, ${timeOf(shape.chosenAt)}: ${shape.reason})`,
    `${people.tenMinutes} in 10 minutes, ${people.day} in 24 hours`,
    `${gatewaySessions}`,
  ])
  return [
    stopped.length > 0 ? formatTable(['STOPPED', 'since', 'by', 'reason'], stopped) : 'nothing is stopped\n',
    formatTable(['site', 'shape', 'people', 'gateway sessions'], known),
    `database ${database}, audit ${auditHead}\n`,
  ].join('')
}

function nameOf(scope: string): string {
  return scope === everything ? 'everything' : scope
}

function timeOf(at: number): string {
  return new Date(at).toISOString()
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : text
}
