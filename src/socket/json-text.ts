/**
 * JSON as two different parsers must read it alike: what one of them could take otherwise is refused before it is used.
 * The Python client follows the same rules; both run test/vectors/json-text.json.
 */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError'
}

/**
 * Parses one JSON text (RFC 8259). Refuses what RFC 8259 leaves to the parser: repeated member names (§4), lone surrogates
 * (§8.2), numbers beyond 2^53 − 1 (§6); also `__proto__` as a name, control characters outside strings except the
 * space, and nesting deeper than `maxDepth`. Throws JsonTextError that quotes nothing of the text.
 */
export function parseJsonText(text: string, maxDepth: number): unknown {
  scan(text, maxDepth)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new JsonTextError('is not JSON')
  }
  return value
}

/** Walks the tokens before JSON.parse does, so that neither depth nor a repeated name costs anything later. */
function scan(text: string, maxDepth: number): void {
  const open: (Set<string> | undefined)[] = []
  let expectsName = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    switch (code) {
      case 0x22: {
        const end = endOfString(text, at)
        const content = decodeString(text.slice(at, end + 1))
        const names = open.at(-1)
        if (names && expectsName) {
          if (content === '__proto__') throw new JsonTextError('has a member called "__proto__"')
          if (names.has(content)) throw new JsonTextError('repeats a member name')
          names.add(content)
          expectsName = false
        }
        at = end
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (open.length === maxDepth) throw new JsonTextError('is nested too deeply')
        open.push(code === 0x7b ? new Set() : undefined)
        expectsName = code === 0x7b
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        expectsName = false
        break
      case 0x2c: // ,
        expectsName = open.at(-1) !== undefined
        break
      default:
        if (code < 0x20) throw new JsonTextError('has a control character')
        if (code === 0x2d || (code >= 0x30 && code <= 0x39)) at = endOfNumber(text, at) - 1
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at
    if (code === 0x5c) at += 1
  }
  throw new JsonTextError('is not JSON')
}

function decodeString(literal: string): string {
  let content: unknown
  try {
    content = JSON.parse(literal)
  } catch {
    throw new JsonTextError('is not JSON')
  }
  if (typeof content !== 'string' || !content.isWellFormed()) throw new JsonTextError('has a lone surrogate')
  return content
}

const numberCharacters = /[-+.0-9eE]*/y

function endOfNumber(text: string, start: number): number {
  numberCharacters.lastIndex = start
  const literal = numberCharacters.exec(text)?.[0] ?? ''
  const number = Number(literal)
  // Beyond it `1e20` would be taken, and its other spelling, which JSON.stringify makes of it, refused.
  if (!(Math.abs(number) <= Number.MAX_SAFE_INTEGER)) throw new JsonTextError('has a number out of range')
  return start + literal.length
}
