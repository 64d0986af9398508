/** A link as rows hold it; the target's name is looked up when it is read. */
export type Link = { readonly type: string; readonly id: number }

export type Value = null | string | number | boolean | Link | readonly unknown[] | { readonly [key: string]: unknown }

export interface Row {
  readonly type: string
  readonly id: number
  /** Its place among all rows of the site, in the order they were made. */
  readonly order: number
  /** Deleted rows stay, invisible to ordinary reads. facts: SGT delete_entity_type_id */
  retired: boolean
  readonly values: Map<string, Value>
}

export function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    'id' in value &&
    typeof value.id === 'number'
  )
}

export const sameLink = (a: Link, b: Link) => a.type === b.type && a.id === b.id

export const linkTo = (row: Row): Link => ({ type: row.type, id: row.id })

/** Every row of the site, in memory. Ids count up from a start of their own in each table, so none overlap. */
export class Tables {
  #tables = new Map<string, Map<number, Row>>()
  #nextIds = new Map<string, number>()
  #nextStart = 101
  #inserted = 0

  insert(type: string, values: Iterable<readonly [string, Value]>): Row {
    const id = this.takeId(type)
    this.#inserted += 1
    const row: Row = { type, id, order: this.#inserted, retired: false, values: new Map(values) }
    this.#table(type).set(id, row)
    return row
  }

  /** An id of that table which no row will have: what is uploaded as a thumbnail has one and no row. */
  takeId(type: string): number {
    const id = this.#nextIds.get(type) ?? this.#startOf()
    this.#nextIds.set(type, id + 1)
    return id
  }

  /** The row, retired or not. */
  get({ type, id }: Link): Row | undefined {
    return this.#tables.get(type)?.get(id)
  }

  /** Live rows in the order of their ids. */
  live(type: string): Row[] {
    return this.#rows(type).filter((row) => !row.retired)
  }

  retired(type: string): Row[] {
    return this.#rows(type).filter((row) => row.retired)
  }

  /** Remembers the rows as they are; calling what it returns puts them back, as a failed batch must. */
  snapshot(): () => void {
    const saved = [...this.#tables.values()].flatMap((table) =>
      [...table.values()].map((row) => ({ row, retired: row.retired, values: new Map(row.values) })),
    )
    return () => {
      const known = new Set(saved.map(({ row }) => row))
      for (const table of this.#tables.values()) {
        for (const row of table.values()) if (!known.has(row)) table.delete(row.id)
      }
      for (const { row, retired, values } of saved) {
        row.retired = retired
        row.values.clear()
        for (const [name, value] of values) row.values.set(name, value)
      }
    }
  }

  #rows(type: string): Row[] {
    return [...(this.#tables.get(type)?.values() ?? [])]
  }

  #table(type: string): Map<number, Row> {
    const table = this.#tables.get(type) ?? new Map<number, Row>()
    this.#tables.set(type, table)
    return table
  }

  #startOf(): number {
    const start = this.#nextStart
    this.#nextStart += 10_000
    return start
  }
}
