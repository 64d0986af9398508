import { principalLink } from './accounts.ts'
import type { Caller } from './callers.ts'
import { isLink, type Link, type Row, type Value } from './rows.ts'
import { defaultValues } from './schema.ts'
import { type SiteState, timestamp } from './site-state.ts'
import type { UrlValue } from './url-values.ts'

/** A file or an address that is about to have a row. */
export interface NewAttachment {
  readonly value: UrlValue
  readonly filename: string | null
  readonly project: Value
  readonly links: readonly Link[]
  readonly tags?: readonly Link[]
  /** When it says it was made; now, when it does not say. */
  readonly createdAt?: string
}

/** Makes an Attachment, with the url value its `this_file` and the field it is for both hold. facts: SGT field_types/url */
export function createAttachment(state: SiteState, caller: Caller, attachment: NewAttachment): Row {
  const now = timestamp(state.clock.now())
  const by = principalLink(caller.acting)
  const { value, filename, project, links, tags = [], createdAt = now } = attachment
  const row = state.tables.insert('Attachment', [
    ...defaultValues('Attachment'),
    ['created_at', createdAt],
    ['created_by', by],
    ['updated_at', now],
    ['updated_by', by],
    ['display_name', value.name],
    ['filename', filename],
    ['original_fname', filename],
    ['project', isLink(project) ? project : null],
    ['attachment_links', links],
    ['tags', tags],
  ])
  row.values.set('this_file', withAttachment(servedBy(state, value, row.id), row.id))
  return row
}

/** What was uploaded is fetched from the site itself. */
function servedBy({ url }: Pick<SiteState, 'url'>, value: UrlValue, id: number): UrlValue {
  return value.link_type === 'upload' ? { url: `${url}/file_serve/attachment/${id}`, ...value } : value
}

/** The value of a url field once its Attachment has an id. facts: SGT field_types/url */
export function withAttachment(value: UrlValue, id: number): UrlValue {
  return { ...value, type: 'Attachment', id }
}
