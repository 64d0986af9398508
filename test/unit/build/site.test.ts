import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readWishes } from '../../../build/site/arguments.ts'
import { anchorOf, isRelative, resolveLink } from '../../../build/site/links.ts'
import { bar, more, sections, sectionsInFrench } from '../../../build/site/navigation.ts'
import { sitePages } from '../../../build/site/pages.ts'

const root = process.cwd()
const pages = sitePages(root)
const entries = [...sections, ...sectionsInFrench].flatMap((section) => section.pages.map(([, file]) => file))

describe('the sidebar', () => {
  test('every page stands in it once, and every entry is a page', () => {
    expect(entries.length).toBeGreaterThan(40)
    expect(entries.toSorted()).toEqual([...pages.keys()].toSorted())
  })

  test('every Markdown file of docs/ is a page', () => {
    const files = globSync('docs/**/*.md')
    expect(files.filter((file) => !pages.has(file))).toEqual([])
  })

  test('no two pages have one name in the site, also where case does not count', () => {
    const names = [...pages.values()].map((name) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
  })

  test('the bar names pages of the sidebar', () => {
    for (const [, file] of [...bar, ...more]) expect(entries).toContain(file)
  })
})

describe('a link of a page leads, in the site, where it leads on a code host', () => {
  const at = (source: string, target: string) => resolveLink(root, pages, source, target)

  test.each([
    ['docs/artists.md', 'PROTOCOL.md', { page: 'protocol.md', anchor: '' }],
    [
      'docs/plug-ins.md',
      '../CONTRIBUTING.md#the-real-clients',
      { page: 'contributing.md', anchor: '#the-real-clients' },
    ],
    ['README.md', 'docs/artists.fr.md', { page: 'fr/artists.md', anchor: '' }],
    ['README.md', 'src/', { page: 'contributors/code.md', anchor: '' }],
    ['docs/release.md', 'it/', { page: 'it/index.md', anchor: '' }],
    ['docs/plug-ins.md', 'examples/hooks', { page: 'examples/index.md', anchor: '' }],
    ['docs/configuration.md', 'policy.schema.json', { file: 'docs/policy.schema.json' }],
  ])('%s: %s', (source, target, destination) => expect(at(source, target)).toEqual(destination))

  test.each([
    ['docs/artists.md', 'nowhere.md', '"nowhere.md" is not there'],
    ['docs/artists.md', '../../elsewhere', '"../../elsewhere" is not there'],
    ['README.md', 'build', '"build" is a folder without a README.md'],
  ])('%s: %s fails the build', (source, target, wrong) => expect(() => at(source, target)).toThrow(wrong))

  test('a link with a scheme, and one within the page, are left alone', () => {
    expect(['https://x.example', 'mailto:a@x.example', '//x.example', '#here', ''].filter(isRelative)).toEqual([])
    expect(['it/', '../README.md#x'].filter(isRelative)).toEqual(['it/', '../README.md#x'])
  })

  test('a heading’s anchor is what a code host makes of it', () => {
    expect(anchorOf('L’icône: `tools.consent`, 2 ways')).toBe('licône-toolsconsent-2-ways')
  })
})

describe('npm run docs', () => {
  test('serves at the root of its usual port unless it is told otherwise', () => {
    expect(readWishes([])).toEqual({ onlyBuild: false, base: '/', port: 8877 })
    const words = ['--build', '--base', '/pipeline/sg-session/', '--port', '9000']
    expect(readWishes(words)).toEqual({ onlyBuild: true, base: '/pipeline/sg-session/', port: 9000 })
  })

  test.each([
    [['--open'], '"--open" is not known'],
    [['--base', 'docs'], '"--base" takes a path'],
    [['--base', '/a/../b/ c/'], '"--base" takes a path'],
    [['--base'], '"--base" takes a path'],
    [['--port', '0'], '"--port" takes a number'],
    [['--port', '80a'], '"--port" takes a number'],
  ])('%j is refused', (words, wrong) => expect(() => readWishes(words)).toThrow(wrong))
})
