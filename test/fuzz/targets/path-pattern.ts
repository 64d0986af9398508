import assert from 'node:assert/strict'
import { fitsPattern } from '../../../src/consent/path-pattern.ts'
import { linesOf, textOf } from '../input.ts'

export const seeds = [
  '/usr/autodesk/maya2025/bin/maya.bin\n/usr/autodesk/maya*/bin/maya.bin',
  '/a/b/c\n/a/**/c',
  '/a/c\n/**/c',
  '/opt/x/y/tool\n/opt/**',
  '/a.b+c(d\n/?.b+c(*',
  'C:\\Tools\\a.exe\nc:/tools/*.EXE',
]

/** A path and a pattern: the same as a regular expression says that is made of it, where that takes no longer. */
export function fuzz(data: Uint8Array): void {
  const [first = '', second = ''] = linesOf(textOf(data), 2)
  // As long as a path and a rule may be.
  const [path, pattern] = [first.slice(0, 4_096), second.slice(0, 1_000)]
  assert.ok(fitsPattern(path, pattern.replaceAll(/[*?]/g, 'x'), false) === (path === pattern.replaceAll(/[*?]/g, 'x')))
  // What a regular expression takes for ever is no trouble here.
  fitsPattern(path, pattern, true)
  const fits = fitsPattern(path, pattern, false)
  if (path.length <= 60 && (pattern.match(/\*+/g) ?? []).length <= 4)
    assert.equal(fits, expressionOf(pattern).test(path))
}

function expressionOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/(?<=^|\/)\*{2,}\/|\*{2,}|\*|\?|[^*?]/gsu, (part) => {
    if (/^\*{2,}\/$/.test(part)) return '(?:[\\s\\S]*/)?'
    if (part.startsWith('**')) return '[\\s\\S]*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    return /[\\^$.|+()[\]{}/]/.test(part) ? `\\${part}` : part
  })
  return new RegExp(`^${source}$`, 'su')
}
