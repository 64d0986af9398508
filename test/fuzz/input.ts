import assert from 'node:assert/strict'
import { AgentError, type ErrorCode } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** As a program reads a line of UTF-8: what is none becomes U+FFFD. */
export function textOf(data: Uint8Array): string {
  return decoder.decode(data)
}

/** As it comes from a JavaScript caller, halves of surrogate pairs included: two bytes a character where the first says so. */
export function anyTextOf(data: Uint8Array): string {
  if (data[0] !== 0xff) return textOf(data)
  // Not Buffer's `utf16le`: Node 24.21 writes past its memory where length and place of the bytes are odd.
  const units = Array.from(
    { length: (data.length - 1) >> 1 },
    (_, at) => (data[1 + 2 * at] ?? 0) + 256 * (data[2 + 2 * at] ?? 0),
  )
  return String.fromCharCode(...units)
}

/** The first so many lines, and the rest as one; missing ones are empty. */
export function linesOf(text: string, count: number): string[] {
  const lines = text.split('\n')
  const first = Array.from({ length: count }, (_, index) => lines[index] ?? '')
  return [...first, lines.slice(count).join('\n')]
}

/** Undefined for what is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a parser made of its input, or undefined when it refused as it is to: by one of these codes, in a sentence that ends. */
export function judged<T>(parse: () => T, ...codes: readonly ErrorCode[]): T | undefined {
  try {
    return parse()
  } catch (error) {
    demandRefusal(error, codes)
    return undefined
  }
}

/** The same for a parser that takes its time. */
export async function judgedLater<T>(parse: () => Promise<T>, ...codes: readonly ErrorCode[]): Promise<T | undefined> {
  try {
    return await parse()
  } catch (error) {
    demandRefusal(error, codes)
    return undefined
  }
}

function demandRefusal(error: unknown, codes: readonly ErrorCode[]): void {
  if (!(error instanceof AgentError) || !codes.includes(error.code)) throw error
  assert.ok(error.message.length > 0 && error.advice.length > 0)
}

/** A server that answers with the bytes: `status`, `header: value` lines, an empty line, the body. Records what it was asked. */
export function answering(data: Uint8Array): Fetch {
  const text = textOf(data)
  const [head = '', ...rest] = text.split('\n\n')
  const [status = '', ...lines] = head.split('\n')
  const headers = new Headers()
  for (const line of lines) {
    const [name = '', value = ''] = line.split(': ')
    if (/^[a-z-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value)) headers.set(name, value)
  }
  const known = statuses.find((one) => String(one) === status) ?? 200
  return async () => new Response(rest.join('\n\n'), { status: known, headers })
}

/** Those that nobody is to try again on: that would only take time. */
const statuses = [200, 201, 302, 400, 401, 403, 404, 409, 429, 500, 503]
