import type { FastifyRequest } from 'fastify'
import { faultCode, Refusal } from './refusals.ts'
import { isLink, type Link } from './rows.ts'
import { largestFileBytes, type StoredFile } from './stored-files.ts'

/** A form as `shotgun_api3` posts it: multipart with a file, urlencoded without. facts: PY `FormPostHandler` */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>
  readonly files: ReadonlyMap<string, StoredFile>
}

const credentials = [
  'script_name',
  'script_key',
  'user_login',
  'user_password',
  'auth_token',
  'session_token',
  'sudo_as_login',
  'session_uuid',
]

/** Reads the body; throws when it is no form, or holds a file that weighs too much. */
export async function parseUploadForm(request: FastifyRequest): Promise<UploadForm> {
  const form = await readForm(request)
  const fields = new Map<string, string>()
  const files = new Map<string, StoredFile>()
  for (const [name, value] of form) {
    if (typeof value === 'string') {
      fields.set(name, value)
      continue
    }
    if (value.size > largestFileBytes) throw fileTooLarge()
    const bytes = new Uint8Array(await value.arrayBuffer())
    files.set(name, { name: value.name, contentType: value.type || 'application/octet-stream', bytes })
  }
  return { fields, files }
}

async function readForm(request: FastifyRequest): Promise<Iterable<[string, string | File]>> {
  if (!(request.body instanceof Uint8Array)) return new URLSearchParams(String(request.body ?? ''))
  const headers = { 'content-type': request.headers['content-type'] ?? '' }
  try {
    return await new Response(new Uint8Array(request.body), { headers }).formData()
  } catch (cause) {
    const refusal = new Refusal(faultCode.badRequest, 'the body is not the form its Content-Type says it is')
    refusal.cause = cause
    throw refusal
  }
}

/** The auth dict, which stands flat among the fields. facts: PY `_send_form` */
export function authOf({ fields }: UploadForm): Record<string, string> {
  return Object.fromEntries([...fields].filter(([name]) => credentials.includes(name)))
}

/** What an upload is for: `entity_type` and `entity_id`. Throws when either is missing. */
export function targetOf({ fields }: UploadForm): Link {
  const target = { type: fields.get('entity_type') ?? '', id: Number(fields.get('entity_id') ?? Number.NaN) }
  if (target.type === '' || !Number.isInteger(target.id)) {
    throw new Refusal(faultCode.badRequest, 'entity_type and entity_id are required')
  }
  return target
}

/** `Version_123,Shot_456`. facts: PY `share_thumbnail` */
export function parseTargets(text: string): Link[] {
  return text.split(',').map((part) => {
    const [, type, id] = /^([A-Za-z0-9]+)_(\d+)$/.exec(part.trim()) ?? []
    const target = { type, id: Number(id) }
    if (!isLink(target)) throw new Refusal(faultCode.badRequest, `"${part}" is no entity: "Version_123" would be one`)
    return target
  })
}

export const fileTooLarge = () =>
  new Refusal(faultCode.refusedData, `a file may weigh ${largestFileBytes / 1024 / 1024} MB at most`)
