import { z } from 'zod'
import { shapes } from '../config-schema.ts'
import { noteCodes, problemCodes, type Verdict } from './judge-site.ts'

const problemSchema = z.strictObject({ code: z.enum(problemCodes), says: z.string(), next: z.string() })
const noteSchema = z.strictObject({ code: z.enum(noteCodes), says: z.string() })
const count = z.number().int().min(0)

const personSchema = z.strictObject({
  user_id: z.number().int().positive(),
  login: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  status: z.enum(['active', 'disabled', 'retired']),
  permission_group: z.string().nullable(),
  ready: z.boolean(),
  problems: z.array(problemSchema),
  notes: z.array(noteSchema),
})

const siteSchema = z.strictObject({
  site: z.string(),
  scripts: z.array(
    z.strictObject({
      name: z.string(),
      /** Whether the site takes its key. */
      taken: z.boolean(),
      /** Whether it made a REST bearer in the name of a ready person; null: not tried. */
      may_sudo: z.boolean().nullable(),
      /** Why not. */
      says: z.string().nullable(),
    }),
  ),
  issue: z.strictObject({
    configured: z.enum(['auto', ...shapes]),
    /** What `auto` found out. */
    chosen: z.enum(['session', 'gateway']).nullable(),
    reason: z.string().nullable(),
    chosen_at: z.iso.datetime().nullable(),
  }),
  totals: z.strictObject({
    users: count,
    ready: count,
    /** Active users that are not ready. */
    not_ready: count,
    disabled: count,
    retired: count,
    /** How many users have it; a user may have several. */
    problems: z.partialRecord(z.enum(problemCodes), count),
    notes: z.partialRecord(z.enum(noteCodes), count),
  }),
  users: z.array(personSchema),
})

/** What `sg-broker preflight --json` prints. Fields and codes may be added; those there are stay as they are. */
export const preflightReportSchema = z.strictObject({
  format: z.literal('sg-broker preflight 1'),
  made_at: z.iso.datetime(),
  sites: z.array(siteSchema),
})

export type PreflightReport = z.output<typeof preflightReportSchema>
export type SiteReport = PreflightReport['sites'][number]
export type PersonReport = SiteReport['users'][number]

/** One person of the report. */
export function describeVerdict({ user, status, problems, notes }: Verdict): PersonReport {
  return {
    user_id: user.id,
    login: user.login,
    name: user.name,
    email: user.email ?? null,
    status,
    permission_group: user.permissionGroup ?? null,
    ready: problems.length === 0,
    problems: [...problems],
    notes: [...notes],
  }
}

/** How many users have what. */
export function countTotals(users: readonly PersonReport[]): SiteReport['totals'] {
  return {
    users: users.length,
    ready: users.filter(({ ready }) => ready).length,
    not_ready: users.filter(({ ready, status }) => !ready && status === 'active').length,
    disabled: users.filter(({ status }) => status === 'disabled').length,
    retired: users.filter(({ status }) => status === 'retired').length,
    problems: countCodes(users.map(({ problems }) => problems)),
    notes: countCodes(users.map(({ notes }) => notes)),
  }
}

function countCodes<Code extends string>(lists: readonly (readonly { readonly code: Code }[])[]) {
  const counts: Partial<Record<Code, number>> = {}
  for (const { code } of lists.flat()) counts[code] = (counts[code] ?? 0) + 1
  return counts
}

/** Whether somebody who is active will not be able to sign in, or nobody will because of the script. */
export function hasProblems({ sites }: PreflightReport): boolean {
  return sites.some(
    ({ totals, scripts }) =>
      totals.not_ready > 0 || scripts.some(({ taken, may_sudo }) => !taken || may_sudo === false),
  )
}
