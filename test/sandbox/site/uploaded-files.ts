import { createAttachment } from './attachments.ts'
import type { Caller } from './callers.ts'
import { recordChanges } from './events.ts'
import { judgeDateTime } from './field-values.ts'
import { faultCode, Refusal } from './refusals.ts'
import { type Link, linkTo, type Row } from './rows.ts'
import { defaultValues, type EntityType, type Field } from './schema.ts'
import type { SiteState } from './site-state.ts'
import type { StoredFile } from './stored-files.ts'
import { stampUpdate } from './write.ts'

/** A row, and the field of it that takes the file; no field where the file is only attached. */
export interface FileTarget {
  readonly row: Row
  readonly type: EntityType
  readonly name: string | undefined
  readonly field: Field | undefined
}

export interface UploadedFile {
  readonly file: StoredFile
  readonly displayName: string
  readonly tagNames: readonly string[]
  /** ISO 8601, as Python's `isoformat` writes it. */
  readonly createdAt: string | undefined
}

/**
 * Makes the Attachment of an uploaded file, linked to its row, and puts it into the field it was meant for: a url
 * field holds it, a set of Attachments is the link itself. Throws for any other field. facts: PY `upload`, SGT 014
 */
export function attachFile(state: SiteState, caller: Caller, target: FileTarget, uploaded: UploadedFile): Row {
  const { row, type, name, field } = target
  const takesLinks = field?.reverseOf?.type === 'Attachment'
  if (field && field.dataType !== 'url' && !takesLinks) {
    throw new Refusal(faultCode.badRequest, `${type.name}.${name} is not a file field`)
  }
  const attachment = createAttachment(state, caller, {
    value: { name: uploaded.displayName, content_type: uploaded.file.contentType, link_type: 'upload' },
    filename: uploaded.file.name,
    project: row.type === 'Project' ? linkTo(row) : (row.values.get('project') ?? null),
    links: [linkTo(row)],
    ...(uploaded.createdAt === undefined ? {} : { createdAt: judgeDateTime(uploaded.createdAt) }),
    tags: uploaded.tagNames.filter(Boolean).map((tag) => tagNamed(state, tag)),
  })
  const held = attachment.values.get('this_file') ?? null
  if (name !== undefined && field?.dataType === 'url') {
    const from = row.values.get(name) ?? null
    row.values.set(name, held)
    recordChanges(state, caller, type, row, [{ name, field, from, to: held }])
  }
  stampUpdate(state, caller, row)
  return attachment
}

/** The Tag of that name, new if there was none. */
function tagNamed({ tables }: SiteState, name: string): Link {
  const known = tables.live('Tag').find((tag) => tag.values.get('name') === name)
  return linkTo(known ?? tables.insert('Tag', [...defaultValues('Tag'), ['name', name]]))
}
