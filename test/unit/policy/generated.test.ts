import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configWords } from '../../../src/config/config-words.ts'
import { frenchWords } from '../../../src/policy/french.ts'
import { filesInRepository, policyFiles } from '../../../src/policy/policy-files.ts'
import { kindOf, policyKeys } from '../../../src/policy/policy-keys.ts'
import { typeOf, withKeyTable } from '../../../src/policy/reference.ts'

const read = (path: string): string => readFileSync(path, 'utf8')
const keys = policyKeys()
const files = policyFiles(new Date('2026-01-02'))
const reference = read('docs/it/policy-reference.md')
const manual = files.get('man/sg-session-policy.5') ?? ''

test.each([...filesInRepository(read)])('%s is what `npm run policy` writes', (path, text) => {
  expect(read(path)).toBe(text)
})

test('every key of the schema has words, in both languages, and no words are about a key that is not there', () => {
  const names = keys.map(({ key }) => key)
  expect(names.length).toBeGreaterThan(20)
  expect(Object.keys(configWords)).toEqual(names)
  expect(Object.keys(frenchWords).toSorted()).toEqual(names.toSorted())
  for (const { title, description } of [...Object.values(configWords), ...Object.values(frenchWords)]) {
    expect(title).toMatch(/^[\p{Lu}0-9].*[^.]$/u)
    expect(description).toMatch(/^["\p{Lu}0-9].*\.$/u)
  }
})

test('every number says its unit in its title', () => {
  for (const { title, schema, key } of keys)
    if (['integer', 'number'].includes(kindOf(schema))) expect(title, key).toMatch(/\((hours|minutes|days|seconds)\)$/)
})

test.each(keys)(
  '$key stands in the table, the reference and the manual page, with type and default',
  ({ key, title, description, standard, schema, example }) => {
    const shown =
      standard === undefined ? '–' : `\`${typeof standard === 'string' ? standard : JSON.stringify(standard)}\``
    expect(read('docs/configuration.md')).toContain(`| \`${key}\` | ${shown} | `)
    const section = reference.split('\n## ').find((part) => part.startsWith(`${key}\n`)) ?? ''
    expect(section).toContain(`**${title}.** ${description}`)
    expect(section).toContain(`| default | ${shown} |`)
    for (const limit of [schema.maximum, schema.maxLength, schema.maxItems, ...(schema.enum ?? [])])
      if (limit !== undefined) expect(section).toContain(String(limit))
    expect(section).toContain(JSON.stringify(example).replaceAll(/^"|"$/g, ''))
    const item = manual.split('\n.It Sy ').find((part) => part.startsWith(`${key}\n`)) ?? ''
    const words = item.replaceAll('\\(dq', '"').replaceAll('\\(cq', '’').replaceAll('\n', ' ')
    expect(words).toContain(`Type: ${typeOf(schema).replaceAll('`', '')}.`)
    if (standard !== undefined) expect(words).toContain(`Default: ${JSON.stringify(standard)}.`)
    expect(words).toContain(description.replaceAll('…', '...'))
  },
)

test('a page that has lost the place of the table is not written over', () => {
  expect(() => withKeyTable('# Configuration\n')).toThrow(/has lost/)
})

test('the same files come out at any time, but for the date of the manual page', () => {
  const later = policyFiles(new Date('2027-03-04'))
  const changed = [...files].filter(([name, text]) => later.get(name) !== text).map(([name]) => name)
  expect(changed).toEqual(['man/sg-session-policy.5'])
  expect(manual).toMatch(/^\.Dd January 2, 2026\n/)
  expect(files.get('windows/sg-session.admx')).not.toMatch(/[^\r]\n/)
})
