import { createAttachment, withAttachment } from './attachments.ts'
import type { Caller } from './callers.ts'
import type { Change } from './events.ts'
import { writeThrough } from './reverse-links.ts'
import { isLink, linkTo, type Row, type Value } from './rows.ts'
import type { EntityType } from './schema.ts'
import type { SiteState } from './site-state.ts'
import { isUrlValue, type UrlValue } from './url-values.ts'
import { linksIn } from './view.ts'

/**
 * Puts a judged value where it belongs: in the row, at the other end of a link, or behind a url field as an
 * Attachment. Returns what the row holds now, and the rows that had to go.
 */
export function storeValue(
  state: SiteState,
  caller: Caller,
  type: EntityType,
  row: Row,
  { name, field, from, to }: Change,
): { value: Value; retired: readonly Row[] } {
  if (field.reverseOf) {
    const retired = writeThrough(state.tables, row, field.reverseOf, { from: linksIn(from), to: linksIn(to) })
    return { value: to, retired }
  }
  // a row never holds a secret: its field reads as a mask
  if (field.dataType === 'password') return { value: null, retired: [] }
  const value = field.dataType === 'url' && isUrlValue(to) ? behindAttachment(state, caller, row, to) : to
  row.values.set(name, value)
  // facts: SGT field_types/image: clearing the thumbnail clears the filmstrip with it
  if (name === 'image' && value === null && type.fields['filmstrip_image']) row.values.set('filmstrip_image', null)
  // facts: SGT 058: the storage a path was found on is held a second time beside it
  if (name === 'path' && type.fields['path_cache_storage']) row.values.set('path_cache_storage', storageOf(value))
  return { value, retired: [] }
}

/** Each accepted write of a url field has an Attachment of its own. facts: SGT field_types/url */
function behindAttachment(state: SiteState, caller: Caller, row: Row, value: UrlValue): Value {
  // the file of an Attachment is the Attachment
  if (row.type === 'Attachment') {
    if (!row.values.get('display_name')) row.values.set('display_name', value.name)
    return withAttachment(value, row.id)
  }
  const project = row.type === 'Project' ? linkTo(row) : (row.values.get('project') ?? null)
  return createAttachment(state, caller, { value, filename: null, project, links: [] }).values.get('this_file') ?? null
}

function storageOf(value: Value): Value {
  const storage = isUrlValue(value) ? value['local_storage'] : undefined
  return isLink(storage) ? { type: storage.type, id: storage.id } : null
}
