import { basename } from 'node:path'
import type { AuditLine } from '../audit/audit-line.ts'
import { followAudit } from '../audit/follow-audit.ts'
import { auditFileOf } from '../audit/local-audit.ts'
import { readAudit } from '../audit/read-audit.ts'
import { readConfig } from '../config/config-files.ts'
import { AgentError } from '../errors.ts'
import { printable } from '../printable.ts'
import { standardPaths } from '../system/paths.ts'
import { makeOutput, type Output } from './output.ts'

export interface AuditOptions {
  readonly json: boolean
  readonly since?: number
  readonly last: number
  readonly follow: boolean
  readonly allowInsecureLoopback: boolean
}

/** Prints who asked for what on this machine, oldest first; needs no agent. */
export async function auditCommand(options: AuditOptions): Promise<void> {
  const output = makeOutput(options.json)
  const paths = standardPaths()
  const { config } = await readConfig(paths, { insecureLoopback: options.allowInsecureLoopback })
  const file = auditFileOf(config.audit, paths.stateFolder)
  const { lines, isCut, unreadable, bytes } = await readAudit(file, {
    most: options.last,
    ...(options.since === undefined ? {} : { since: options.since }),
  }).catch((error: unknown) => {
    throw new AgentError('temporarily_unavailable', `"${file}" cannot be read`, { cause: error })
  })
  if (isCut) output.remark(`These are the last ${lines.length}; --last shows more.`)
  if (lines.length === 0) output.remark(`There is nothing of that time in ${file}.`)
  for (const line of lines) print(output, line)
  if (unreadable > 0) output.remark(`Not readable: ${unreadable} lines, cut off when a program or a disk failed.`)
  if (!options.follow) return
  for await (const line of followAudit(file, bytes)) print(output, line)
}

/** `2026-11-22 09:00:00  maya.bin 4711  session/get  https://studio.example  ok` and who it says it is. */
export function describeLine(line: AuditLine): string {
  const { executable, script, pid, claimedName, claimedVersion, count } = line
  const program = executable === undefined ? 'unknown' : [executable, script].flatMap(nameOf).join(' ')
  const times = count > 1 ? ` ×${count}` : ''
  const by = line.allowedBy === undefined ? '' : ` (${line.allowedBy})`
  // Every program of the same user can write to the file.
  const parts = [
    localTime(line.time),
    `${program} ${pid}`.padEnd(28),
    `${line.method}${times}`.padEnd(20),
    line.site ?? '-',
    `${line.outcome}${by}`,
    `says it is ${claimedName} ${claimedVersion}`.trimEnd(),
  ]
  return printable(parts.join('  '))
}

function nameOf(path: string | undefined): string[] {
  return path === undefined ? [] : [basename(path)]
}

function localTime(time: string): string {
  return new Date(time).toLocaleString('sv-SE')
}

function print(output: Output, line: AuditLine): void {
  output.result(line, describeLine(line))
}
