import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { program as broker } from '../src/broker/sg-broker.ts'
import { exitStatuses } from '../src/cli/exit-statuses.ts'
import { program as commandLine } from '../src/cli/sg-session.ts'
import { type CommandShown, manualPage } from '../src/manual-page.ts'
import { standardPaths } from '../src/system/paths.ts'

// `node build/man-pages.ts [folder]`: the manual pages of sg-session and sg-broker, in `out/man` when none is named. Their date is
// SOURCE_DATE_EPOCH's, where that is set.

const folder = process.argv[2] ?? fileURLToPath(new URL('../out/man', import.meta.url))
const epoch = process.env['SOURCE_DATE_EPOCH']
const date = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)
const { policyFile, settingsFile, stateFolder, logFolder } = standardPaths({
  platform: 'linux',
  env: {},
  home: '~',
  uid: 0,
})

const pages = {
  'sg-session.1': manualPage(commandLine, {
    section: 1,
    date,
    remarks,
    environment: {
      SG_SESSION_SITE: 'Which site is meant where none is named.',
      SG_SESSION_ENDPOINT: 'The file in which the agent is announced, instead of looking for it.',
      BROWSER: 'The browser that a sign-in opens.',
      NO_COLOR: 'No colours, as https://no-color.org has it.',
    },
    files: {
      [policyFile]: 'What IT decides: sg-session-policy(5).',
      [settingsFile]: 'The settings of the user, where XDG_CONFIG_HOME does not name another folder.',
      '/run/user/UID/sg-session/endpoint.json': 'Where the agent of the user is found.',
      [stateFolder]: 'Which programs were allowed, and what they asked for. XDG_STATE_HOME can name another folder.',
      [logFolder]: 'The log of the tray app.',
      '/opt/sg-session/python': 'The client for Python programs: a folder for PYTHONPATH.',
    },
    exitStatuses,
    seeAlso: ['sg-session-policy 5', 'sg-broker 8'],
  }),
  'sg-broker.8': manualPage(broker, {
    section: 8,
    date,
    remarks,
    environment: { SG_BROKER_CONFIG: 'The configuration file, instead of the option.' },
    files: {
      '/etc/sg-broker/broker.json': 'The configuration. Its keys are described by the command schema.',
      '/var/lib/sg-broker': 'The database, where it is SQLite.',
      '/usr/share/doc/sg-broker/examples': 'An example of the configuration.',
    },
    exitStatuses: exitStatuses.filter(({ status }) => status !== 3),
    seeAlso: ['sg-session 1', 'systemctl 1'],
  }),
}

mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text)
process.stdout.write(
  `${Object.keys(pages)
    .map((name) => join(folder, name))
    .join('\n')}\n`,
)

/** What commander prints behind the options. The program's own is about exit statuses, which have a section. */
function remarks(shown: CommandShown): string {
  const command = shown as Command
  let whole = ''
  const writeOut = (text: string): void => {
    whole += text
  }
  command.configureOutput({ writeOut }).outputHelp()
  return whole.replace(command.helpInformation(), '')
}
