import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { oldFiles } from '../audit/audit-files.ts'
import { auditFileOf } from '../audit/local-audit.ts'
import { readAudit } from '../audit/read-audit.ts'
import { readEndpointFile } from '../socket/endpoint-file.ts'
import { askAgent } from './ask-agent.ts'
import type { Check, World } from './world.ts'

/** Whether what programs ask for is written down, where, and closed to others; the agent is asked what keeps it from writing. */
export const checkAudit: Check = async ({ paths, setup, system }, signal) => {
  const { audit } = setup.effective.config
  const file = auditFileOf(audit, paths.stateFolder)
  const row = { check: 'audit', about: file } as const
  const [said, own] = await Promise.all([problemOf(paths, signal), lstat(file).catch(() => undefined)])
  if (said) return [{ ...row, state: 'failed', found: said.problem, advice: said.advice }]
  if (!own) return [{ ...row, state: 'skipped', found: 'there is none yet' }]
  const wrong = system.platform === 'win32' ? undefined : judgeFile(own, system.uid)
  if (wrong) {
    const advice = 'Nothing is written there, or others can read it. Find out who made it so, and move it away.'
    return [{ ...row, state: 'failed', found: wrong, advice }]
  }
  const { lines, unreadable } = await readAudit(file, { most: 1 })
  const last = lines[0] ? `, the last entry of ${lines[0].time}` : ''
  const old = (await oldFiles(file)).length
  const before = old > 0 ? ` and ${old} older file${old > 1 ? 's' : ''}` : ''
  const torn = unreadable > 0 ? `; ${unreadable} lines cannot be read` : ''
  return [{ ...row, state: 'ok', found: `${own.size} bytes${before}${last}${torn}` }]
}

/** Judges what lies where the audit should be. */
function judgeFile(found: Stats, uid: number): string | undefined {
  if (!found.isFile()) return 'is no file'
  if (uid >= 0 && found.uid !== uid) return `belongs to user ${found.uid}`
  if ((found.mode & 0o077) !== 0) return `is open to others (${(found.mode & 0o777).toString(8)})`
  return undefined
}

/** What the agent says about it; undefined where all is well, and where none answers. */
async function problemOf(
  { endpointFiles }: World['paths'],
  signal: AbortSignal,
): Promise<{ readonly problem: string; readonly advice: string } | undefined> {
  for (const file of endpointFiles) {
    const endpoint = await readEndpointFile(file).catch(() => undefined)
    // One that does not answer has a row of its own.
    const status = endpoint && (await askAgent(endpoint, 'status', {}, signal).catch(() => undefined))
    if (status) return status.audit
  }
  return undefined
}
