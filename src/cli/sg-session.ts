#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander'
import type { AgentClient } from '../client/node/agent-client.ts'
import { standardPaths } from '../system/paths.ts'
import { version } from '../version.ts'
import type { AgentOptions } from './agent-command.ts'
import type { AuditOptions } from './audit-command.ts'
import type { DoctorOptions } from './doctor-command.ts'
import type { EraseOptions } from './erase-command.ts'
import type { ExecOptions } from './exec-command.ts'
import { exitStatuses } from './exit-statuses.ts'
import { momentOf } from './moment.ts'
import { makeOutput, type Output, printError } from './output.ts'
import { addPolicyCommands } from './policy-commands.ts'
import type { PreflightOptions } from './preflight-command.ts'
import type { GetOptions } from './session-commands.ts'
import type { SignInOptions, SiteOption } from './sign-in-wait.ts'
import type { AllowOptions, ApproveOptions } from './tools-command.ts'

/**
 * Every command, what it takes and what it is for; the manual page is made of it too. What a command needs is loaded when it is run:
 * the code of the others would take most of the time to an answer.
 */
export const program = new Command('sg-session')
  .description('Signs you in to ShotGrid once a day and lets every tool on this machine use the session.')
  .version(version)
  .addHelpText(
    'after',
    () =>
      `\nExit status:\n${exitStatuses.map(({ status, means }) => `${String(status).padStart(5)}  ${means}`).join('\n')}`,
  )
  .enablePositionalOptions()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

const site = (): Option => new Option('--site <url>', 'which site; default: the first configured')
const json = (): Option => new Option('--json', 'print one JSON object a line').default(false)
const insecureLoopback = (): Option =>
  new Option('--allow-insecure-loopback', 'accept http: addresses on this machine, for the sandbox').default(false)

program
  .command('agent')
  .description('run the agent without a tray, until stopped')
  .addOption(
    new Option('--log-level <level>', 'how much to log, as JSON lines on standard error')
      .choices(['debug', 'info', 'warn', 'error', 'silent'])
      .default('warn'),
  )
  .addOption(insecureLoopback())
  .addOption(json())
  .addOption(
    new Option('--take-over', 'for sg-session itself: take the place of the agent that starts this one').hideHelp(),
  )
  .action((options: AgentOptions) => guard(options, async () => (await import('./agent-command.ts')).runAgent(options)))

program
  .command('sign-in')
  .description('sign in: through the browser, or with login and passphrase on sites that know no other way')
  .addOption(site())
  .option('--login <name>', 'the login, where one is asked for; the passphrase is always typed at the terminal')
  .option('--no-browser', 'print the address instead of opening it')
  .option('--switch-user', 'ask for the account even if the browser remembers one', false)
  .addOption(json())
  .action((options: SignInOptions & { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./session-commands.ts')).signInCommand(client, output, options),
    ),
  )

program
  .command('sign-out')
  .description('forget the session and revoke what can be revoked')
  .addOption(site())
  .addOption(json())
  .action((options: SiteOption & { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./session-commands.ts')).signOutCommand(client, output, options),
    ),
  )

program
  .command('status')
  .description('say who is signed in where, and until when')
  .addOption(json())
  .action((options: { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./session-commands.ts')).statusCommand(client, output),
    ),
  )

program
  .command('get')
  .description('print the session token (a secret)')
  .addOption(site())
  .option('--interactive', 'sign in through the browser first if nobody is signed in', false)
  .option('--min-validity <seconds>', 'renew first if the session has less left', wholeSeconds, 300)
  .addOption(json())
  .action((options: GetOptions & { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./session-commands.ts')).getCommand(client, output, options),
    ),
  )

program
  .command('watch')
  .description('print every change until interrupted')
  .addOption(json())
  .action((options: { json: boolean }) =>
    withClient(options, async (client, output) => (await import('./session-commands.ts')).watchCommand(client, output)),
  )

const tools = program
  .command('tools')
  .description('say which programs may use the session, and decide about them')
  .enablePositionalOptions()
const yes = (): Option => new Option('--yes', 'do not ask at the terminal first').default(false)

tools
  .command('list')
  .description('list the programs that were allowed, and those not asked about for a while')
  .addOption(json())
  .action((options: { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).listToolsCommand(client, output),
    ),
  )

tools
  .command('pending')
  .description('list the questions about programs that wait for an answer')
  .addOption(json())
  .action((options: { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).pendingToolsCommand(client, output),
    ),
  )

tools
  .command('approve')
  .description('answer such a question with yes')
  .argument('<id>', 'of the question')
  .option('--once', 'only for as long as the program runs', false)
  .addOption(yes())
  .addOption(json())
  .action((id: string, options: ApproveOptions & { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).approveToolCommand(client, output, id, options),
    ),
  )

tools
  .command('deny')
  .description('answer such a question with no')
  .argument('<id>', 'of the question')
  .addOption(json())
  .action((id: string, options: { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).denyToolCommand(client, output, id),
    ),
  )

tools
  .command('allow')
  .description('allow a program before it asks')
  .argument('<program>', 'its file')
  .option('--script <file>', 'the script, where the program is an interpreter such as python')
  .addOption(site())
  .addOption(
    new Option('--scope <scope>', 'rest: the session and bearers made of it; autodesk: the Autodesk token too')
      .choices(['rest', 'autodesk'])
      .default('rest'),
  )
  .addOption(yes())
  .addOption(json())
  .action((file: string, options: AllowOptions & { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).allowToolCommand(client, output, file, options),
    ),
  )

tools
  .command('revoke')
  .description('take it back, and end the connections of the program')
  .argument('<id or program>', 'as the list shows it')
  .addOption(json())
  .action((wanted: string, options: { json: boolean }) =>
    withClient(options, async (client, output) =>
      (await import('./tools-command.ts')).revokeToolCommand(client, output, wanted),
    ),
  )

program
  .command('exec')
  .description('run a command that finds the session by itself; its exit status is ours')
  .addOption(site())
  .option('--no-sign-in', 'do not open the browser if nobody is signed in')
  .argument('<command...>', 'what to run, behind --')
  .passThroughOptions()
  .action(async (command: string[], options: ExecOptions) => {
    let status: number | undefined
    await withClient({ json: false }, async (client) => {
      const { execCommand } = await import('./exec-command.ts')
      status = await execCommand(client, command, options)
    })
    if (status !== undefined) process.exitCode = status
  })

program
  .command('preflight')
  .description('say what you have and lack for signing in to a site: passphrase, token, seat and so on')
  .addOption(site())
  .option('--try-legacy', 'try login and passphrase, once, without asking whether to')
  .option('--no-try-legacy', 'do not')
  .option('--login <name>', 'the login to try; the passphrase is always typed at the terminal')
  .option('--expect-pat-failure', 'walk through the test that the site refuses a deleted Personal Access Token', false)
  .addOption(insecureLoopback())
  .addOption(json())
  .addHelpText(
    'after',
    '\nExit status: 0 nothing is missing or the test passed, 3 something is missing or it failed, 4 it could not tell.',
  )
  .action(async (options: PreflightOptions) => {
    let status = 0
    await withClient(options, async (client, output) => {
      const { preflightCommand } = await import('./preflight-command.ts')
      status = await preflightCommand(client, output, options)
    })
    process.exitCode ||= status
  })

program
  .command('doctor')
  .description('look at everything a sign-in needs and say what is wrong; changes nothing, asks nobody')
  .option('--policy', 'only print every configured value and where it is from', false)
  .addOption(insecureLoopback())
  .addOption(json())
  .action((options: DoctorOptions) =>
    guard(options, async () => (await import('./doctor-command.ts')).doctorCommand(options)),
  )

program
  .command('audit')
  .description('say which programs asked for what on this machine, and what became of it')
  .option('--since <when>', 'only from then on: 90m, 12h, 7d, or a moment such as 2026-11-22T09:00', moment)
  .option('--last <count>', 'at most so many, the newest', wholeCount, 1_000)
  .option('--follow', 'go on with what is added, until interrupted', false)
  .addOption(insecureLoopback())
  .addOption(json())
  .action((options: AuditOptions) =>
    guard(options, async () => (await import('./audit-command.ts')).auditCommand(options)),
  )

program
  .command('erase')
  .description('remove what sg-session keeps for you on this machine, and end it where it runs')
  .option('--keep-audit', 'keep the record of which programs asked for what', false)
  .option('--all-users', 'for everybody who has a home on this machine; for root only', false)
  .addOption(yes())
  .addOption(json())
  .addHelpText('after', '\nExit status: 0 all of it is gone, 3 something could not be removed; it is listed.')
  .action((options: EraseOptions) =>
    guard(options, async () => (await import('./erase-command.ts')).eraseCommand(options)),
  )

addPolicyCommands(program, guard)

function withClient(
  options: { json: boolean },
  run: (client: AgentClient, output: Output) => Promise<void>,
): Promise<void> {
  return guard(options, async () => {
    await import('./judge-once.ts')
    const { AgentClient } = await import('../client/node/agent-client.ts')
    const { endpointFiles } = standardPaths()
    const client = new AgentClient({ endpointFiles, caller: { name: 'sg-session-cli', version } })
    await run(client, makeOutput(options.json)).finally(() => client.close())
  })
}

async function guard({ json: asJson }: { json: boolean }, run: () => Promise<unknown>): Promise<void> {
  try {
    const status = await run()
    process.exitCode = typeof status === 'number' ? status : 0
  } catch (error) {
    process.exitCode = printError(error, asJson)
  }
}

function wholeSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('must be a whole number of seconds.')
  return Number(text)
}

function wholeCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('must be a whole number from 1 to 999999.')
  return Number(text)
}

function moment(text: string): number {
  const at = momentOf(text, Date.now())
  if (at === undefined) throw new InvalidArgumentError('must be like 90m, 12h, 7d or 2026-11-22T09:00.')
  return at
}

// Only where it is known not to be what was started: a bundle knows nothing of itself.
if (import.meta.main !== false) void program.parseAsync()
