import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withoutTricks } from '../../../app/windows/pages/tree.ts'

const folder = 'app/windows/pages'
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))

describe('the pages', () => {
  test('are there to look at', () => expect(sources.length).toBeGreaterThan(8))

  test('take nothing but types from the main process’s side, and no package at all', () => {
    const wrong = sources.flatMap(({ name, text }) =>
      [...text.matchAll(/^import (?!type )[^'"]*['"]([^'"]+)['"]/gm)]
        .filter(([, from]) => !from?.startsWith('./'))
        .map(([line]) => `${name}: ${line}`),
    )
    expect(wrong).toEqual([])
  })

  test('never read text as markup or code', () => {
    const ways = /innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|srcdoc|eval\(|new Function/
    expect(sources.filter(({ text }) => ways.test(text)).map(({ name }) => name)).toEqual([])
    expect(readFileSync(join(folder, 'page.html'), 'utf8')).not.toMatch(/<script>|<style|style=|\son\w+=/)
  })
})

describe('text that comes from other programs', () => {
  test.for([
    ['turned round', 'photo\u202egnp.exe', 'photo\ufffdgnp.exe'],
    ['with an isolate', 'a\u2066b\u2069', 'a\ufffdb\ufffd'],
    ['with a character nobody sees', 'May\u200ba', 'May\ufffda'],
    ['with a joiner where there is no emoji', 'May\u200da', 'May\ufffda'],
    ['with a NUL', 'May\u0000a', 'May\ufffda'],
  ] as const)('%s is marked', ([, text, shown]) => expect(withoutTricks(text)).toBe(shown))

  test.for([
    'Où se trouve votre ShotGrid\u202f?',
    '34\u00a0min',
    'שלום, Jürgen 日本',
    'one line\nand another',
    '👩🏽\u200d🎨',
    '❤\ufe0f\u200d🔥',
  ])('“%s” is left as it is', (text) => expect(withoutTricks(text)).toBe(text))
})
