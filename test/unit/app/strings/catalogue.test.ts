import { describe, expect, test } from 'vitest'
import { chooseLanguage, languages } from '../../../../app/strings/catalogue.ts'
import { en } from '../../../../app/strings/en.ts'
import { fr } from '../../../../app/strings/fr.ts'
import { errorCodes, errorTable } from '../../../../src/errors.ts'

/** Every text by its path; a text with values is called with marks that its result must hold. */
function texts(catalogue: unknown, path = ''): Map<string, unknown> {
  if (typeof catalogue !== 'object' || catalogue === null) return new Map([[path, catalogue]])
  return new Map(Object.entries(catalogue).flatMap(([key, one]) => [...texts(one, path ? `${path}.${key}` : key)]))
}

function spoken(text: unknown): string[] {
  if (typeof text !== 'function') return [String(text)]
  const say = (first: number): string => text(...Array.from({ length: text.length }, (_, index) => first + index))
  return [0, 1, 41].map(say)
}

const english = texts(en)

describe.each([...languages])('the texts in %s', (tag, { strings }) => {
  const own = texts(strings)

  test('are all there, and no others', () => {
    expect([...own.keys()].sort()).toEqual([...english.keys()].sort())
    expect(english.size).toBeGreaterThan(150)
  })

  test('take as many values as the English ones, and show each of them', () => {
    for (const [path, text] of english) {
      const other = own.get(path)
      expect([path, typeof other]).toEqual([path, typeof text])
      if (typeof text !== 'function' || typeof other !== 'function') continue
      expect([path, other.length]).toEqual([path, text.length])
      const marks = Array.from({ length: text.length }, (_, index) => 41 + index)
      for (const mark of marks) expect(other(...marks), path).toContain(String(mark))
    }
  })

  test('say something, without space round it', () => {
    for (const [path, text] of own) {
      for (const one of spoken(text)) {
        expect(one, path).not.toBe('')
        expect(one.trim(), path).toBe(one)
        expect(one, path).not.toMatch(/ {2}|undefined|\[object/)
      }
    }
  })

  test('hold nothing unseen that turns or isolates text, and no markup', () => {
    for (const [path, text] of own) {
      for (const one of spoken(text)) expect(one, path).not.toMatch(/[\p{Cc}\p{Cf}]|<\/?\w|&\w+;/u)
    }
  })

  test('have a whole sentence and a whole advice for each code of the table', () => {
    expect(Object.keys(strings.errors).sort()).toEqual([...errorCodes].sort())
    for (const code of errorCodes) {
      const { sentence, advice } = strings.errors[code]
      expect(sentence, code).toMatch(/^\S.+\.$/)
      expect(advice, code).toMatch(/^\S.+\.$/)
    }
  })

  test('write dots and quotes as one character', () => {
    for (const [path, text] of own) {
      if (path.startsWith('errors.') && tag === 'en') continue
      for (const one of spoken(text)) expect(one, path).not.toMatch(/\.\.\.|"|'/)
    }
  })
})

test('the English errors are the table’s, word for word', () => {
  for (const code of errorCodes) {
    expect(en.errors[code]).toEqual({ sentence: errorTable[code].sentence, advice: errorTable[code].advice })
  }
})

describe('the French', () => {
  /** What is the same word in both languages, or no word at all. */
  const same = new Set([
    'status.title',
    'tray.about',
    'firstRun.sitePlaceholder',
    'firstRun.brokerPlaceholder',
    'status.hours',
    'consent.script',
    'about.version',
  ])
  const own = texts(fr)

  test('leaves nothing in English', () => {
    const left = [...english]
      .filter(([path, text]) => spoken(text).some((one, index) => one === spoken(own.get(path))[index]))
      .map(([path]) => path)
    expect(left.filter((path) => !same.has(path))).toEqual([])
  })

  test('has no English word in its sentences', () => {
    const word = /\b(the|this|your|you|is|not|sign|sign-in|session of|again|address|and|with|for|tool|browser)\b/i
    // The second is what a page of ShotGrid itself is called.
    const allowed = /«\u00a0(sg-session sign-in|Legacy Login and Personal Access Token)\u00a0»/
    for (const [path, text] of own) {
      for (const one of spoken(text)) expect(one.replace(allowed, ''), path).not.toMatch(word)
    }
  })

  test('puts a space that does not break before a question mark, a colon, a semicolon and inside guillemets', () => {
    for (const [path, text] of own) {
      for (const one of spoken(text).map((said) => said.replace(/https?:\S*/g, ''))) {
        expect(one, path).not.toMatch(/[^\u202f][;?!]|[^\u00a0]:|«[^\u00a0]|[^\u00a0]»/)
      }
    }
  })
})

describe('which language', () => {
  test.for([
    ['auto', ['fr-CA', 'en-US'], 'fr'],
    ['auto', ['FR'], 'fr'],
    ['auto', ['fr_FR'], 'fr'],
    ['auto', ['en-GB', 'fr-FR'], 'en'],
    ['auto', ['de-DE', 'fr-FR', 'en-US'], 'fr'],
    ['auto', ['de', 'ja'], 'en'],
    ['auto', [], 'en'],
    ['auto', ['', '-', '__proto__', 'constructor', 'fr'], 'fr'],
    ['fr', ['en-US'], 'fr'],
    ['fr-CA', ['en-US'], 'fr'],
    ['FR', ['en-US'], 'fr'],
    ['en', ['fr-FR'], 'en'],
    ['de', ['fr-FR', 'en-US'], 'fr'],
    ['de', [], 'en'],
    ['frr', ['en'], 'en'],
    ['toString', [], 'en'],
  ] as const)('“%s” on a system in %j: %s', ([setting, system, tag]) => {
    const chosen = chooseLanguage(setting, system)
    expect(chosen).toEqual({ tag, strings: languages.get(tag)?.strings })
  })

  test('each calls itself by its own name', () => {
    expect([...languages].map(([tag, { name }]) => [tag, name])).toEqual([
      ['en', 'English'],
      ['fr', 'Français'],
    ])
  })
})
