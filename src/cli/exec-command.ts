import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { isatty } from 'node:tty'
import type { AgentClient } from '../client/node/agent-client.ts'
import { originOf } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import type { WireSiteStatus } from '../socket/messages.ts'
import type { Output } from './output.ts'
import { signInCommand } from './session-commands.ts'
import type { SiteOption } from './sign-in-wait.ts'

export interface ExecOptions extends SiteOption {
  readonly signIn: boolean
}

/** A shell's statuses for a command that it did not come to run. POSIX.1-2017, Shell & Utilities 2.8.2 */
const cannotBeRun = 126
const notFound = 127

/** What a service manager or a person sends to end a program or to make it read its files again. */
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const
/** What a terminal sends to every program in front, so to the child as well as to us. */
const fromTheKeyboard = ['SIGINT', 'SIGQUIT'] as const

/**
 * Makes sure that somebody is signed in, then runs the command with the way to the agent in its environment, and no token. Resolves
 * with the command's exit status: 128 + n when signal n ended it, 127 when there is none of that name. Throws what kept it from a
 * session, before anything was started.
 */
export async function execCommand(
  client: AgentClient,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const site = await demandSignedIn(client, options)
  const way = { SG_SESSION_SITE: site, ...(client.endpointFile ? { SG_SESSION_ENDPOINT: client.endpointFile } : {}) }
  // The command may run for a day, and needs nothing of us.
  client.close()
  return run(command, { ...process.env, ...way, ...withPythonClient(process.env['PYTHONPATH']) })
}

/**
 * The site as the agent spells it. The session itself is the command's to ask for: it is the program that a person is asked about. A
 * sign-in has its remarks on standard error: what the command prints is the command's.
 */
async function demandSignedIn(client: AgentClient, options: ExecOptions): Promise<string> {
  const { site, state } = await siteMeant(client, options)
  if (state === 'signed_in') return site
  if (!options.signIn) throw new AgentError('login_required', `nobody is signed in to "${site}"`)
  const output: Output = {
    json: false,
    result: (_value, text) => void process.stderr.write(`${text}\n`),
    remark: (text) => void process.stderr.write(`${text}\n`),
  }
  await signInCommand(client, output, { site, browser: true, switchUser: false })
  return site
}

async function siteMeant(client: AgentClient, options: ExecOptions): Promise<WireSiteStatus> {
  const { sites } = await client.status()
  const wanted = options.site ?? (process.env['SG_SESSION_SITE'] || undefined)
  const [site] = wanted === undefined ? sites : sites.filter((status) => status.site === originOf(wanted))
  if (site) return site
  const all = sites.map((status) => status.site).join(', ')
  throw new AgentError('site_unknown', `"${wanted}" is none of the configured sites: ${all}`)
}

/** `PYTHONPATH` with our client first, so that `import sg_session` works in a command that brings a Python. */
function withPythonClient(path: string | undefined): { PYTHONPATH?: string } {
  // Beside us in the sources; an npm package holds them beside what was compiled, an installed one beside the folder of the executable.
  const places = [join('..', 'client', 'python'), join('..', '..', 'src', 'client', 'python'), join('..', 'python')]
  const folder = places
    .map((place) => join(import.meta.dirname, place))
    .find((place) => existsSync(join(place, 'sg_session', '__init__.py')))
  return folder === undefined ? {} : { PYTHONPATH: path ? `${folder}${delimiter}${path}` : folder }
}

function run([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let child: ChildProcess | undefined
  const atTerminal = isatty(0)
  const listeners = [...passedOn, ...fromTheKeyboard].map((signal) => {
    const hears = atTerminal && (fromTheKeyboard as readonly string[]).includes(signal)
    const listener = (): void => void (hears || child?.kill(signal))
    process.on(signal, listener)
    return () => process.removeListener(signal, listener)
  })
  return new Promise<number>((resolve, reject) => {
    // Signals are heard by then: one that comes as it starts would end us alone, and leave it running.
    child = spawn(program, args, { stdio: 'inherit', env })
    child.once('error', reject)
    child.once('exit', (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
    .catch((error: NodeJS.ErrnoException) => explain(program, error))
    .finally(() => {
      for (const stop of listeners) stop()
    })
}

function explain(program: string, { code }: NodeJS.ErrnoException): number {
  const [said, status] =
    code === 'ENOENT'
      ? ['there is no command of that name. Check it, or give its whole path.', notFound]
      : [`it cannot be run (${code}). Check that it is a program, and that you may run it.`, cannotBeRun]
  process.stderr.write(`sg-session: "${program}": ${said}\n`)
  return status
}
