import type { Readable } from 'node:stream'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import type { FastifyRequest } from 'fastify'
import { AgentError } from '../../errors.ts'

export interface FormFile {
  readonly kind: 'file'
  readonly name: string
  readonly filename: string
  readonly contentType: string
  /** To be read to its end before the next part is asked for. */
  readonly content: Readable
}

export type FormPart = { readonly kind: 'field'; readonly name: string; readonly value: string } | FormFile

/** All fields of a form together, files apart. */
const fieldsBytes = 1024 * 1024
const limits = { fieldSize: fieldsBytes, fields: 200, files: 20, parts: 220, headerPairs: 20, headerSize: 16 * 1024 }

/**
 * The parts of a `multipart/form-data` body as they come; a file is never held as a whole. Throws `invalid_request` for a body
 * that is no such form, breaks off, or has fields of more than 1 MiB. `over`: nobody waits for parts any more.
 */
export async function* readFormParts(raw: FastifyRequest['raw'], over: AbortSignal): AsyncGenerator<FormPart> {
  const busboy = makeBusboy(raw)
  const waiting: FormPart[] = []
  let isOver = false
  let fieldsLength = 0
  let failure: AgentError | undefined
  let wake = (): void => undefined
  const fail = (why: string, cause?: unknown): void => {
    failure ??= new AgentError('invalid_request', why, { cause })
    wake()
  }
  busboy.on('field', (name, value, _isNameTruncated, isTruncated) => {
    if (isTruncated) fail(`the field "${String(name).slice(0, 60)}" is too large`)
    fieldsLength += Buffer.byteLength(value)
    if (fieldsLength > fieldsBytes) fail('the fields of the form are too large')
    if (failure) return
    waiting.push({ kind: 'field', name, value })
    wake()
  })
  busboy.on('file', (name, content, filename, _encoding, contentType) => {
    // Whoever reads it hears of it; until then it must not end the process.
    content.on('error', () => undefined)
    waiting.push({ kind: 'file', name, filename, contentType, content })
    wake()
  })
  for (const limit of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const) {
    busboy.on(limit, () => fail('the form has too many parts'))
  }
  busboy.on('error', (cause) => fail('the body is not the form its Content-Type says it is', cause))
  busboy.on('finish', () => {
    isOver = true
    wake()
  })
  const breakOff = (): void => {
    if (!raw.complete) fail('the form broke off')
  }
  const stopWaiting = (): void => fail('nobody waits for the form any more')
  raw.once('close', breakOff)
  over.addEventListener('abort', stopWaiting, { once: true })
  raw.pipe(busboy)
  try {
    for (;;) {
      if (failure) throw failure
      const part = waiting.shift()
      if (part) yield part
      else if (isOver) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    raw.off('close', breakOff)
    over.removeEventListener('abort', stopWaiting)
    raw.unpipe(busboy)
    raw.resume()
  }
}

function makeBusboy(raw: FastifyRequest['raw']) {
  const isPartAFile = (_name?: string, _type?: string, filename?: string): boolean => filename !== undefined
  try {
    return new Busboy({ headers: raw.headers as BusboyHeaders, limits, isPartAFile, preservePath: true })
  } catch (cause) {
    throw new AgentError('invalid_request', 'the body is not the form its Content-Type says it is', { cause })
  }
}
