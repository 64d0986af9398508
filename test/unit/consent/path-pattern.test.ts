import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitsPattern } from '../../../src/consent/path-pattern.ts'

describe('a pattern of paths', () => {
  test.each([
    ['/usr/bin/python3', '/usr/bin/python3', true],
    ['/usr/bin/python3', '/usr/bin/python3.11', false],
    ['/usr/bin/python3', '/usr/bin/Python3', false],
    ['/usr/bin/python*', '/usr/bin/python3.11', true],
    ['/usr/bin/python*', '/usr/bin/python', true],
    ['/usr/bin/*', '/usr/bin/deep/er', false],
    ['/usr/*/bin/maya.bin', '/usr/autodesk/bin/maya.bin', true],
    ['/usr/*/bin/maya.bin', '/usr/autodesk/maya2026/bin/maya.bin', false],
    ['/usr/autodesk/maya20??/bin/*', '/usr/autodesk/maya2026/bin/maya.bin', true],
    ['/usr/autodesk/maya20??/bin/*', '/usr/autodesk/maya20/6/bin/maya.bin', false],
    ['/opt/**', '/opt/a/b/c', true],
    ['/opt/**', '/opt/', true],
    ['/opt/**', '/opt', false],
    ['/opt/**', '/optional/tool', false],
    ['/opt/**/python', '/opt/python', true],
    ['/opt/**/python', '/opt/a/python', true],
    ['/opt/**/python', '/opt/a/b/python', true],
    ['/opt/**/python', '/opt/apython', false],
    ['/opt/**python', '/opt/a/bpython', true],
    ['/opt/a**/x', '/opt/a/x', true],
    ['/opt/a**/x', '/opt/ax', false],
    ['**/nuke', '/usr/local/nuke', true],
    ['**/nuke', 'nuke', true],
    ['**/nuke', '/usr/local/xnuke', false],
    ['**', '/any/thing', true],
    ['/a/***/b', '/a/x/y/b', true],
    ['/a/?', '/a/', false],
    ['/a/?', '/a//', false],
    ['/a/?', '/a/é', true],
    ['/a/?', '/a/🎬', true],
    // Nothing else is special.
    ['/a/[b]', '/a/b', false],
    ['/a/[b]', '/a/[b]', true],
    ['/a/{b,c}', '/a/b', false],
    ['/a/b.c', '/a/bxc', false],
    ['/a/\\*', '/a/*', false],
    ['/a/$1+(x)|^', '/a/$1+(x)|^', true],
    ['/a/*', '/a/with\nline', true],
    ['', '', true],
    ['', '/', false],
  ])('%j and %j: %s', (pattern, path, fits) => {
    expect(fitsPattern(path, pattern, false)).toBe(fits)
  })

  test.each([
    ['C:\\Program Files\\Autodesk\\Maya20??\\bin\\*.exe', 'c:\\program files\\autodesk\\maya2026\\BIN\\maya.exe', true],
    ['C:/Program Files/**/maya.exe', 'C:\\Program Files\\Autodesk\\Maya2026\\bin\\maya.exe', true],
    ['C:\\Program Files\\*\\maya.exe', 'C:\\Program Files\\Autodesk\\bin\\maya.exe', false],
    ['\\\\server\\tools\\**', '\\\\Server\\Tools\\a\\b.exe', true],
  ])('on Windows neither case nor slashes count: %j and %j: %s', (pattern, path, fits) => {
    expect(fitsPattern(path, pattern, true)).toBe(fits)
  })

  test('says what a slow and simple reading of its words says', () => {
    const letters = fc.constantFrom('a', 'b', '/')
    const pieces = fc.constantFrom('a', 'b', '/', '?', '*', '**')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 7 }), fc.array(letters, { maxLength: 8 }), (pattern, path) => {
        const asked = pattern.join('')
        expect(fitsPattern(path.join(''), asked, false)).toBe(asExpression(asked).test(path.join('')))
      }),
      { numRuns: 3_000 },
    )
  })

  test('takes no longer for what would keep a regular expression busy', () => {
    const started = performance.now()
    expect(fitsPattern(`/${'a'.repeat(4_000)}`, `/${'*a'.repeat(400)}b`, false)).toBe(false)
    expect(fitsPattern(`/${'a/'.repeat(2_000)}`, `${'**/a'.repeat(200)}x`, false)).toBe(false)
    // A backtracking match of either would not end in a lifetime; no figure for this machine is meant.
    expect(performance.now() - started).toBeLessThan(60_000)
  })
})

/** The same as a regular expression: short, and for short texts only. */
function asExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/(?<=^|\/)\*{2,}\//g, '<')
    .replace(/\*{2,}/g, '>')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('<', '(.*/)?')
    .replaceAll('>', '.*')
  return new RegExp(`^${source}$`, 's')
}
