import { type Link, linkTo, type Row, sameLink, type Tables } from './rows.ts'
import { entityTypeNamed, fieldOf, type ReverseLink } from './schema.ts'
import { linksIn } from './view.ts'

/**
 * Writes a set of links that is kept at the other end: the rows that are new in it point here from now on, and those
 * that left it no longer do, or are retired. A row that can point at one only leaves where it was before, without a
 * word. Returns the rows that were retired. facts: SGT entity_types/Sequence, Note
 */
export function writeThrough(
  tables: Tables,
  here: Row,
  reverse: ReverseLink,
  { from, to }: { from: readonly Link[]; to: readonly Link[] },
): Row[] {
  const type = entityTypeNamed(reverse.type)
  const holdsMany = type !== undefined && fieldOf(type, reverse.field)?.dataType === 'multi_entity'
  const rowsOf = (links: readonly Link[]) => links.map((link) => tables.get(link)).filter((row) => row !== undefined)
  const notAmong = (links: readonly Link[]) => (row: Row) => !links.some((link) => sameLink(link, row))
  const link = linkTo(here)

  const left = rowsOf(from).filter(notAmong(to))
  for (const row of left) {
    if (reverse.retiresUnlinked) row.retired = true
    else row.values.set(reverse.field, holdsMany ? without(row, reverse.field, link) : null)
  }
  for (const row of rowsOf(to).filter(notAmong(from))) {
    row.values.set(reverse.field, holdsMany ? [...without(row, reverse.field, link), link] : link)
  }
  return reverse.retiresUnlinked ? left : []
}

function without(row: Row, field: string, link: Link): Link[] {
  return linksIn(row.values.get(field)).filter((held) => !sameLink(held, link))
}
