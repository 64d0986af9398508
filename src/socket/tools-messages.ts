import { z } from 'zod'
import { madeWhenAsked } from './made-when-asked.ts'
import { seconds, site } from './wire-fields.ts'

const toolPath = z.string().min(1).max(4_096)
const tool = {
  executable: z.string(),
  /** Of an interpreter. */
  script: z.string().optional(),
  site,
  scope: z.string(),
}
const allowedTool = z.object({
  id: z.string(),
  ...tool,
  allowedAt: seconds,
  /** To a day. */
  lastUsedAt: seconds.optional(),
  /** Allowed only for as long as this process runs. */
  pid: z.number().int().optional(),
})
const pendingQuestion = z.object({
  id: z.string(),
  ...tool,
  pid: z.number().int(),
  /** Who started it, nearest first. */
  parents: z.array(z.object({ pid: z.number().int(), executable: z.string() })),
  /** What it says it is. */
  client: z.object({ name: z.string(), version: z.string() }),
  askedAt: seconds,
  endsAt: seconds,
})

/** The methods about which programs may have a session. */
export const toolsMethods = {
  /** Which programs may have a session, and which are not asked about for a while. One page of it. */
  'tools/list': madeWhenAsked({
    params: () =>
      z.object({
        /** The `next` of the page before. */
        after: z.number().int().nonnegative().default(0),
      }),
    result: () =>
      z.object({
        /** The configuration's `tools.consent`. */
        consent: z.string(),
        allowed: z.array(allowedTool),
        refused: z.array(z.object({ ...tool, until: seconds })),
        next: z.number().int().optional(),
      }),
  }),
  /** The questions about programs that wait for an answer. */
  'tools/pending': madeWhenAsked({
    params: () => z.object({}),
    result: () => z.object({ questions: z.array(pendingQuestion) }),
  }),
  'tools/allow': madeWhenAsked({
    params: () =>
      z.object({
        executable: toolPath,
        script: toolPath.optional(),
        site: site.optional(),
        scope: z.enum(['rest', 'autodesk']).default('rest'),
      }),
    result: () => allowedTool,
  }),
  'tools/revoke': madeWhenAsked({
    params: () => z.object({ id: z.string().min(1).max(64) }),
    result: () => allowedTool,
  }),
  'tools/answer': madeWhenAsked({
    params: () => z.object({ id: z.string().min(1).max(64), answer: z.enum(['once', 'always', 'deny']) }),
    result: () => pendingQuestion,
  }),
} as const

/** A program that may have the session, or the Autodesk token, of a site. */
export type WireAllowedTool = z.output<typeof allowedTool>
/** A question about a program, which waits for the artist's answer. */
export type WireQuestion = z.output<typeof pendingQuestion>
