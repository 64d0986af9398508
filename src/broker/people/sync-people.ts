import type { BrokerSite } from '../config.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import type { PeopleChanges, RowChange } from './people-changes.ts'
import type { PeopleRow } from './people-rows.ts'
import { isPrivileged, readUsersWith, type SiteUser } from './site-users.ts'

/** What the site says of a row's user that somebody should know. */
export type FindingCode = 'login_changed' | 'disabled' | 'deleted' | 'missing' | 'impersonation_off' | 'privileged'

export interface Finding {
  readonly row: PeopleRow
  readonly code: FindingCode
  readonly says: string
}

export interface SyncReport {
  readonly rows: number
  readonly findings: readonly Finding[]
  /** What was changed because of them. */
  readonly made: readonly RowChange[]
}

/**
 * Goes through all rows of a site and asks it for their users. A changed login is taken over. Rows of deleted users are
 * removed when `removeGone` says so, those of users that the site does not show at all never: it may be the script that lost
 * sight of them. Throws like `readUsers`.
 */
export async function syncPeople(
  site: ScriptedSite,
  changes: PeopleChanges,
  options: { readonly by: string; readonly removeGone: boolean; onProgress(said: string): void },
): Promise<SyncReport> {
  const rows = await changes.list([site.url])
  const ids = rows.map(({ userId }) => userId)
  const say = (count: number): void => options.onProgress(`${site.url}: ${count} of ${ids.length} users looked at`)
  const users = await usersById(readUsersWith(site, 'id', ids), say)
  const absent = ids.filter((id) => !users.has(id))
  const deleted = await usersById(readUsersWith(site, 'id', absent, 'retired'), (count) => say(users.size + count))
  const findings = rows.flatMap((row) => {
    const user = users.get(row.userId)
    return judgeRow(row, user ?? (deleted.has(row.userId) ? 'deleted' : 'missing'), site.policy)
  })
  const due = findings.flatMap(({ row, code }): RowChange[] => {
    const login = users.get(row.userId)?.login
    if (code === 'login_changed' && login !== undefined) return [{ row, login }]
    return code === 'deleted' && options.removeGone ? [{ row, gone: true }] : []
  })
  return { rows: rows.length, findings, made: await changes.follow(due, options.by) }
}

/** What there is to say of a row, by its user as the site shows it. */
export function judgeRow(
  row: PeopleRow,
  user: SiteUser | 'deleted' | 'missing',
  policy: Pick<BrokerSite, 'permissionGroups' | 'allowPrivileged'>,
): Finding[] {
  const finding = (code: FindingCode, says: string): Finding => ({ row, code, says })
  if (user === 'deleted') return [finding('deleted', 'the HumanUser was deleted')]
  if (user === 'missing') return [finding('missing', 'the site shows no such HumanUser, deleted or not')]
  const { login, permissionGroup } = user
  return [
    ...(login === row.login ? [] : [finding('login_changed', `the login was "${row.login}", is "${login}"`)]),
    ...(user.isActive ? [] : [finding('disabled', 'the HumanUser is disabled')]),
    ...(user.canBeImpersonated ? [] : [finding('impersonation_off', '"can impersonate this user" is turned off')]),
    ...(isPrivileged(user, policy) && !policy.allowPrivileged.includes(login)
      ? [finding('privileged', `the permission group is "${permissionGroup ?? 'unknown'}"`)]
      : []),
  ]
}

async function usersById(
  pages: AsyncGenerator<readonly SiteUser[]>,
  onProgress: (count: number) => void,
): Promise<Map<number, SiteUser>> {
  const users = new Map<number, SiteUser>()
  for await (const page of pages) {
    for (const user of page) users.set(user.id, user)
    onProgress(users.size)
  }
  return users
}
