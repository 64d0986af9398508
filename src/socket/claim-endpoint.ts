import { constants } from 'node:fs'
import { access, lstat, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { lock } from 'proper-lockfile'
import { AgentError } from '../errors.ts'
import { version } from '../version.ts'
import { dial } from './dial.ts'
import { claimFolder, type Endpoint, readEndpointFile, removeEndpointFile, writeEndpointFile } from './endpoint-file.ts'

export interface ClaimedEndpoint {
  readonly file: string
  /** Writes the file again, where another process has written it since or removed it. */
  announceAgain(): Promise<void>
  /** Removes the file, unless a later agent has written it since. */
  release(): Promise<void>
}

const answerLimitMs = 3_000
const startPatienceMs = 30_000
/** What an agent says or does that lives: one of another version, too. */
const livingCodes: ReadonlySet<string> = new Set(['agent_timeout', 'temporarily_unavailable', 'unsupported_version'])

/**
 * Makes this process the user's one agent: opens the socket and announces it in the first of `files` whose surroundings
 * exist and can be written. Throws `agent_already_running`, naming its pid, when another agent answers with the key of its
 * file, `config_invalid` when the file cannot be written; one that a killed agent left behind is replaced, and that of
 * `predecessor`, a process that is about to end.
 */
export async function claimEndpoint(
  files: readonly string[],
  open: () => Promise<Endpoint>,
  predecessor?: number,
): Promise<ClaimedEndpoint> {
  const file = await firstUsable(files)
  let lost: Error | undefined
  // Held while starting only: from then on whether an agent lives is found out by talking to it.
  const unlock = await lockWhileStarting(dirname(file), (error) => {
    lost = error
  })
  try {
    await demandNoOther(files, predecessor)
    const endpoint = await open()
    if (lost) throw new AgentError('temporarily_unavailable', 'another sg-session started meanwhile', { cause: lost })
    await removeUnfinished(file)
    await writeEndpointFile(file, endpoint).catch((cause: unknown) => {
      throw cannotBeWritten(file, cause)
    })
    return {
      file,
      announceAgain: () => writeEndpointFile(file, endpoint),
      release: () => removeEndpointFile(file, endpoint.key),
    }
  } finally {
    await unlock().catch(() => undefined)
  }
}

/** `onLost`: another starter may have taken over, after this machine or process stood still for seconds. */
async function lockWhileStarting(folder: string, onLost: (error: Error) => void): Promise<() => Promise<void>> {
  const deadline = performance.now() + startPatienceMs
  for (;;) {
    try {
      return await lock(folder, {
        lockfilePath: join(folder, 'starting'),
        // The least that the package allows: one that was killed meanwhile holds up its successor that long.
        stale: 2_000,
        update: 1_000,
        onCompromised: onLost,
      })
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cannotBeWritten(folder, cause)
      if (performance.now() > deadline)
        throw new AgentError('temporarily_unavailable', 'another sg-session is starting and does not finish', { cause })
    }
    await new Promise((wake) => setTimeout(wake, 50 + Math.random() * 100))
  }
}

/** What an agent that was killed while it wrote has left beside the file, with a key that opens nothing. */
async function removeUnfinished(file: string): Promise<void> {
  const names = await readdir(dirname(file))
  const left = names.filter((name) => name.startsWith(`${basename(file)}.`))
  await Promise.all(left.map((name) => rm(join(dirname(file), name), { force: true })))
}

function cannotBeWritten(path: string, cause: unknown): AgentError {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
  const advice = 'Make room there, or ask IT for a place that can be written: plug-ins find the agent by this file.'
  return new AgentError('config_invalid', `"${path}" cannot be written: ${reason}`, { cause, advice })
}

/** A place that cannot be ours is passed over: clients look at the next one too. */
async function firstUsable(files: readonly string[]): Promise<string> {
  const reasons: string[] = []
  for (const file of files) {
    try {
      await demandOwnSurroundings(dirname(dirname(file)))
      await claimFolder(dirname(file))
      await access(dirname(file), constants.W_OK)
      return file
    } catch (error) {
      reasons.push(`${file} (${error instanceof Error ? error.message : error})`)
    }
  }
  throw new AgentError('config_invalid', `there is no place for the endpoint file: tried ${reasons.join(', ')}`)
}

/** `su` hands on XDG_RUNTIME_DIR: root must not leave a folder of its own in an artist's. */
async function demandOwnSurroundings(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const { uid, mode } = await lstat(folder)
  const isShared = (mode & 0o1000) !== 0
  if (uid !== process.getuid?.() && !isShared)
    throw new AgentError('config_invalid', `"${folder}" belongs to another user`)
}

async function demandNoOther(files: readonly string[], predecessor: number | undefined): Promise<void> {
  for (const file of files) {
    const endpoint = await readEndpointFile(file).catch(() => undefined)
    if (endpoint && endpoint.pid !== predecessor && (await answers(endpoint))) {
      throw new AgentError('agent_already_running', `sg-session is already running (process ${endpoint.pid})`)
    }
  }
}

async function answers(endpoint: Endpoint): Promise<boolean> {
  try {
    const line = await dial(endpoint, { name: 'sg-session', version }, answerLimitMs)
    line.close()
    return true
  } catch (error) {
    // One that takes connections and is slow to answer, or has too many callers, is busy and not gone; unless its process
    // is gone, and what takes the connections is somebody else's.
    return error instanceof AgentError && livingCodes.has(error.code) && isAlive(endpoint.pid)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
