import { basename } from 'node:path'
import type { Paths } from '../system/paths.ts'
import { clearKeychain } from './clear-keychain.ts'
import { endAgent } from './end-agent.ts'
import { isAuditName, keptPlaces } from './kept-places.ts'
import { type Removal, removeOurs, removeWhole } from './remove-own.ts'

export interface EraseRules {
  /** The configured audit file, when it is not in the state folder. */
  readonly auditFile?: string | undefined
  readonly keepAudit: boolean
  readonly env: NodeJS.ProcessEnv
  readonly endWithinMs?: number
}

/** What an erasure did for one user. */
export interface Erasure {
  /** Processes that were asked to end, and did. */
  readonly ended: readonly number[]
  readonly removed: readonly string[]
  /** What should have gone and did not. */
  readonly left: Removal['left']
  /** What stays and is no fault: the audit, what others have put into our folders, a keychain that nobody could ask. */
  readonly remarks: readonly string[]
}

/**
 * Ends the user's agent and removes all that sg-session keeps for this user on this machine. Throws `temporarily_unavailable`, with
 * nothing removed, when the agent does not end; whatever else fails is in `left`.
 */
export async function erase(paths: Paths, rules: EraseRules): Promise<Erasure> {
  const { keepAudit, auditFile, env } = rules
  const ended = await endAgent(paths, rules.endWithinMs)
  const into: Removal = { removed: [], left: [] }
  const { folders, whole } = keptPlaces(paths, { auditFile, keepAudit })
  const keychain = await clearKeychain(env, into)
  for (const folder of whole) await removeWhole(folder, into)
  const others: string[] = []
  for (const folder of folders) others.push(...(await removeOurs(folder, into)))
  const known = new Set([...into.left.map(({ what }) => what), ...folders.map(({ folder }) => folder), ...whole])
  const stay = others
    .filter((path) => !known.has(path))
    .map((path) => `stays: ${path} (${whyItStays(path, keepAudit)})`)
  return { ended, ...into, remarks: [...(keychain === undefined ? [] : [keychain]), ...stay] }
}

function whyItStays(path: string, keepAudit: boolean): string {
  return keepAudit && isAuditName(basename(path)) ? 'the audit' : 'sg-session did not write it'
}
