import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { AgentClient } from '../client/node/agent-client.ts'
import { AgentError } from '../errors.ts'
import { readEndpointFile } from '../socket/endpoint-file.ts'
import type { Paths } from '../system/paths.ts'
import { version } from '../version.ts'
import { singletonLockOf } from './kept-places.ts'

/** Longer than the app and the agent give themselves to quit. */
const endLimitMs = 15_000
const answerLimitMs = 5_000
const pollMs = 50

/**
 * Signs the user out everywhere and asks what of sg-session runs for them to end: it would write again what is removed. Resolves
 * with the processes that have ended. Throws `temporarily_unavailable` when one does not end, or does not answer so that it is not
 * known to be ours; it is never killed.
 */
export async function endAgent({ endpointFiles, electronFolders }: Paths, endWithinMs = endLimitMs): Promise<number[]> {
  const ended: number[] = []
  for (const file of endpointFiles) {
    const endpoint = await readEndpointFile(file).catch(() => undefined)
    if (!endpoint || !(await signsOut(file, endpoint.pid, endWithinMs))) continue
    await end(endpoint.pid, endWithinMs)
    ended.push(endpoint.pid)
  }
  // An app that has no site yet serves nobody, and still writes.
  for (const folder of electronFolders) {
    const pid = await holderOf(singletonLockOf(folder))
    if (pid === undefined || ended.includes(pid)) continue
    await end(pid, endWithinMs)
    ended.push(pid)
  }
  return ended
}

/** Ends every session, which also forgets what the keychain remembers. False where no agent of ours is there. */
async function signsOut(file: string, pid: number, answerWithinMs: number): Promise<boolean> {
  const timeoutMs = Math.min(answerWithinMs, answerLimitMs)
  const client = new AgentClient({ endpointFiles: [file], caller: { name: 'sg-session-cli', version }, timeoutMs })
  try {
    for (const { site } of (await client.status()).sites) {
      // What it cannot sign out of now it will not be asked about again: the session ends by itself.
      await client.signOut(site).catch(() => undefined)
    }
    return true
  } catch (error) {
    const isBusy = error instanceof AgentError && ['agent_timeout', 'temporarily_unavailable'].includes(error.code)
    if (isBusy && (await isAlive(pid))) throw notEnding(pid, 'does not answer', error)
    // Another version's agent is ours all the same: it has taken the key of the file.
    if (error instanceof AgentError && error.code === 'unsupported_version') return true
    return false
  } finally {
    client.close()
  }
}

async function end(pid: number, withinMs: number): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return
    throw notEnding(pid, 'cannot be told to end', error)
  }
  const deadline = performance.now() + withinMs
  while (await isAlive(pid)) {
    if (performance.now() > deadline) throw notEnding(pid, 'does not end')
    await new Promise((wake) => setTimeout(wake, pollMs))
  }
}

function notEnding(pid: number, what: string, cause?: unknown): AgentError {
  return new AgentError('temporarily_unavailable', `sg-session runs as process ${pid}, which ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    advice:
      'End it, then run this again: an agent that goes on would write again what is removed. Nothing was removed.',
  })
}

/** The app that holds the lock, on this machine; undefined also where another program has got its number since. */
async function holderOf(lock: string): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined
  const [, host, number] = /^(.+)-(\d+)$/.exec(await readlink(lock).catch(() => '')) ?? []
  if (number === undefined || host !== hostname()) return undefined
  const executable = await readlink(`/proc/${number}/exe`).catch(() => '')
  return basename(executable).replace(/ \(deleted\)$/, '') === 'sg-session-app' ? Number(number) : undefined
}

/** One that has ended and that nobody has asked about yet is gone too: proc(5), state Z. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  if (process.platform !== 'linux') return true
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/^\d+ \(.*\) [ZX] /s.test(stat)
}
