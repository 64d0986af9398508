import type { ExpectedPersonRow, LinkedRow } from '../../../../src/broker/people/people-rows.ts'
import type { SiteUser } from '../../../../src/broker/people/site-users.ts'

export const site = 'https://studio.example'
export const issuer = 'https://identity.example'

const common = { site, matchedBy: 'operator', setBy: 'operator', createdAt: Date.UTC(2026, 10, 22) } as const

/** A row that links an account to a HumanUser. */
export function linked(subject: string, userId: number, change: Partial<LinkedRow> = {}): LinkedRow {
  return { ...common, userId, login: `user-${userId}`, account: { issuer, subject }, email: undefined, ...change }
}

/** A row that expects a HumanUser with an address. */
export function expected(email: string, userId: number, change: Partial<ExpectedPersonRow> = {}): ExpectedPersonRow {
  return { ...common, userId, login: `user-${userId}`, account: undefined, email, ...change }
}

/** Somebody who can sign in. */
export function user(id: number, change: Partial<SiteUser> = {}): SiteUser {
  return {
    id,
    login: `user-${id}@studio.example`,
    name: `User ${id}`,
    email: `user-${id}@studio.example`,
    isActive: true,
    canBeImpersonated: true,
    permissionGroup: 'artist',
    ...change,
  }
}
