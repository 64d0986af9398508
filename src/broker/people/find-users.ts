import type { ScriptedSite } from '../scripted-site.ts'
import { readUsersWith, type SiteUser } from './site-users.ts'

/** How an operator names a HumanUser. With both, both must be true of one user. */
export type UserName =
  | { readonly login: string; readonly userId?: undefined }
  | { readonly login?: string; readonly userId: number }

/** The user, or why there is none of this name: a reason about one of the two. */
export type FoundUser = SiteUser | { readonly about: 'login' | 'user_id'; readonly reason: string }

/**
 * Asks the site for all of these users; the answers are in their order. Deleted users are not found. `onProgress` hears how many
 * are known. Throws like `readUsers`.
 */
export async function findUsers(
  site: ScriptedSite,
  names: readonly UserName[],
  onProgress: (found: number) => void = () => undefined,
): Promise<FoundUser[]> {
  const byId = new Map<number, SiteUser>()
  const byLogin = new Map<string, SiteUser>()
  const ids = new Set(names.flatMap(({ userId }) => userId ?? []))
  const logins = new Set(names.flatMap(({ userId, login }) => (userId === undefined ? login : [])))
  const take = async (pages: AsyncGenerator<readonly SiteUser[]>): Promise<void> => {
    for await (const users of pages) {
      for (const user of users) {
        byId.set(user.id, user)
        byLogin.set(user.login, user)
      }
      onProgress(byId.size)
    }
  }
  await take(readUsersWith(site, 'id', [...ids]))
  await take(readUsersWith(site, 'login', [...logins]))
  return names.map((name): FoundUser => {
    if (name.userId === undefined) {
      return byLogin.get(name.login) ?? { about: 'login', reason: `no HumanUser has the login "${name.login}"` }
    }
    const user = byId.get(name.userId)
    if (!user) return { about: 'user_id', reason: `there is no HumanUser ${name.userId}, or it was deleted` }
    if (name.login === undefined || name.login === user.login) return user
    return { about: 'login', reason: `the login of HumanUser ${user.id} is "${user.login}", not "${name.login}"` }
  })
}
