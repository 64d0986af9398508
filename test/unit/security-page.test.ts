import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** Rows of the tables of claims: `| what holds | shown by |`. */
const claims = readFileSync('docs/security.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what holds') && !line.startsWith('| ---'))
  .map((line) => line.split(' | '))
  .filter((cells) => cells.length === 2)
  .map(([claim = '', shownBy = '']) => ({ claim: claim.slice(2), shownBy }))

/** A file, and the names of tests behind it, up to the next file. */
function testsNamed(shownBy: string): { file: string; names: string[] }[] {
  return shownBy.split(/(?=`test\/)/).flatMap((part) => {
    const file = /^`(test\/[^`]+)`/.exec(part)?.[1]
    if (!file) return []
    // A name may quote somebody itself: it ends where a list or the cell goes on.
    const names = [...part.matchAll(/“(.+?)”(?=,|;| \||$|\.| and )/g)].map(([, name = '']) => name)
    return [{ file, names }]
  })
}

describe('every claim of docs/security.md', () => {
  test('is there to be looked at', () => expect(claims.length).toBeGreaterThan(40))

  test.each(claims)('names tests that are there: $claim', ({ shownBy }) => {
    const named = testsNamed(shownBy)
    expect(named.length).toBeGreaterThan(0)
    for (const { file, names } of named) {
      expect(existsSync(file), file).toBe(true)
      const source = readFileSync(file, 'utf8')
      for (const name of names) expect(source.includes(name), `${file}: “${name}”`).toBe(true)
    }
  })
})
