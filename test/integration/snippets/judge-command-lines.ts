import { program as broker } from '../../../src/broker/sg-broker.ts'
import { program as session } from '../../../src/cli/sg-session.ts'

type Command = typeof session

/** What this program prints, as JSON. */
export interface Judgement {
  /** Of each line that was asked about: what the real program has against it, or null. */
  readonly against: readonly (string | null)[]
  /** Every `program command` there is. */
  readonly commands: readonly string[]
  /** Every option of any of them. */
  readonly options: readonly string[]
}

/**
 * Reads a JSON array of command lines (`["sg-session", "get", "--json"]`) on standard input and judges them. Nothing is done:
 * every command's action is taken out. A process of its own, because the two programs run what they were started with unless
 * another module is the main one.
 */
const programs: Readonly<Record<string, Command>> = { 'sg-session': session, 'sg-broker': broker }
const options = new Set(['--help', '--version'])
for (const program of Object.values(programs)) keepFromActing(program)

let input = ''
for await (const chunk of process.stdin) input += chunk
const against: (string | null)[] = []
for (const [name = '', ...words] of JSON.parse(input) as string[][]) against.push(await judge(programs[name], words))
const commands = [session, broker].flatMap((one) => one.commands.map((command) => `${one.name()} ${command.name()}`))
process.stdout.write(JSON.stringify({ against, commands, options: [...options] } satisfies Judgement))

async function judge(program: Command | undefined, words: string[]): Promise<string | null> {
  try {
    await program?.parseAsync(words, { from: 'user' })
    return program ? null : 'is no program of ours'
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code === 'commander.helpDisplayed' || code === 'commander.version' ? null : message
  }
}

function keepFromActing(command: Command): void {
  for (const { long } of command.options) if (long) options.add(long)
  command.exitOverride((error) => {
    throw error
  })
  command.configureOutput({ writeOut() {}, writeErr() {} })
  if (command.commands.length === 0) command.action(() => undefined)
  else for (const one of command.commands) keepFromActing(one)
}
