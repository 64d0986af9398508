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

/**
 * Makes this process the user's one agent: opens the socket and announces it in the first of `files` whose surroundings
 * exist. Throws `agent_already_running`, naming its pid, when another agent answers with the key of its file; a file that a
 * killed agent left behind is replaced.
 */
export async function claimEndpoint(files: readonly string[], open: () => Promise<Endpoint>): Promise<ClaimedEndpoint> {
  const file = await firstUsable(files)
  // Held while starting only: from then on whether an agent lives is found out by talking to it.
  const unlock = await lock(dirname(file), {
    lockfilePath: join(dirname(file), 'starting'),
    stale: 5_000,
    update: 1_000,
    retries: { retries: 60, factor: 1.2, minTimeout: 20, maxTimeout: 200 },
  }).catch((cause: unknown) => {
    throw new AgentError('temporarily_unavailable', 'another sg-session is starting and does not finish', { cause })
  })
  try {
    await demandNoOther(files)
    const endpoint = await open()
    await writeEndpointFile(file, endpoint)
    return { file, release: () => removeEndpointFile(file, endpoint.key) }
  } finally {
    await unlock()
  }
}

async function firstUsable(files: readonly string[]): Promise<string> {
  let missing: unknown
  for (const file of files) {
    try {
      await claimFolder(dirname(file))
      return file
    } catch (error) {
      if (error instanceof AgentError) throw error
      missing = error
    }
  }
  throw new AgentError('config_invalid', `there is no place for the endpoint file: tried ${files.join(', ')}`, {
    cause: missing,
  })
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
    // One that takes connections and is slow to answer is busy, not gone.
    return error instanceof AgentError && error.code === 'agent_timeout'
  }
}
