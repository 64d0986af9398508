import type { Command } from 'commander'
import { AgentError } from '../../errors.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { formatTable } from './table.ts'
import { siteNamed, sitesNamed } from './which-site.ts'

interface ListOptions extends ConfigOptions {
  readonly site?: string
}

interface EndOptions extends ListOptions {
  readonly login: string
}

/** `sg-broker sessions list` and `sessions end`: of the gateway, since the broker has no hold on the others. */
export function addSessionCommands(program: Command): void {
  const sessions = program.command('sessions').description('the sessions that go through the gateway')
  withConfigOptions(sessions.command('list'))
    .description('who has one, since when, and when it was last used')
    .option('--site <url>', 'this site only')
    .action(list)
  withConfigOptions(sessions.command('end'))
    .description('end all sessions of one person at once; they may sign in again')
    .option('--site <url>', 'which site; needed where there are several')
    .requiredOption('--login <login>', 'whose')
    .action(end)
}

async function list(options: ListOptions): Promise<void> {
  await atWork(options, async (parts) => {
    const rows: string[][] = []
    for (const site of sitesNamed(parts, options.site)) {
      for (const session of await parts.gatewaySessions.list(site.policy)) {
        const { login, created_at: since, used_at: used, session_uuid: uuid } = session
        rows.push([site.url, login, new Date(since).toISOString(), new Date(used).toISOString(), uuid])
      }
    }
    process.stdout.write(formatTable(['site', 'login', 'since', 'last used', 'session_uuid'], rows))
  })
}

async function end(options: EndOptions): Promise<void> {
  await atWork(options, async (parts, operator) => {
    const site = siteNamed(parts, options.site)
    const theirs = (await parts.gatewaySessions.list(site.policy)).find(({ login }) => login === options.login)
    if (!theirs) throw new AgentError('account_not_mapped', `"${options.login}" has no session through the gateway`)
    const ended = await parts.gatewaySessions.endAllOf(site.url, theirs.user_id, operator, parts.auditLog)
    process.stdout.write(`${ended} ended\n`)
  })
}
