import type { Principal } from './accounts.ts'
import { isLink, type Link, linkTo, type Row, sameLink, type Value } from './rows.ts'
import { type EntityType, entityTypeNamed, type Field, fieldOf } from './schema.ts'
import type { SiteState } from './site-state.ts'

/** A link as answers show it: `name` is the target's display name. facts: SGT 060 */
export type NamedLink = { readonly id: number; readonly name: string; readonly type: string }

/**
 * The site's rows through one pair of eyes: what this caller may see, and what a field holds for them.
 * Scripts see everything, people the projects they are on and what is in those. facts: SGT 027
 */
export class View {
  readonly #state: Pick<SiteState, 'tables' | 'visits'>
  readonly viewer: Principal

  constructor(state: Pick<SiteState, 'tables' | 'visits'>, viewer: Principal) {
    this.#state = state
    this.viewer = viewer
  }

  /** Rows of a type in the order of their ids: the live ones, or only the retired ones. */
  rows(type: string, only: 'active' | 'retired' = 'active'): Row[] {
    const { tables } = this.#state
    const rows = only === 'retired' ? tables.retired(type) : tables.live(type)
    return rows.filter((row) => this.canSee(row))
  }

  /** One row, if it is live (or retired, when that was asked for) and may be seen. */
  row(link: Link, only: 'active' | 'retired' = 'active'): Row | undefined {
    const row = this.#state.tables.get(link)
    return row && row.retired === (only === 'retired') && this.canSee(row) ? row : undefined
  }

  canSee(row: Row): boolean {
    if (this.viewer.kind === 'script' || this.viewer.user.role === 'admin') return true
    if (row.type === 'Project') return this.seesProject(row.id)
    // a Reply has no project but that of what it answers (SGT entity_types/Reply)
    if (row.type === 'Reply') return linksIn(row.values.get('entity')).every((link) => this.#canSeeTarget(link))
    const scope = entityTypeNamed(row.type)?.projectScope ?? 'none'
    const project = row.values.get('project')
    if (scope === 'none') return true
    if (isLink(project)) return this.seesProject(project.id)
    return scope === 'optional' || this.viewer.user.seesProjects === 'all'
  }

  seesProject(id: number): boolean {
    if (this.viewer.kind === 'script') return true
    const { seesProjects } = this.viewer.user
    if (seesProjects === 'all') return true
    const { tables } = this.#state
    const inOrder = [...tables.live('Project'), ...tables.retired('Project')].map((row) => row.id).sort((a, b) => a - b)
    return inOrder.slice(0, seesProjects).includes(id)
  }

  /** What a field of a row holds. Links to rows that are gone or hidden read as no link at all. facts: SGT 060 */
  value(row: Row, name: string, field: Field): Value {
    if (name === 'id') return row.id
    if (name === 'cached_display_name') return displayName(row)
    if (name === 'name' && row.type === 'HumanUser') return displayName(row)
    if (name === 'last_accessed_by_current_user') return this.#lastVisit(row.id)
    if (field.reverseOf) return this.#linkedFrom(row, field.reverseOf)
    // facts: SGT field_types/password: the same mask on every row
    if (field.dataType === 'password') return '*******'
    const value = row.values.get(name) ?? field.defaultValue
    if (field.dataType === 'entity') return isLink(value) && this.#reaches(value) ? value : null
    if (field.dataType === 'multi_entity') return linksIn(value).filter((link) => this.#reaches(link))
    return value
  }

  named(link: Link): NamedLink {
    const row = this.#state.tables.get(link)
    return { id: link.id, name: row ? displayName(row) : '', type: link.type }
  }

  /** The row behind a link this caller can follow: `created_by.ApiUser.firstname` stays closed to an artist. */
  follow(link: Link): Row | undefined {
    const row = this.row(link)
    return row && this.mayRead(row.type) ? row : undefined
  }

  /** Only scripts and admins read scripts. facts: SGT 027 */
  mayRead(type: string): boolean {
    return type !== 'ApiUser' || this.viewer.kind === 'script' || this.viewer.user.role === 'admin'
  }

  #canSeeTarget(link: Link): boolean {
    const target = this.#state.tables.get(link)
    return !target || this.canSee(target)
  }

  #reaches(link: Link): boolean {
    return this.row(link) !== undefined
  }

  #linkedFrom(row: Row, { type, field }: { type: string; field: string }): Link[] {
    const here = linkTo(row)
    return this.rows(type)
      .filter((other) => linksIn(other.values.get(field)).some((link) => sameLink(link, here)))
      .map(linkTo)
  }

  #lastVisit(projectId: number): string | null {
    if (this.viewer.kind === 'script') return null
    return this.#state.visits.get(`${this.viewer.user.id}/${projectId}`) ?? null
  }
}

/** `entity.Shot.code` taken apart. */
export interface Path {
  readonly text: string
  readonly hops: readonly { readonly name: string; readonly field: Field; readonly type: EntityType }[]
  readonly leafName: string
  readonly leaf: Field
}

/** Undefined when a field or a type on the way does not exist. */
export function parsePath(type: EntityType, text: string): Path | undefined {
  const parts = text.split('.')
  const hops: { name: string; field: Field; type: EntityType }[] = []
  let at = type
  while (parts.length >= 3) {
    const [name = '', typeName = ''] = parts.splice(0, 2)
    const field = fieldOf(at, name)
    const next = entityTypeNamed(typeName)
    if (!field || !next || (field.dataType !== 'entity' && field.dataType !== 'multi_entity')) return undefined
    hops.push({ name, field, type: next })
    at = next
  }
  const [leafName = '', ...rest] = parts
  const leaf = fieldOf(at, leafName)
  return leaf && rest.length === 0 ? { text, hops, leafName, leaf } : undefined
}

/** Every value a path leads to; one null where it leads nowhere. Sets of links come flat. */
export function valuesAt(view: View, row: Row, path: Path): Value[] {
  let rows = [row]
  for (const { name, field, type } of path.hops) {
    rows = rows
      .flatMap((at) => linksIn(view.value(at, name, field)))
      .filter((link) => link.type === type.name)
      .map((link) => view.follow(link))
      .filter((next) => next !== undefined)
  }
  const values = rows.flatMap((at): Value[] => {
    const value = view.value(at, path.leafName, path.leaf)
    return path.leaf.dataType === 'multi_entity' ? linksIn(value) : [value]
  })
  return values.length > 0 ? values : [null]
}

export function linksIn(value: unknown): Link[] {
  if (Array.isArray(value)) return value.filter(isLink)
  return isLink(value) ? [value] : []
}

/** What a row is called wherever it is linked. facts: SGT 060, entity_types/Note */
export function displayName(row: Row): string {
  const text = (field: string) => {
    const value = row.values.get(field)
    return typeof value === 'string' ? value : ''
  }
  switch (row.type) {
    case 'Task':
      // facts: SGT entity_types/Task
      return text('content') || '-'
    case 'Reply':
      return text('content')
    case 'Attachment':
      return text('display_name')
    case 'Note':
      return [text('subject'), text('content')].filter(Boolean).join(' - ')
    case 'HumanUser':
    case 'ApiUser':
      return `${text('firstname')} ${text('lastname')}`.trim()
    case 'PermissionRuleSet':
      return text('display_name')
    case 'EventLogEntry':
      return text('description')
    default:
      return text(entityTypeNamed(row.type)?.identity ?? 'code')
  }
}
