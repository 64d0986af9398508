import { z } from 'zod'
import type { Caller } from './callers.ts'
import { faultCode, Refusal } from './refusals.ts'
import { linkTo, type Row } from './rows.ts'
import { parseParams, typeIn } from './rpc-params.ts'
import { rpcEntity } from './rpc-read.ts'
import type { SiteState } from './site-state.ts'
import { linksIn, View } from './view.ts'

const threadParams = z.looseObject({
  note_id: z.int(),
  entity_fields: z.record(z.string(), z.array(z.string())).default({}),
})

/** What each kind of row shows unasked. facts: SGT get_entity_notes_id_thread_contents, PY tests/test_api.py */
const shownUnasked = {
  Note: ['content', 'created_at', 'created_by'],
  Reply: ['content', 'created_at', 'user'],
  Attachment: ['created_at', 'created_by'],
} as const

/**
 * `note_thread_contents`, behind `note_thread_read`: a Note with its Replies and Attachments, oldest first. The author
 * of a Reply comes with a thumbnail, and a Reply shows no other fields than its own. facts: PY docstring, SGT 043
 */
export function rpcNoteThread(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('note_thread_contents', threadParams, rawParams)
  const view = new View(state, caller.acting)
  const note = view.row({ type: 'Note', id: params.note_id })
  if (!note) throw new Refusal(faultCode.refusedData, `Note: ${params.note_id} not found`, { status: 404 })
  const rows = [
    note,
    ...pointingAt(view, 'Reply', 'entity', note),
    ...pointingAt(view, 'Attachment', 'attachment_links', note),
  ]
  return rows.sort(byAge).map((row) => {
    const type = typeIn('note_thread_contents', row.type, rawParams)
    const asked = row.type === 'Reply' ? [] : (params.entity_fields[row.type] ?? [])
    const entity = rpcEntity(view, row, type, [...unasked(row.type), ...asked])
    return row.type === 'Reply' ? { ...entity, user: withImage(view, row) } : entity
  })
}

function unasked(type: string): readonly string[] {
  return Object.entries(shownUnasked).find(([name]) => name === type)?.[1] ?? []
}

function pointingAt(view: View, type: string, field: string, note: Row): Row[] {
  return view
    .rows(type)
    .filter((row) => linksIn(row.values.get(field)).some((link) => link.type === 'Note' && link.id === note.id))
}

/** Stamps have whole seconds: within one, the order in which rows were made decides. */
function byAge(a: Row, b: Row): number {
  const [left, right] = [a, b].map((row) => Date.parse(String(row.values.get('created_at'))))
  return (left ?? 0) - (right ?? 0) || a.order - b.order
}

function withImage(view: View, reply: Row): unknown {
  const [author] = linksIn(reply.values.get('user'))
  const row = author && view.row(author)
  return row ? { ...view.named(linkTo(row)), image: row.values.get('image') ?? null } : null
}
