import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { readConfigText } from '../system/read-guarded.ts'
import { StateFile, type StateFileSettings } from '../system/state-file.ts'

const finding = z.object({
  /** Wall clock, ms since the epoch. */
  at: z.number(),
  kind: z.enum(['update', 'none', 'refused', 'unreachable', 'failed']),
  /** For people: a version, or what was wrong. */
  detail: z.string().max(1_000),
})
const schema = z.object({
  /** 0 to 99, drawn once and sent to nobody: a release for 30 % of the machines is for those below 30. */
  bucket: z.number().int().min(0).max(99),
  /** The newest metadata that was taken, and where it was: what is older there is a replay. */
  newest: z.object({ address: z.string(), issuedAt: z.number() }).optional(),
  lastLook: finding.optional(),
  /** What was put in place, and how often. */
  tried: z.object({ version: z.string(), times: z.number().int() }).optional(),
})

/** What is remembered of updates between two runs. */
export type UpdateRecord = z.output<typeof schema>

const format = 1
const fileName = 'updates.json'

/** Kept among the user's state files; no secret, and nothing of it leaves the machine. */
export function openUpdateRecord(stateFolder: string, log: StateFileSettings<unknown>['log']): StateFile<UpdateRecord> {
  const file = join(stateFolder, fileName)
  return new StateFile({ file, format, schema, empty: { bucket: randomInt(100) }, log })
}

/** The same for who only looks: undefined where there is none that can be read. Never throws, and writes nothing. */
export async function readUpdateRecord(stateFolder: string): Promise<UpdateRecord | undefined> {
  try {
    const text = await readConfigText(join(stateFolder, fileName))
    if (text === undefined) return undefined
    return z.object({ format: z.literal(format), content: schema }).parse(JSON.parse(text)).content
  } catch {
    return undefined
  }
}
