import { z } from 'zod'
import { judgePerson, wayOf } from './judge-person.ts'
import { type PersonFacts, subjects } from './person-facts.ts'
import { noteCodes, notesOn } from './person-notes.ts'

/** What `sg-session preflight --json` prints. Fields, subjects and codes may be added; those there are stay as they are. */
export const preflightReportSchema = z.strictObject({
  format: z.literal('sg-session preflight 1'),
  madeAt: z.iso.datetime(),
  site: z.string(),
  version: z.string().nullable(),
  /** `default`, `ldap`, `saml2`, `oxygen`, or what the site calls it. */
  authentication: z.string(),
  /** How sg-session signs in there. */
  signIn: z.enum(['broker', 'web', 'legacy', 'identity-direct', 'none']),
  /** The HumanUser of the session that was looked with; null when nobody could look. */
  user: z
    .strictObject({
      userId: z.number().int().positive(),
      login: z.string(),
      /** Null: empty, or not shown. */
      email: z.string().nullable(),
      permissionGroup: z.string().nullable(),
    })
    .nullable(),
  /** The try of login and passphrase; null: not made. */
  tried: z
    .strictObject({
      login: z.string(),
      withCode: z.boolean(),
      accepted: z.boolean(),
      /** Of the error table, where it was not. */
      code: z.string().nullable(),
    })
    .nullable(),
  findings: z.array(
    z.strictObject({
      subject: z.enum(subjects),
      state: z.enum(['ok', 'missing', 'unknown', 'not_needed']),
      evidence: z.enum(['known', 'tried', 'cannot_be_seen']),
      says: z.string(),
      next: z.string().nullable(),
    }),
  ),
  notes: z.array(z.strictObject({ code: z.enum(noteCodes), says: z.string() })),
})

export type PreflightReport = z.output<typeof preflightReportSchema>

/** The judgement of one person on one site, as it is printed. */
export function reportOn(facts: PersonFacts): PreflightReport {
  const { user, passphrase, info } = facts
  const tried = 'login' in passphrase ? passphrase : undefined
  return {
    format: 'sg-session preflight 1',
    madeAt: new Date(facts.nowMs).toISOString(),
    site: facts.site,
    version: info.version ?? null,
    authentication: info.authentication,
    signIn: wayOf(facts),
    user: user
      ? {
          userId: user.id,
          login: user.login,
          email: user.email ?? null,
          permissionGroup: user.permissionGroup ?? null,
        }
      : null,
    tried: tried
      ? {
          login: tried.login,
          withCode: tried.withCode,
          accepted: tried.outcome.accepted,
          code: tried.outcome.accepted ? null : tried.outcome.code,
        }
      : null,
    findings: judgePerson(facts).map((finding) => ({ ...finding, next: finding.next ?? null })),
    notes: notesOn(facts),
  }
}

/** Whether something is missing. What cannot be seen is not missing. */
export function isSomethingMissing({ findings }: PreflightReport): boolean {
  return findings.some(({ state }) => state === 'missing')
}
