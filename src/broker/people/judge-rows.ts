import type { PeopleRow } from './people-rows.ts'
import type { Account } from './people-table.ts'

/** What becomes of a row that an operator wants in the table. */
export type RowVerdict =
  | { readonly kind: 'new' }
  /** Says what stands there already. */
  | { readonly kind: 'unchanged' }
  /** Another row of the table is in the way. */
  | { readonly kind: 'conflict'; readonly with: PeopleRow }
  /** A row given earlier, by its place in the list, says something of the same account, address or user. */
  | { readonly kind: 'repeated'; readonly of: number }

/**
 * Judges rows against those that stand: one account, and one expected address, belongs to one HumanUser of a site, and one
 * HumanUser has one row. The verdicts are in the order of the rows.
 */
export function judgeRows(standing: readonly PeopleRow[], wanted: readonly PeopleRow[]): RowVerdict[] {
  const byKey = new Map(standing.flatMap((row) => keysOf(row).map((key) => [key, row])))
  const places = new Map<string, number>()
  return wanted.map((row, place): RowVerdict => {
    const keys = keysOf(row)
    const earlier = keys.map((key) => places.get(key)).find((found) => found !== undefined)
    if (earlier !== undefined) return { kind: 'repeated', of: earlier }
    for (const key of keys) places.set(key, place)
    const found = keys.flatMap((key) => byKey.get(key) ?? [])
    const other = found.find((one) => !isSame(one, row))
    if (other) return { kind: 'conflict', with: other }
    return found.length > 0 ? { kind: 'unchanged' } : { kind: 'new' }
  })
}

/** What no two rows may have in common. */
function keysOf({ site, account, email, userId }: PeopleRow): string[] {
  const who = account ? ['account', account.issuer, account.subject] : ['address', email]
  return [who, ['user', userId]].map((key) => JSON.stringify([site, ...key]))
}

/** Whether two rows say the same of the same user. */
export function isSame(a: PeopleRow, b: PeopleRow): boolean {
  return (
    a.userId === b.userId && isSameAccount(a.account, b.account) && (a.account !== undefined || a.email === b.email)
  )
}

function isSameAccount(a: Account | undefined, b: Account | undefined): boolean {
  return a?.issuer === b?.issuer && a?.subject === b?.subject
}
