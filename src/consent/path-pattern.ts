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
  /** How many pieces may be left out here. */
  readonly skips: number
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
  const pieces: Piece[] = []
  let before = literal.at(-1)
  for (const part of pattern.slice(literal.length).match(/\*{2,}|[\s\S]/gu) ?? []) {
    const isFolders = part.startsWith('**') && (before === undefined || before === '/')
    pieces.push(pieceOf(part, isFolders))
    before = part
  }
  // Folders, or none: then the slash behind them is left out too, if one stands there.
  const isFollowedBySlash = (place: number): boolean => pieces[place + 1]?.takes('/') === true
  return {
    literal,
    pieces: pieces.map((piece, place) =>
      piece.skips > 1 && !isFollowedBySlash(place) ? { ...piece, skips: 1 } : piece,
    ),
  }
}

function pieceOf(part: string, isFolders: boolean): Piece {
  if (part.startsWith('**')) return { takes: () => true, repeats: true, skips: isFolders ? 2 : 1 }
  if (part === '*') return { takes: isNoSlash, repeats: true, skips: 1 }
  if (part === '?') return { takes: isNoSlash, repeats: false, skips: 0 }
  return { takes: (letter) => letter === part, repeats: false, skips: 0 }
}

function isNoSlash(letter: string): boolean {
  return letter !== '/'
}

/** Where one can be, and beyond what may be left out from there. */
function withSkips(reached: boolean[], pieces: readonly Piece[]): boolean[] {
  pieces.forEach(({ skips }, place) => {
    if (!reached[place]) return
    for (let skipped = 1; skipped <= skips; skipped += 1) reached[place + skipped] = true
  })
  return reached
}

function windowsForm(path: string): string {
  return path.replaceAll('\\', '/').toLowerCase()
}
