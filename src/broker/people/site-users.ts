import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import type { Filter, Query } from '../../shotgrid/json-rpc.ts'
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

const idSchema = z.object({ id: z.number().int().positive() })
const fields = Object.keys(siteUserSchema.in.shape)
const siteLimitMs = 30_000

/** At most `limit` active HumanUsers. Throws `site_unreachable`, or `temporarily_unavailable` when the site does not take the script. */
export async function readUsers(site: ScriptedSite, filters: readonly Filter[], limit: number): Promise<SiteUser[]> {
  return (await readPage(site, { filters, limit })).users
}

async function readPage(
  site: ScriptedSite,
  query: Pick<Query, 'filters' | 'limit' | 'only' | 'sortedBy'>,
): Promise<{ users: SiteUser[]; lastId: number | undefined }> {
  try {
    const signal = AbortSignal.timeout(siteLimitMs)
    const rows = await site.readEntities({ type: 'HumanUser', fields, ...query, signal })
    // A row that lacks what a user must have is nobody's; it must not keep everybody else from signing in.
    const users = rows.flatMap((row) => siteUserSchema.safeParse(row).data ?? [])
    return { users, lastId: idSchema.safeParse(rows.at(-1)).data?.id }
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    const said = `"${site.url}" does not let the broker look up people: ${cause.message}`
    throw new AgentError('temporarily_unavailable', said, { cause })
  }
}

/** The user with this id, retired ones left out. Throws like `readUsers`. */
export async function readUser(site: ScriptedSite, userId: number): Promise<SiteUser | undefined> {
  return (await readUsers(site, [['id', 'is', userId]], 2)).find(({ id }) => id === userId)
}

/** Beyond this a page takes longer than it is worth. */
const pageSize = 500

/**
 * Every user of the site, page by page. By id, so that none is missed or comes twice when people are made or deleted
 * meanwhile, whatever number of rows the site puts on a page. Throws like `readUsers`.
 */
export async function* readEveryUser(
  site: ScriptedSite,
  only: 'active' | 'retired',
): AsyncGenerator<readonly SiteUser[]> {
  for (let last = 0; ; ) {
    const filters = [['id', 'greater_than', last]] as const
    const { users, lastId } = await readPage(site, { filters, limit: pageSize, only, sortedBy: 'id' })
    if (lastId === undefined) return
    const isInOrder = users.every(({ id }, index) => id > (users[index - 1]?.id ?? last))
    if (lastId <= last || !isInOrder) {
      throw new AgentError('site_unreachable', `"${site.url}" does not answer users in the order of their ids`)
    }
    last = lastId
    yield users
  }
}

/** Short enough for a request, and for a page of the answer if the site takes no notice of case. */
const valuesAtOnce = 200

/** The users that have one of these values, page by page, some others perhaps among them. Throws like `readUsers`. */
export async function* readUsersWith(
  site: ScriptedSite,
  field: 'id' | 'login',
  values: readonly (number | string)[],
  only: 'active' | 'retired' = 'active',
): AsyncGenerator<readonly SiteUser[]> {
  for (let from = 0; from < values.length; from += valuesAtOnce) {
    const filters = [[field, 'in', ...values.slice(from, from + valuesAtOnce)]] as const
    yield (await readPage(site, { filters, limit: pageSize, only })).users
  }
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
  if (!isPrivileged(user, policy) || policy.allowPrivileged.includes(user.login)) return undefined
  const said = `the ShotGrid user "${user.login}" is "${user.permissionGroup ?? 'in no known permission group'}"`
  return new AgentError('privileged_account', said)
}

/** Groups are listed, not recognised: a studio's own copy of Admin may have any name. */
export function isPrivileged({ permissionGroup }: SiteUser, policy: Pick<BrokerSite, 'permissionGroups'>): boolean {
  return permissionGroup === undefined || !policy.permissionGroups.includes(permissionGroup)
}
