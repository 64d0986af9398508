import { randomUUID } from 'node:crypto'
import { AgentError } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { foreignCredentialIn, isCredential } from './foreign-credentials.ts'
import type { FormFile, FormPart } from './form-parts.ts'

/** A form up to its first file: by then it must have said who sends it. */
export interface FormHead {
  readonly sessionToken: Secret | undefined
  /** A credential that is not taken here. */
  readonly foreign: string | undefined
  /** What is no credential, in its order. */
  readonly fields: readonly [name: string, value: string][]
  /** The file that follows. */
  readonly file: FormFile | undefined
}

/** Reads a form up to its first file. Throws `invalid_request`. */
export async function readFormHead(parts: AsyncIterator<FormPart>): Promise<FormHead> {
  const given: [string, string][] = []
  for (;;) {
    const { done, value: part } = await parts.next()
    if (done) return headOf(given, undefined)
    demandPlainName(part.name)
    if (part.kind === 'file') return headOf(given, part)
    given.push([part.name, part.value])
  }
}

/** The fields of a form without files. Throws `invalid_request`. */
export function readUrlencodedHead(text: string): FormHead {
  const given = [...new URLSearchParams(text)]
  for (const [name] of given) demandPlainName(name)
  return headOf(given, undefined)
}

function headOf(given: readonly [string, string][], file: FormFile | undefined): FormHead {
  const tokens = given.filter(([name]) => name === 'session_token').map(([, value]) => value)
  if (tokens.length > 1) throw new AgentError('invalid_request', '"session_token" is doubled')
  const [token] = tokens
  return {
    sessionToken: token ? new Secret(token) : undefined,
    foreign:
      foreignCredentialIn(given.map(([name]) => name)) ?? (file && isCredential(file.name) ? file.name : undefined),
    fields: given.filter(([name]) => !isCredential(name)),
    file,
  }
}

export interface MultipartBody {
  readonly contentType: string
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * The form again, with the broker's credentials first; files go through as they come. The body throws `invalid_request` when a
 * credential follows the first file: what the site has got by then is no whole form.
 */
export function writeMultipart(
  credentials: readonly [name: string, value: string][],
  { fields, file }: FormHead,
  rest: AsyncIterator<FormPart>,
): MultipartBody {
  const boundary = `sg-broker-${randomUUID()}`
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: multipart(boundary, [...credentials, ...fields], file, rest),
  }
}

async function* multipart(
  boundary: string,
  fields: readonly [string, string][],
  first: FormFile | undefined,
  rest: AsyncIterator<FormPart>,
): AsyncGenerator<Uint8Array> {
  for (const [name, value] of fields) yield fieldPart(boundary, name, value)
  for (let part: FormPart | undefined = first; part; part = await nextOf(rest)) {
    if (part.kind === 'field') {
      yield fieldPart(boundary, part.name, part.value)
      continue
    }
    const { name, filename, contentType, content } = part
    const disposition = `form-data; name="${name}"; filename="${quoted(filename)}"`
    yield Buffer.from(
      `--${boundary}\r\nContent-Disposition: ${disposition}\r\nContent-Type: ${mediaType(contentType)}\r\n\r\n`,
    )
    yield* content
    yield Buffer.from('\r\n')
  }
  yield Buffer.from(`--${boundary}--\r\n`)
}

async function nextOf(parts: AsyncIterator<FormPart>): Promise<FormPart | undefined> {
  const { done, value: part } = await parts.next()
  if (done) return undefined
  demandPlainName(part.name)
  if (isCredential(part.name)) {
    throw new AgentError('invalid_request', `"${part.name}" must come before the first file`)
  }
  return part
}

function fieldPart(boundary: string, name: string, value: string): Buffer {
  return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
}

/** A site may read `script_key[]` or ` script_key` as `script_key`; no field of an upload has such a name. */
function demandPlainName(name: unknown): void {
  if (typeof name === 'string' && /^\w{1,100}$/.test(name)) return
  throw new AgentError('invalid_request', `"${String(name).slice(0, 60)}" is no name of a field`)
}

/** HTML's way to write what would end the name, and what some readers take for the beginning of an escape. */
function quoted(filename: string): string {
  return filename.replaceAll('\\', '%5C').replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function mediaType(given: string): string {
  return /^[\w.+-]+\/[\w.+-]+$/.test(given) ? given : 'application/octet-stream'
}
