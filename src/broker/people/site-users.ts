import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import type { Filter } from '../../shotgrid/json-rpc.ts'
import type { BrokerSite } from '../config.ts'
import type { ScriptedSite } from '../scripted-site.ts'

const siteUserSchema = z
  .object({
    id: z.number().int().positive(),
    login: z.string().min(1),
    name: z.string().nullish(),
    email: z.string().nullish(),
    sg_status_list: z.string().nullish(),
    can_impersonate_this_user: z.boolean().nullish(),
    'permission_rule_set.PermissionRuleSet.code': z.string().nullish(),
  })
  .transform(({ sg_status_list, can_impersonate_this_user, ...user }) => ({
    id: user.id,
    login: user.login,
    name: user.name || user.login,
    email: user.email || undefined,
    isActive: sg_status_list === 'act',
    /** A site that does not say so has not forbidden it. */
    canBeImpersonated: can_impersonate_this_user !== false,
    permissionGroup: user['permission_rule_set.PermissionRuleSet.code'] ?? undefined,
  }))

/** A HumanUser as the site describes it. */
export type SiteUser = z.output<typeof siteUserSchema>

const fields = Object.keys(siteUserSchema.in.shape)
const siteLimitMs = 30_000

/** One page of HumanUsers. Throws `site_unreachable`, or `temporarily_unavailable` when the site does not take the script. */
export async function readUsers(
  site: ScriptedSite,
  filters: readonly Filter[],
  { limit, page = 1, only = 'active' }: { limit: number; page?: number; only?: 'active' | 'retired' },
): Promise<SiteUser[]> {
  try {
    const signal = AbortSignal.timeout(siteLimitMs)
    const rows = await site.readEntities({ type: 'HumanUser', filters, fields, limit, page, only, signal })
    // A row that lacks what a user must have is nobody's; it must not keep everybody else from signing in.
    return rows.flatMap((row) => siteUserSchema.safeParse(row).data ?? [])
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    const said = `"${site.url}" does not let the broker look up people: ${cause.message}`
    throw new AgentError('temporarily_unavailable', said, { cause })
  }
}

/** The user with this id, retired ones left out. Throws like `readUsers`. */
export async function readUser(site: ScriptedSite, userId: number): Promise<SiteUser | undefined> {
  return (await readUsers(site, [['id', 'is', userId]], { limit: 2 })).find(({ id }) => id === userId)
}

/** Why nobody may be signed in as this user, as the error to refuse with; undefined when somebody may. */
export function whyNotUsable(
  user: SiteUser,
  policy: Pick<BrokerSite, 'permissionGroups' | 'allowPrivileged'>,
): AgentError | undefined {
  if (!user.isActive) return new AgentError('account_disabled', `the ShotGrid user "${user.login}" is not active`)
  if (!user.canBeImpersonated) {
    const said = `the ShotGrid user "${user.login}" has "can impersonate this user" turned off`
    return new AgentError('account_disabled', said)
  }
  // Groups are listed, not recognised: a studio's own copy of Admin may have any name.
  const { permissionGroup } = user
  const isOrdinary = permissionGroup !== undefined && policy.permissionGroups.includes(permissionGroup)
  if (isOrdinary || policy.allowPrivileged.includes(user.login)) return undefined
  const said = `the ShotGrid user "${user.login}" is "${permissionGroup ?? 'in no known permission group'}"`
  return new AgentError('privileged_account', said)
}

/** ASCII only: folding beyond it would make different addresses equal. */
export function foldCase(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
