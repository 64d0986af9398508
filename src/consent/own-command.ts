import { realpath } from 'node:fs/promises'
import { AgentError } from '../errors.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { Program } from '../socket/peer.ts'
import { type Application, isSameApplication } from './application.ts'

/** sg-session's own command line, links resolved: where it may lie, at least one place of either kind. */
export interface OwnCommand {
  /** As a program of its own, which needs nobody to run it. */
  readonly executables?: readonly string[]
  /** As a script. */
  readonly scripts: readonly string[]
  /** The program that runs the scripts; absent: any that is called node. */
  readonly executable?: string
}

const isNode = /[/\\]node(\.exe)?$/

/**
 * Whether a program is sg-session's own command line. An executable is the kernel's word, a script what a command line says; with either
 * this slows down and shows, and is no boundary: every program of the same user could start the command at a terminal of its making.
 */
export async function isOwnCommand({ executable, script }: Application, own: OwnCommand | undefined): Promise<boolean> {
  if (!own) return false
  if (script === undefined) return own.executables?.some((file) => isSamePath(file, executable)) ?? false
  if (own.executable === undefined ? !isNode.test(executable) : executable !== own.executable) return false
  // A command on the PATH is most often a link.
  return own.scripts.includes(await realpath(script).catch(() => script))
}

/** Windows has one file under many spellings. */
function isSamePath(one: string, other: string): boolean {
  return one === other || (/^[a-z]:\\/i.test(one) && one.toLowerCase() === other.toLowerCase())
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
        ? `Use the window of sg-session, or the command that came with it: "${[...(own.executables ?? []), ...own.scripts][0]}".`
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
