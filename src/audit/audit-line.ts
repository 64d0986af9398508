import { z } from 'zod'
import type { AuditEntry } from './audit-entry.ts'

/** One line of the audit, as docs/audit.md describes it. */
const lineSchema = z.object({
  time: z.iso.datetime(),
  executable: z.string().optional(),
  script: z.string().optional(),
  pid: z.number().int(),
  uid: z.number().int().optional(),
  claimedName: z.string(),
  claimedVersion: z.string(),
  method: z.string(),
  aboutExecutable: z.string().optional(),
  aboutScript: z.string().optional(),
  site: z.string().optional(),
  scope: z.string(),
  outcome: z.string(),
  allowedBy: z.string().optional(),
  ms: z.number(),
  count: z.number().int(),
})

/** A line as it is read, which a newer agent may have written. */
export type AuditLine = z.output<typeof lineSchema>

/** Without its line feed. */
export function writeLine({ at, claimed, about, ...entry }: AuditEntry): string {
  // In the order they are read in.
  const line: AuditLine = {
    time: new Date(at).toISOString(),
    ...pick(entry, 'executable', 'script', 'pid', 'uid'),
    claimedName: claimed.name,
    claimedVersion: claimed.version,
    method: entry.method,
    ...(about === undefined ? {} : { aboutExecutable: about.executable }),
    ...(about?.script === undefined ? {} : { aboutScript: about.script }),
    ...pick(entry, 'site', 'scope', 'outcome', 'allowedBy', 'ms', 'count'),
  }
  return JSON.stringify(line)
}

/** Undefined for what is none: a line that a kill or a full disk has cut off. */
export function readLine(text: string): AuditLine | undefined {
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function pick<From extends object, Name extends keyof From>(from: From, ...names: Name[]): Pick<From, Name> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))) as Pick<
    From,
    Name
  >
}
