import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, identifyCaller } from './callers.ts'
import { fieldDoesNotExist, readOnly, rowDoesNotExist } from './data-refusals.ts'
import { recordChanges } from './events.ts'
import { checkMayEdit } from './permissions.ts'
import { faultCode, Refusal } from './refusals.ts'
import type { Link, Row, Value } from './rows.ts'
import { type EntityType, entityTypeNamed, fieldOf } from './schema.ts'
import { countCall, type SiteState } from './site-state.ts'
import { largestFileBytes, type StoredFile } from './stored-files.ts'
import { authOf, fileTooLarge, parseTargets, parseUploadForm, targetOf, type UploadForm } from './upload-forms.ts'
import { attachFile, type FileTarget } from './uploaded-files.ts'
import { View } from './view.ts'
import { stampUpdate } from './write.ts'

/** Room for the form around the largest file. */
const largestBodyBytes = largestFileBytes + 1024 * 1024

/** What a handler works with once it is known who sends the form. */
interface Upload {
  readonly state: SiteState
  readonly caller: Caller
  readonly form: UploadForm
}

/**
 * The forms behind `upload`, `upload_thumbnail` and `share_thumbnail`. Answers are text whose first line is `1:<id>`,
 * or `0` and why not; the status is always 200, because the client takes any other for a broken line and sends the
 * file again. facts: PY `_upload_to_sg`, `share_thumbnail`, `_send_form`
 */
export function serveUploads(scope: FastifyInstance, state: SiteState): void {
  const parser = { parseAs: 'buffer', bodyLimit: largestBodyBytes } as const
  scope.addContentTypeParser('multipart/form-data', parser, (_request, body, done) => done(null, body))
  scope.setErrorHandler((error, request, reply) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')) throw error
    // a client reads no answer before it has sent everything
    request.raw.resume().once('end', () => void sendText(reply, `0\n${fileTooLarge().message}\n`))
  })

  const handle = (name: string, answer: (upload: Upload) => number | null) => {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      try {
        const form = await parseUploadForm(request)
        const id = answer({ state, caller: identifyCaller(state, authOf(form)), form })
        countCall(state, `upload:${name}`)
        return sendText(reply, `1:${id ?? ''}\n`)
      } catch (error) {
        if (error instanceof Refusal) return sendText(reply, `0\n${error.message}\n`)
        throw error
      }
    }
  }
  scope.post('/upload/publish_thumbnail', handle('publish_thumbnail', publishThumbnail))
  scope.post('/upload/upload_file', handle('upload_file', uploadFile))
  scope.post('/upload/share_thumbnail', handle('share_thumbnail', shareThumbnail))
}

/** A thumbnail has an id among the Attachments, and no row there. */
function publishThumbnail(upload: Upload): number {
  const { state, form } = upload
  const file = fileIn(form, 'thumb_image')
  const name = isFilmstrip(form) ? 'filmstrip_image' : 'image'
  const target = editableRow(upload, targetOf(form), name)
  const id = state.tables.takeId('Attachment')
  state.files.keep(id, file)
  setImage(upload, target, name, thumbnailUrl(state, id))
  return id
}

function uploadFile(upload: Upload): number {
  const { state, caller, form } = upload
  const file = fileIn(form, 'file')
  const fieldName = form.fields.get('field_name')
  const target = editableRow(upload, targetOf(form), fieldName)
  const attachment = attachFile(state, caller, target, {
    file,
    displayName: form.fields.get('display_name') || file.name,
    tagNames: (form.fields.get('tag_list') ?? '').split(',').map((tag) => tag.trim()),
    createdAt: form.fields.get('created_at'),
  })
  state.files.keep(attachment.id, file)
  return attachment.id
}

/** Points rows at the thumbnail another one has; at none, when it has none. */
function shareThumbnail(upload: Upload): number | null {
  const { form } = upload
  const name = isFilmstrip(form) ? 'filmstrip_image' : 'image'
  const [source] = parseTargets(form.fields.get('source_entity') ?? '')
  const sourceRow = source && visibleRow(upload, source).row
  const image = sourceRow?.values.get(name) ?? null
  const targets = parseTargets(form.fields.get('entities') ?? '').map((target) => editableRow(upload, target, name))
  for (const target of targets) setImage(upload, target, name, image)
  return typeof image === 'string' ? Number(image.split('/').at(-1)) : null
}

function visibleRow({ state, caller }: Upload, link: Link): { row: Row; type: EntityType } {
  const type = entityTypeNamed(link.type)
  const row = type && new View(state, caller.acting).row(link)
  if (!row) throw rowDoesNotExist(link.type, link.id)
  return { row, type }
}

function editableRow(upload: Upload, link: Link, name: string | undefined): FileTarget {
  const { row, type } = visibleRow(upload, link)
  const field = name === undefined ? undefined : fieldOf(type, name)
  if (name !== undefined && !field) throw fieldDoesNotExist('upload', type.name, name)
  checkMayEdit(upload.caller, type, row, name ?? 'attachments')
  if (field && field.editable !== 'always') throw readOnly('upload', `${type.name}.${name}`)
  return { row, type, name, field }
}

function setImage({ state, caller }: Upload, { row, type, field }: FileTarget, name: string, to: Value): void {
  const from = row.values.get(name) ?? null
  row.values.set(name, to)
  stampUpdate(state, caller, row)
  if (field) recordChanges(state, caller, type, row, [{ name, field, from, to }])
}

function thumbnailUrl({ url }: Pick<SiteState, 'url'>, id: number): string {
  return `${url}/file_serve/thumbnail/${id}`
}

function fileIn({ files }: UploadForm, name: string): StoredFile {
  const file = files.get(name)
  if (!file) throw new Refusal(faultCode.badRequest, `the file "${name}" is missing`)
  return file
}

/** Python writes its booleans `True`, and a shared filmstrip `1`. facts: PY `_upload_to_sg`, `share_thumbnail` */
function isFilmstrip({ fields }: UploadForm): boolean {
  return fields.get('filmstrip') === 'True' || ['1', 'True'].includes(fields.get('filmstrip_thumbnail') ?? '')
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(200).type('text/plain; charset=utf-8').send(text)
}
