import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CheckOptions, WriteOptions } from './policy-command.ts'

type Guard = (options: { json: boolean }, run: () => Promise<unknown>) => Promise<void>

/** `sg-session policy …`, for IT. No agent is asked. */
export function addPolicyCommands(program: Command, guard: Guard): void {
  const json = (): Option => new Option('--json', 'print one JSON object a line').default(false)
  const insecureLoopback = (): Option =>
    new Option('--allow-insecure-loopback', 'accept http: addresses on this machine, for the sandbox').default(false)
  const load = () => import('./policy-command.ts')

  const policy = program
    .command('policy')
    .description('judge, write and describe the policy of a machine, for IT')
    .enablePositionalOptions()

  policy
    .command('check')
    .description('say what is wrong with a policy before it is rolled out, and what would count')
    .argument('[file]', "a policy file; default: this machine's")
    .addOption(insecureLoopback())
    .addOption(json())
    .addHelpText('after', '\nExit status: 0 sg-session would start with it, 3 it would not.')
    .action((file: string | undefined, options: CheckOptions) =>
      guard(options, async () => (await load()).checkPolicyCommand(file, options)),
    )

  const values = ['site', 'name', 'broker', 'clientId', 'consent', 'startAtLogin', 'default']
  policy
    .command('write')
    .description("write this machine's policy, as root; judged first, whole or not at all")
    .option('--site <url>', 'the address of the site')
    .option('--name <name>', 'what people call the site')
    .option('--broker <url>', "the address of the studio's broker")
    .option('--client-id <id>', 'the client id of your Autodesk app')
    .addOption(
      new Option('--consent <mode>', 'which programs may have a session').choices([
        'prompt',
        'allow-list',
        'allow-all',
      ]),
    )
    .addOption(
      new Option('--start-at-login [yes|no]', 'whether the tray app starts with the login')
        .preset('yes')
        .argParser(yesOrNo),
    )
    .addOption(new Option('--lock', 'artists cannot change these values; so it is without').conflicts('default'))
    .addOption(new Option('--default', 'artists can change these values').default(false).conflicts('lock'))
    .addOption(new Option('--from <file>', 'a whole policy instead of single values').conflicts(values))
    .addOption(new Option('--if-none', 'do nothing where there is a policy').default(false).conflicts('replace'))
    .addOption(new Option('--replace', 'write it in place of one that is there').default(false).conflicts('ifNone'))
    .addOption(new Option('--file <file>', 'write it elsewhere, for tests').hideHelp())
    .addOption(insecureLoopback())
    .addOption(json())
    .action((options: WriteOptions) => guard(options, async () => (await load()).writePolicyCommand(options)))

  const print = (name: string, description: string, file: (options: { readonly [key: string]: unknown }) => string) =>
    policy
      .command(name)
      .description(description)
      .action((options: Record<string, unknown>) =>
        guard({ json: false }, async () => (await load()).printPolicyFile(file(options))),
      )

  print('schema', 'print the JSON Schema of the policy file, for editors and Jamf', ({ settings }) =>
    settings ? 'settings.schema.json' : 'policy.schema.json',
  ).option('--settings', "of the users' settings file instead", false)
  print('example', 'print an example of the policy file', () => 'policy.json.example')
  print('admx', 'print the administrative template for Windows', () => 'windows/sg-session.admx')
  print(
    'adml',
    'print the words of the administrative template',
    ({ language }) => `windows/${language}/sg-session.adml`,
  ).addOption(new Option('--language <language>', 'which').choices(['en-US', 'fr-FR']).default('en-US'))
  print('mobileconfig', 'print an example of a configuration profile for macOS', () => 'macos/sg-session.mobileconfig')
}

function yesOrNo(text: string): boolean {
  if (/^(yes|true|1|on)$/i.test(text)) return true
  if (/^(no|false|0|off)$/i.test(text)) return false
  throw new InvalidArgumentError('must be yes or no.')
}
