import { realpath } from 'node:fs/promises'
import { AgentError } from '../errors.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { Program } from '../socket/peer.ts'
import { type Application, isSameApplication } from './application.ts'

/** sg-session's own command line, links resolved. */
export interface OwnCommand {
  /** The program that runs it; absent: any that is called node. */
  readonly executable?: string
  /** Where it may lie; at least one. */
  readonly scripts: readonly string[]
}

const isNode = /[/\\]node(\.exe)?$/

/**
 * Whether a program is sg-session's own command line. The script is what its command line says, so this slows down and shows, and is
 * no boundary: every program of the same user could start the command at a terminal of its making.
 */
export async function isOwnCommand({ executable, script }: Application, own: OwnCommand | undefined): Promise<boolean> {
  if (!own || script === undefined) return false
  if (own.executable === undefined ? !isNode.test(executable) : executable !== own.executable) return false
  // A command on the PATH is most often a link.
  return own.scripts.includes(await realpath(script).catch(() => script))
}

/**
 * Throws `consent_denied` unless `by` is sg-session's own command line, and was not started by the program that is to be allowed: by
 * one of its processes (`about.pids`), or by another that runs the same.
 */
export async function demandOwnCommand(
  by: CallingTool,
  own: OwnCommand | undefined,
  about?: { readonly application: Application; readonly pids: readonly number[] },
): Promise<void> {
  const { identified } = by
  if (identified.kind === 'unknown' || !(await isOwnCommand(identified.peer, own))) {
    throw new AgentError('consent_denied', 'programs are allowed and revoked by sg-session’s own command line only', {
      advice: own
        ? `Use the window of sg-session, or the command that came with it: "${own.scripts[0]}".`
        : 'Use the window of sg-session.',
    })
  }
  if (!about) return
  // The command line may ask for a session itself, and is the same program as the one that answers.
  const isOwn = await isOwnCommand(about.application, own)
  const isAbout = ({ pid, ...program }: Program): boolean =>
    about.pids.includes(pid) || (!isOwn && isSameApplication(program, about.application))
  if ([identified.peer, ...identified.peer.parents].some(isAbout)) {
    throw new AgentError('consent_denied', 'a program cannot be allowed by a command that it started itself', {
      advice: 'Run the command in a terminal that you have opened yourself.',
    })
  }
}
