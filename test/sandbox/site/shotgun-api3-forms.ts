import type { AuthDict } from './shotgun-api3-wire.ts'

/** A file as `shotgun_api3` puts it into a form. */
export interface WireFile {
  /** `thumb_image` or `file`. */
  readonly field: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

const boundary = 'b2c7d1de-6a0f-4f4c-8f0e-3a1d5c9e7b42'

/** Python's `str()` of what stands in a form field. */
function pythonText(value: unknown): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  return value === null || value === undefined ? 'None' : String(value)
}

/** The bytes of a form with a file: values first, then the file, and a Content-Length in its part. facts: PY `FormPostHandler` */
export function multipartBody(fields: Readonly<Record<string, unknown>>, file: WireFile): Buffer {
  const values = Object.entries(fields).map(([name, value]) => {
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${pythonText(value)}\r\n`
  })
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${file.field}"; filename="${file.filename}"`,
    `Content-Type: ${file.contentType}`,
    `Content-Length: ${file.bytes.length}`,
  ]
  return Buffer.concat([
    Buffer.from(`${values.join('')}${head.join('\r\n')}\r\n\r\n`, 'utf8'),
    file.bytes,
    Buffer.from(`\r\n--${boundary}--\r\n\r\n`, 'utf8'),
  ])
}

/** Posts a form as the client does, credentials flat among its fields; urlencoded when there is no file. */
export async function sendForm(
  siteUrl: string,
  path: string,
  auth: AuthDict,
  fields: Readonly<Record<string, unknown>>,
  file?: WireFile,
): Promise<{ status: number; text: string }> {
  const all = { ...fields, ...auth }
  const body = file
    ? new Uint8Array(multipartBody(all, file))
    : new URLSearchParams(Object.entries(all).map(([name, value]) => [name, pythonText(value)]))
  const headers = file ? { 'content-type': `multipart/form-data; boundary=${boundary}` } : {}
  const answer = await fetch(siteUrl + path, { method: 'POST', headers, body })
  return { status: answer.status, text: await answer.text() }
}

/** The id in an answer, read as the client reads it; throws what the client would call a failed upload. */
export function idIn({ text }: { text: string }): number {
  const [, rest] = text.split(':', 2)
  const id = Number(rest?.split('\n', 1)[0] || Number.NaN)
  if (!text.startsWith('1') || !Number.isInteger(id)) throw new Error(`not uploaded: ${text}`)
  return id
}
