import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { notesOf } from '../../../build/release-notes.mjs'

const changelog =
  '# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.3 · 2026-01-31\n\n- this\n### more\n- that\n\n## 1.2.2\n\n- before\n'

test('the notes of a release are its section, whole and without its heading', () => {
  expect(notesOf('v1.2.3', '1.2.3', changelog)).toBe('- this\n### more\n- that\n')
  expect(notesOf('v1.2.2', '1.2.2', changelog)).toBe('- before\n')
})

test.for([
  ['a tag that is no version', 'release-3', '1.2.3', changelog, '"release-3" is no version'],
  ['a tag with more behind the version', 'v1.2.3-rc.1', '1.2.3', changelog, 'is no version'],
  ['a tag that would go on in a shell', 'v1.2.3;id', '1.2.3', changelog, 'is no version'],
  ['another version than the manifest says', 'v1.2.3', '1.2.2', changelog, 'package.json says "1.2.2"'],
  ['a version without a section', 'v1.2.4', '1.2.4', changelog, 'no section "## 1.2.4"'],
  ['a section of a longer version alone', 'v1.2.3', '1.2.3', '## 1.2.30\n\n- x\n', 'no section'],
  ['an empty section', 'v1.2.3', '1.2.3', '## 1.2.3\n\n## 1.2.2\n\n- x\n', 'is empty'],
  ['two sections of one version', 'v1.2.3', '1.2.3', `${changelog}## 1.2.3\n\n- again\n`, '2 sections'],
])('refuses %s', ([, tag, version, text, sentence]) => {
  expect(() => notesOf(tag, version, text)).toThrow(sentence)
})

test('our changelog has sections of the form it reads', () => {
  const section = /^## (.+)$/m.exec(readFileSync('CHANGELOG.md', 'utf8'))?.[1]
  expect(section).toMatch(/^(Unreleased|\d+\.\d+\.\d+)/)
})

test('the Python client has the version of the manifest', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(readFileSync('src/client/python/sg_session/_version.py', 'utf8')).toContain(`__version__ = "${version}"`)
})
