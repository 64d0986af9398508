import { z } from 'zod'
import { AgentError } from '../errors.ts'
import { PassedSecrets } from '../secrets/passed-secrets.ts'
import { type JsonPath, takeSecrets } from '../secrets/take-secrets.ts'
import { SecretText } from '../secrets/write-secrets.ts'

/**
 * What one program tells the next, and in which order:
 *
 * 1. the successor: `ready`, with the formats that it can read;
 * 2. the predecessor: `document`, in the newest format that both know, and the secrets in a message of their own;
 *    or `refusal`, and it is over;
 * 3. the successor: `announced`, when tools find it instead; it serves nobody yet. Or `refusal`;
 * 4. the predecessor: `over`, when it serves nobody any more.
 *
 * The format rises with every change that a program of before would misread; a program reads the newest it knows and the one before.
 */
const newestFormat = 1

export function formatsRead(newest = newestFormat): readonly number[] {
  return [newest, newest - 1].filter((format) => format >= 1)
}

const said = z.string().max(1_000)
const readySchema = z.object({ ready: z.object({ formats: z.array(z.number().int()), version: said }) })
const announcedSchema = z.object({ announced: z.object({ sites: z.array(z.string()) }) })
const refusalSchema = z.object({ refusal: said })
const overSchema = z.object({
  over: z.object({ wants: z.string().optional(), ended: z.array(z.string()).default([]) }),
})
const documentSchema = z.object({
  format: z.number().int(),
  version: said,
  secrets: z.number().int().min(0).max(1_000),
  state: z.unknown(),
})

export type Ready = z.output<typeof readySchema>['ready']
export type HandedOver = z.output<typeof documentSchema>

export const say = {
  ready: (ready: Ready): object => ({ ready }),
  announced: (sites: readonly string[]): object => ({ announced: { sites } }),
  refusal: (because: string): object => ({ refusal: because.slice(0, 1_000) }),
  over: (wants: string | undefined, ended: readonly string[] = []): object => ({
    over: { ...(wants === undefined ? {} : { wants }), ...(ended.length === 0 ? {} : { ended }) },
  }),
  document: (format: number, version: string, state: object, secrets: PassedSecrets): object => ({
    ...{ format, version, state },
    secrets: secrets.all.length,
  }),
  /** By number. */
  secrets: (secrets: PassedSecrets): object =>
    Object.fromEntries(secrets.all.map((secret, number) => [`n${number}`, new SecretText(secret)])),
}

/** The newest format that both know. Throws `unsupported_version`. */
export function judgeReady(message: unknown, written: readonly number[] = formatsRead()): Ready & { format: number } {
  const { ready } = judge(readySchema, message, 'not ready')
  const format = written.find((one) => ready.formats.includes(one))
  if (format !== undefined) return { ...ready, format }
  const both = `it reads ${ready.formats.join(', ') || 'none'}, this one writes ${written.join(', ')}`
  throw new AgentError('unsupported_version', `version ${ready.version} knows no format of this one: ${both}`)
}

/** Throws `unsupported_version` for a format that is not among `read`. */
export function judgeDocument(message: unknown, read: readonly number[] = formatsRead()): HandedOver {
  const document = judge(documentSchema, message, 'no document')
  if (read.includes(document.format)) return document
  const both = `it is written in ${document.format}, this one reads ${read.join(', ')}`
  throw new AgentError('unsupported_version', `what version ${document.version} hands over cannot be read: ${both}`)
}

/** The secrets of a document, taken out of the bytes of their message. Throws `invalid_request` where they are not all there. */
export function judgeSecrets(bytes: Uint8Array, count: number): PassedSecrets {
  try {
    const paths = Array.from({ length: count }, (_, number): JsonPath => [`n${number}`])
    const taken = takeSecrets(bytes, ...paths)
    const found = taken.flatMap((secret) => (secret ? [secret] : []))
    if (found.length === count) return new PassedSecrets(found)
    for (const secret of found) secret.wipe()
  } catch {
    // No cause: it might quote them.
  } finally {
    bytes.fill(0)
  }
  throw new AgentError('invalid_request', `the ${count} secrets of what is handed over are not there`)
}

/** The sites that the successor holds now. */
export function judgeAnnounced(message: unknown): readonly string[] {
  return judge(announcedSchema, message, 'not announced').announced.sites
}

/**
 * What somebody who started the program meanwhile wanted of it, undefined: nothing; and the sites whose session has ended since it was
 * handed over.
 */
export function judgeOver(message: unknown): { readonly wants: string | undefined; readonly ended: readonly string[] } {
  const { wants, ended } = judge(overSchema, message, 'not over').over
  return { wants, ended }
}

/** Throws why the peer refused, if it did; else `invalid_request`. */
function judge<S extends z.ZodType>(schema: S, message: unknown, otherwise: string): z.output<S> {
  const refusal = refusalSchema.safeParse(message)
  if (refusal.success) throw new AgentError('temporarily_unavailable', refusal.data.refusal)
  const parsed = schema.safeParse(message)
  if (parsed.success) return parsed.data
  throw new AgentError('invalid_request', message === undefined ? 'it ended' : `it said something else: ${otherwise}`)
}
