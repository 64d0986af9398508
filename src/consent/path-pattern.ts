/**
 * Whether the whole path fits the pattern: `?` stands for one character but a slash, `*` for any number of them, `**` for
 * anything; `**` between slashes for any folders, or none. Nothing else is special. Takes time in proportion to both lengths,
 * whatever they hold. On Windows case does not count, and a backslash is a slash.
 */
export function fitsPattern(path: string, pattern: string, isWindows = process.platform === 'win32'): boolean {
  const text = isWindows ? windowsForm(path) : path
  const { literal, pieces } = compiled(isWindows ? windowsForm(pattern) : pattern)
  if (!text.startsWith(literal)) return false
  let reached = withSkips([true], pieces)
  for (const letter of text.slice(literal.length)) {
    const next: boolean[] = []
    pieces.forEach(({ takes, repeats }, place) => {
      if (!reached[place] || !takes(letter)) return
      next[repeats ? place : place + 1] = true
    })
    if (next.length === 0) return false
    reached = withSkips(next, pieces)
  }
  return reached[pieces.length] === true
}

/** One piece of a pattern. */
interface Piece {
  readonly takes: (letter: string) => boolean
  /** It takes any number of letters, none too. */
  readonly repeats: boolean
  /** How far one may go on from here without a letter. */
  readonly skips: readonly number[]
}

interface Pattern {
  /** What every path that fits begins with. */
  readonly literal: string
  readonly pieces: readonly Piece[]
}

const patterns = new Map<string, Pattern>()
const mostPatterns = 10_000

function compiled(pattern: string): Pattern {
  const known = patterns.get(pattern)
  if (known) return known
  const made = compile(pattern)
  if (patterns.size >= mostPatterns) patterns.clear()
  patterns.set(pattern, made)
  return made
}

function compile(pattern: string): Pattern {
  const wild = pattern.search(/[*?]/)
  const literal = wild < 0 ? pattern : pattern.slice(0, wild)
  const parts = pattern.slice(literal.length).match(/\*{2,}|[\s\S]/gu) ?? []
  const pieces = parts.flatMap((part, place): Piece[] => {
    const before = place === 0 ? (literal.at(-1) ?? '/') : parts[place - 1]
    const isFolders = part.startsWith('**') && before === '/' && parts[place + 1] === '/'
    return isFolders ? [orNoFolder, pieceOf(part)] : [pieceOf(part)]
  })
  return { literal, pieces }
}

/** Before the two pieces of folders: the text and the slash behind it. */
const orNoFolder: Piece = { takes: () => false, repeats: false, skips: [1, 3] }

function pieceOf(part: string): Piece {
  if (part.startsWith('**')) return { takes: () => true, repeats: true, skips: [1] }
  if (part === '*') return { takes: isNoSlash, repeats: true, skips: [1] }
  if (part === '?') return { takes: isNoSlash, repeats: false, skips: [] }
  return { takes: (letter) => letter === part, repeats: false, skips: [] }
}

function isNoSlash(letter: string): boolean {
  return letter !== '/'
}

/** Where one can be, and where one can go on from there without a letter. */
function withSkips(reached: boolean[], pieces: readonly Piece[]): boolean[] {
  pieces.forEach(({ skips }, place) => {
    if (reached[place]) for (const skip of skips) reached[place + skip] = true
  })
  return reached
}

function windowsForm(path: string): string {
  return path.replaceAll('\\', '/').toLowerCase()
}
