import { expect, test } from 'vitest'
import { type AuditEntry, contentOf } from '../../../../src/broker/audit/audit-entry.ts'
import { type ChainLink, chainStart, faultOf, linkRow } from '../../../../src/broker/audit/chain.ts'
import { verifyRows } from '../../../../src/broker/audit/verify.ts'
import type { AuditRow } from '../../../../src/broker/database/tables.ts'

const entry: AuditEntry = { event: 'exchange', actor: 'ARTIST000001', outcome: 'issued', detail: '' }

function chain(length: number): AuditRow[] {
  const rows: AuditRow[] = []
  let last: ChainLink = chainStart
  for (let at = 1; at <= length; at += 1) {
    const row = linkRow(last, contentOf(entry, at))
    rows.push(row)
    last = row
  }
  return rows
}

async function* each(rows: readonly AuditRow[]): AsyncGenerator<AuditRow> {
  yield* rows
}

const verified = (rows: readonly AuditRow[], expected?: ChainLink): Promise<ChainLink> =>
  verifyRows(each(rows), chainStart, { expected })

test('the hash of a row never changes: a chain that was written once can be checked for ever', () => {
  expect(chain(1)[0]?.hash).toBe('4bd481aebcfb4a219e6a07b38f766437f5ceef7522b76089fcdc091247192ff3')
})

test('a chain that nobody touched ends in its last row', async () => {
  const rows = chain(5)
  expect(await verified(rows)).toEqual({ sequence: 5, hash: rows[4]?.hash })
  expect(await verified([])).toEqual(chainStart)
})

for (const field of ['at', 'actor', 'login', 'outcome', 'detail', 'user_id', 'client_address', 'site'] as const) {
  test(`a changed "${field}" is found in its own row`, async () => {
    const rows = chain(3)
    const changed = rows.map((row) => (row.sequence === 2 ? { ...row, [field]: field === 'at' ? 99 : 'x' } : row))
    await expect(verified(changed)).rejects.toMatchObject({ code: 'audit_broken', message: 'row 2 was changed' })
  })
}

test('what stands in one field cannot be moved to the next', () => {
  const [first] = chain(1) as [AuditRow]
  const one = linkRow(first, contentOf({ ...entry, login: 'a', shape: 'b' }, 1))
  const other = linkRow(first, contentOf({ ...entry, login: 'b', shape: 'a' }, 1))
  expect(one.hash).not.toBe(other.hash)
  expect(faultOf({ ...one, login: 'b', shape: 'a' }, first)).toBe('row 2 was changed')
})

test('rows that changed places, and a row that is missing, are found where it happened', async () => {
  const [one, two, three, four] = chain(4) as [AuditRow, AuditRow, AuditRow, AuditRow]
  await expect(verified([one, three, two, four])).rejects.toThrow('row 2 is missing: row 3 comes after row 1')
  await expect(verified([one, { ...three, sequence: 2 }, { ...two, sequence: 3 }, four])).rejects.toThrow(
    'row 2 does not follow from row 1',
  )
  await expect(verified([one, two, four])).rejects.toThrow('row 3 is missing: row 4 comes after row 2')
  await expect(verified([two, three])).rejects.toThrow('row 1 is missing: row 2 comes after row 0')
  await expect(verified([one, two, two])).rejects.toThrow('row 3 is missing: row 2 comes after row 2')
})

test('a chain that was written anew from the start is whole in itself, and not the one that was noted', async () => {
  const noted = chain(4)[2] as AuditRow
  const anew = [linkRow(chainStart, contentOf({ ...entry, actor: 'SOMEONEELSE0' }, 1))]
  for (let at = 2; at <= 4; at += 1) anew.push(linkRow(anew.at(-1) as AuditRow, contentOf(entry, at)))
  expect(await verified(anew)).toMatchObject({ sequence: 4 })
  await expect(verified(anew, noted)).rejects.toThrow('row 3 is not the one that was noted')
  expect(await verified(chain(4), noted)).toMatchObject({ sequence: 4 })
})

test('text is kept in a form that every database gives back as it was', () => {
  const { detail, login } = contentOf({ ...entry, detail: `a\0b\ud800c${'x'.repeat(5_000)}`, login: '\udc00' }, 1.5)
  expect(detail.slice(0, 5)).toBe('a\uFFFDb\uFFFDc')
  expect(detail).toHaveLength(2_000)
  expect(login).toBe('\uFFFD')
  // A pair that the limit cuts in two.
  expect(contentOf({ ...entry, detail: `${'x'.repeat(1_999)}😀` }, 1).detail.at(-1)).toBe('\uFFFD')
  expect(contentOf(entry, 1.5).at).toBe(1)
})
