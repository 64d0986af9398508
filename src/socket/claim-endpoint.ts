import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { lock } from 'proper-lockfile'
import { AgentError } from '../errors.ts'
import { version } from '../version.ts'
import { dial } from './dial.ts'
import { claimFolder, type Endpoint, readEndpointFile, removeEndpointFile, writeEndpointFile } from './endpoint-file.ts'

export interface ClaimedEndpoint {
  readonly file: string
  /** Removes the file, unless a later agent has written it since. */
  release(): Promise<void>
}

const answerLimitMs = 3_000
const busyCodes: ReadonlySet<string> = new Set(['agent_timeout', 'temporarily_unavailable'])

/**
 * Makes this process the user's one agent: opens the socket and announces it in the first of `files` whose surroundings
 * exist. Throws `agent_already_running`, naming its pid, when another agent answers with the key of its file; a file that a
 * killed agent left behind is replaced.
 */
export async function claimEndpoint(files: readonly string[], open: () => Promise<Endpoint>): Promise<ClaimedEndpoint> {
  const file = await firstUsable(files)
  let lost: Error | undefined
  // Held while starting only: from then on whether an agent lives is found out by talking to it.
  const unlock = await lock(dirname(file), {
    lockfilePath: join(dirname(file), 'starting'),
    stale: 5_000,
    update: 1_000,
    retries: { retries: 100, factor: 1.2, minTimeout: 20, maxTimeout: 300 },
    // A machine that stood still for seconds: another starter may have taken over.
    onCompromised: (error) => {
      lost = error
    },
  }).catch((cause: unknown) => {
    throw new AgentError('temporarily_unavailable', 'another sg-session is starting and does not finish', { cause })
  })
  try {
    await demandNoOther(files)
    const endpoint = await open()
    if (lost) throw new AgentError('temporarily_unavailable', 'another sg-session started meanwhile', { cause: lost })
    await writeEndpointFile(file, endpoint)
    return { file, release: () => removeEndpointFile(file, endpoint.key) }
  } finally {
    await unlock().catch(() => undefined)
  }
}

/** A place that cannot be ours is passed over: clients look at the next one too. */
async function firstUsable(files: readonly string[]): Promise<string> {
  const reasons: string[] = []
  for (const file of files) {
    try {
      await demandOwnSurroundings(dirname(dirname(file)))
      await claimFolder(dirname(file))
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

async function demandNoOther(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const endpoint = await readEndpointFile(file).catch(() => undefined)
    if (endpoint && (await answers(endpoint))) {
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
    return error instanceof AgentError && busyCodes.has(error.code) && isAlive(endpoint.pid)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
