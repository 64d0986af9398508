import type { BrokerSite } from '../config.ts'
import { foldCase, isEmailAddress, isOfDomains } from './email-address.ts'
import { describeRow, type PeopleRow, shellWord } from './people-rows.ts'
import { isPrivileged, type SiteUser } from './site-users.ts'

/** What keeps a person from signing in. */
export const problemCodes = [
  'no_email',
  'shared_email',
  'email_domain',
  'email_taken',
  'disabled',
  'retired',
  'reused_login',
  'impersonation_off',
  'privileged',
] as const
export type ProblemCode = (typeof problemCodes)[number]

/** What is worth knowing and stops nobody. */
export const noteCodes = [
  'login_differs_from_email',
  'linked',
  'expected',
  'email_linked_elsewhere',
  'reused_login',
  'privileged_allowed',
] as const
export type NoteCode = (typeof noteCodes)[number]

export interface Problem {
  readonly code: ProblemCode
  readonly says: string
  /** What to do about it. */
  readonly next: string
}

export interface Note {
  readonly code: NoteCode
  readonly says: string
}

/** Whether one person of a site will be able to sign in, and why not. */
export interface Verdict {
  readonly user: SiteUser
  readonly status: 'active' | 'disabled' | 'retired'
  readonly problems: readonly Problem[]
  readonly notes: readonly Note[]
}

/** A site as `readEveryUser` and the table of people show it. */
export interface SiteAsSeen {
  readonly url: string
  readonly active: readonly SiteUser[]
  readonly retired: readonly SiteUser[]
  readonly rows: readonly PeopleRow[]
  readonly policy: Pick<BrokerSite, 'emailDomains' | 'permissionGroups' | 'allowPrivileged'>
}

/**
 * Judges every HumanUser of a site by the rules of a sign-in (`People.find`), as far as they can be known before the person
 * comes. The verdicts are in the order of the users, the retired ones last.
 */
export function judgeSite(site: SiteAsSeen): Verdict[] {
  const seen: Seen = {
    site,
    byAddress: groupBy(
      site.active.filter(({ isActive, email }) => isActive && email !== undefined),
      ({ email }) => foldCase(email ?? ''),
    ),
    byLogin: new Map(site.active.map((user) => [user.login, user])),
    retiredByLogin: groupBy(site.retired, ({ login }) => login),
    rowsByUser: new Map(site.rows.map((row) => [row.userId, row])),
    rowsByAddress: groupBy(
      site.rows.filter(({ email }) => email !== undefined),
      ({ email }) => foldCase(email ?? ''),
    ),
  }
  return [
    ...site.active.map(
      (user): Verdict => ({
        user,
        status: user.isActive ? 'active' : 'disabled',
        problems: [
          ...standingProblems(user, seen),
          ...(seen.rowsByUser.has(user.id) ? [] : addressProblems(user, seen)),
        ],
        notes: notesOn(user, seen),
      }),
    ),
    ...site.retired.map((user): Verdict => {
      const row = seen.rowsByUser.get(user.id)
      const notes = row ? [rowNote(row)] : []
      return { user, status: 'retired', problems: retiredProblems(user, seen), notes }
    }),
  ]
}

interface Seen {
  readonly site: SiteAsSeen
  /** Users who may come with an address; by the address in lower case. */
  readonly byAddress: ReadonlyMap<string, readonly SiteUser[]>
  readonly byLogin: ReadonlyMap<string, SiteUser>
  readonly retiredByLogin: ReadonlyMap<string, readonly SiteUser[]>
  readonly rowsByUser: ReadonlyMap<number, PeopleRow>
  readonly rowsByAddress: ReadonlyMap<string, readonly PeopleRow[]>
}

/** Problems of the user as such, however they sign in. */
function standingProblems(user: SiteUser, { site }: Seen): Problem[] {
  const problems: Problem[] = []
  if (!user.isActive) {
    const next = 'Set the user to active on the site, if the person still works there.'
    problems.push({ code: 'disabled', says: 'is disabled on the site', next })
  }
  if (!user.canBeImpersonated) {
    const next = 'Let an administrator of the site tick "can impersonate this user" on the user.'
    problems.push({ code: 'impersonation_off', says: '"can impersonate this user" is turned off', next })
  }
  if (isPrivileged(user, site.policy) && !site.policy.allowPrivileged.includes(user.login)) {
    const group = user.permissionGroup
    problems.push({
      code: 'privileged',
      says: group === undefined ? 'is in no permission group' : `is in the permission group "${group}"`,
      next: 'Let them sign in on the web site; or name the group in "permissionGroups", the login in "allowPrivileged".',
    })
  }
  return problems
}

/** Problems of being found by an address: only until there is a row for the user. */
function addressProblems(user: SiteUser, { site, byAddress, rowsByAddress }: Seen): Problem[] {
  const { email } = user
  const set = `sg-broker people set --site ${shellWord(site.url)} --user-id ${user.id}`
  if (email === undefined || !isEmailAddress(email)) {
    const says = email === undefined ? 'has no e-mail address' : `"${email}" is no e-mail address`
    const next = `Enter the address of the person's Autodesk account on the site; or: ${set} --email ADDRESS`
    return [{ code: 'no_email', says, next }]
  }
  const address = foldCase(email)
  const setAddress = `${set} --email ${shellWord(address)}`
  const rows = rowsByAddress.get(address) ?? []
  const claim = rows.find(({ account }) => !account)
  if (claim) {
    const says = `whoever comes with the address is somebody else: ${describeRow(claim)}`
    return [{ code: 'email_taken', says, next: `Say with which address this person comes: ${set} --email ADDRESS` }]
  }
  const problems: Problem[] = []
  const others = (byAddress.get(address) ?? []).filter((other) => other.id !== user.id)
  if (others.length > 0) {
    problems.push({
      code: 'shared_email',
      says: `"${email}" is also the address of ${listed(others)}`,
      // Its account is somebody already: saying whose it is would come too late.
      next: `Give each user an address of their own; or say ${
        rows.length > 0 ? `with which address this person comes: ${set} --email ADDRESS` : `whose it is: ${setAddress}`
      }`,
    })
  }
  if (!isOfDomains(email, site.policy.emailDomains)) {
    problems.push({
      code: 'email_domain',
      says: `"${email}" is not of a domain in "emailDomains"`,
      next: `Add the domain to "emailDomains"; or for this person alone: ${setAddress}`,
    })
  }
  return problems
}

function retiredProblems({ login }: SiteUser, { byLogin }: Seen): Problem[] {
  const next = 'Nothing, if the person has left; else restore the user from the site’s trash.'
  const retired: Problem = { code: 'retired', says: 'was deleted on the site', next }
  const heir = byLogin.get(login)
  if (!heir) return [retired]
  return [
    retired,
    {
      code: 'reused_login',
      says: `the login now belongs to ${listed([heir])}`,
      next: 'Give one of the two another login before this user is restored.',
    },
  ]
}

function notesOn(user: SiteUser, { site, retiredByLogin, rowsByUser, rowsByAddress }: Seen): Note[] {
  const notes: Note[] = []
  const { login, email } = user
  if (email !== undefined && foldCase(email) !== foldCase(login)) {
    notes.push({ code: 'login_differs_from_email', says: 'the login is not the e-mail address' })
  }
  const row = rowsByUser.get(user.id)
  if (row) notes.push(rowNote(row))
  const elsewhere = (rowsByAddress.get(foldCase(email ?? '')) ?? []).find(
    (one) => one.account && one.userId !== user.id,
  )
  if (!row && elsewhere) {
    const says = `an account that had the address signs in as somebody else: ${describeRow(elsewhere)}`
    notes.push({ code: 'email_linked_elsewhere', says })
  }
  const predecessors = retiredByLogin.get(login) ?? []
  if (predecessors.length > 0) {
    const ids = predecessors.map(({ id }) => id).join(', ')
    notes.push({ code: 'reused_login', says: `the login belonged to a user that was deleted: HumanUser ${ids}` })
  }
  if (isPrivileged(user, site.policy) && site.policy.allowPrivileged.includes(login)) {
    const group = user.permissionGroup ?? 'none'
    notes.push({ code: 'privileged_allowed', says: `named in "allowPrivileged"; the permission group is "${group}"` })
  }
  return notes
}

function rowNote(row: PeopleRow): Note {
  return { code: row.account ? 'linked' : 'expected', says: describeRow(row) }
}

const mostListed = 5

function listed(users: readonly SiteUser[]): string {
  const named = users.slice(0, mostListed).map(({ id, login }) => `HumanUser ${id} ("${login}")`)
  const more = users.length - named.length
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const group = groups.get(keyOf(one))
    if (group) group.push(one)
    else groups.set(keyOf(one), [one])
  }
  return groups
}
