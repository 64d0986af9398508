import { describe, expect, test } from 'vitest'
import { compareVersions, parseVersion, type ReleaseVersion } from '../../../src/update/release-version.ts'

const version = (text: string): ReleaseVersion => {
  const parsed = parseVersion(text)
  if (!parsed) throw new Error(`"${text}" is no version`)
  return parsed
}

describe('versions of releases', () => {
  test('are in the order of Semantic Versioning §11', () => {
    const ordered = [
      '0.9.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1-test',
      '1.0.1',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ]
    for (const [index, one] of ordered.entries()) {
      for (const [other, two] of ordered.entries())
        expect(Math.sign(compareVersions(version(one), version(two))), `${one} ${two}`).toBe(Math.sign(index - other))
    }
  })

  test.each([
    '',
    '1',
    '1.2',
    'v1.2.3',
    '1.2.3.4',
    '01.2.3',
    '1.2.3-',
    '1.2.3-beta..1',
    '1.2.3-01',
    '1.2.3+build',
    ' 1.2.3',
    '1.2.3\n',
    '9999999999.0.0',
    `1.2.3-${'a'.repeat(80)}`,
  ])('"%s" is none', (text) => expect(parseVersion(text)).toBeUndefined())
})
