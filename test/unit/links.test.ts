import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const pages = [...globSync('*.md'), ...globSync('docs/**/*.md'), ...globSync('{src,app,test}/**/README.md')]
const read = (page: string): string => readFileSync(page, 'utf8')

/** What stands in a page apart from code, which has brackets of its own. */
function prose(text: string): string {
  return text
    .replaceAll(/^( *)(```|~~~).*?^ *\2/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ' '))
}

/** Where a page's links lead that name no other server: `[text](target)` and `[name]: target`. */
function relativeLinks(text: string): string[] {
  const targets = [
    ...[...prose(text).matchAll(/\]\(<?([^()\s>]+)>?(?: "[^"]*")?\)/g)].map(([, target = '']) => target),
    ...[...prose(text).matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(([, target = '']) => target),
  ]
  return targets.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
}

/** The names of a page's headings, as GitHub makes them; a second one of a name is `name-1`. */
function anchors(text: string): Set<string> {
  const found = new Set<string>()
  const headings = text.replaceAll(/^( *)(```|~~~).*?^ *\2/gms, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)
  for (const [, heading = ''] of headings) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const name = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    let own = name
    for (let count = 1; found.has(own); count += 1) own = `${name}-${count}`
    found.add(own)
  }
  return found
}

/** Undefined when the link leads somewhere, else what is wrong. */
function judgeLink(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)))
  if (!existsSync(file)) return `${target}: there is no ${file}`
  if (anchor === undefined || !file.endsWith('.md')) return undefined
  return anchors(read(file)).has(decodeURIComponent(anchor)) ? undefined : `${target}: ${file} has no such heading`
}

describe('every relative link leads to a file, and to a heading where it names one', () => {
  test('there are pages, with links', () => {
    expect(pages.length).toBeGreaterThan(25)
    expect(pages.flatMap((page) => relativeLinks(read(page))).length).toBeGreaterThan(100)
  })

  test.for(pages)('%s', (page) => {
    expect(relativeLinks(read(page)).flatMap((target) => judgeLink(page, target) ?? [])).toEqual([])
  })
})

test.each([
  ['nowhere.md', 'there is no docs/nowhere.md'],
  ['it/README.md#nothing-of-that-name', 'has no such heading'],
  ['#nothing-of-that-name', 'has no such heading'],
])('%s would be found', (target, wrong) => expect(judgeLink('docs/security.md', target)).toContain(wrong))

test('links are found in each form, and not in code', () => {
  const text = 'a [b](c.md#d), `[x](y)`\n\n![p](q.png)\n\n[name]: e.md\n\n```\n[f](g.md)\n```\n[h](https://i.example)\n'
  expect(relativeLinks(text)).toEqual(['c.md#d', 'q.png', 'e.md'])
})

test('a heading is called what GitHub calls it', () => {
  const text = '# Windows: each user for themselves\n## The `tools` key\n## The `tools` key\n```\n# no heading\n```\n'
  expect([...anchors(text)]).toEqual(['windows-each-user-for-themselves', 'the-tools-key', 'the-tools-key-1'])
})
