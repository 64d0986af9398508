import { type ConfigKey, type KeyWords, sectionWords } from '../config/config-words.ts'
import { admxNamespace, choiceName, leastWhole, nameOf } from './admx.ts'
import { frenchSections, frenchWords } from './french.ts'
import { kindOf, type PolicyKey, policyKeys } from './policy-keys.ts'
import { element, xmlDocument } from './xml.ts'

export const admlLanguages = ['en-US', 'fr-FR'] as const
export type AdmlLanguage = (typeof admlLanguages)[number]

interface Language {
  readonly description: string
  readonly supported: string
  readonly recommended: string
  readonly sections: Readonly<Record<keyof typeof sectionWords, string>>
  readonly wordsOf: (key: PolicyKey) => Pick<KeyWords, 'title' | 'description'>
  readonly standard: (value: string) => string
  readonly json: (example: string) => string
  readonly wholeNumbers: string
  readonly name: (key: ConfigKey) => string
}

const languages: Readonly<Record<AdmlLanguage, Language>> = {
  'en-US': {
    description: 'Policies of sg-session.',
    supported: 'sg-session on Windows 10 and later',
    recommended: 'Defaults (artists can change them)',
    sections: sectionWords,
    wordsOf: (key) => key,
    standard: (value) => `When no policy and no setting says otherwise: ${value}`,
    json: (example) => `Written as JSON, on one line or several. Letters outside ASCII as \\u00e9. Example: ${example}`,
    wholeNumbers: 'Whole numbers only; a fraction can be set in the registry as REG_SZ, or in policy.json.',
    name: (key) => `Key: ${key}`,
  },
  'fr-FR': {
    description: 'Stratégies de sg-session.',
    supported: 'sg-session sous Windows 10 et versions ultérieures',
    recommended: 'Valeurs par défaut (les artistes peuvent les changer)',
    sections: frenchSections,
    wordsOf: ({ key }) => frenchWords[key],
    standard: (value) => `Si aucune stratégie ni aucun réglage ne dit autre chose : ${value}`,
    json: (example) =>
      `À écrire en JSON, sur une ou plusieurs lignes. Les lettres hors ASCII comme \\u00e9. Exemple : ${example}`,
    wholeNumbers:
      'Nombres entiers seulement ; une fraction peut être écrite dans le registre en REG_SZ, ou dans policy.json.',
    name: (key) => `Clé : ${key}`,
  },
}

/** The template's words in one language, for the folder of that name beside the ADMX file. */
export function adml(language: AdmlLanguage): string {
  const words = languages[language]
  const keys = policyKeys()
  const string = (id: string, text: string): string => element('string', { id }, text)
  const sections = [...new Set(keys.map(({ section }) => section as keyof typeof sectionWords))]
  return xmlDocument(
    element('policyDefinitionResources', { xmlns: admxNamespace, revision: '1.0', schemaVersion: '1.0' }, [
      element('displayName', {}, 'sg-session'),
      element('description', {}, words.description),
      element('resources', {}, [
        element('stringTable', {}, [
          string('sg_session', 'sg-session'),
          string('recommended', words.recommended),
          string('SUPPORTED_SgSession', words.supported),
          ...sections.flatMap((section) => [
            string(`section_${section}`, words.sections[section]),
            string(`section_${section}_recommended`, words.sections[section]),
          ]),
          ...keys.flatMap((key) => [
            string(idOf(key), words.wordsOf(key).title),
            string(`${idOf(key)}_explain`, explain(key, words)),
            ...(key.schema.enum ?? []).map((choice) => string(choiceName(key.key, choice), choice)),
          ]),
        ]),
        element(
          'presentationTable',
          {},
          keys.flatMap((key) => presentation(key, words)),
        ),
      ]),
    ]),
  )
}

function idOf({ key }: PolicyKey): string {
  return nameOf(key, { suffix: '', key: '' })
}

function explain(key: PolicyKey, words: Language): string {
  const kind = kindOf(key.schema)
  return [
    words.wordsOf(key).description,
    ...(kind === 'json' ? [words.json(JSON.stringify(key.example))] : []),
    ...(kind === 'number' ? [words.wholeNumbers] : []),
    ...(key.standard === undefined ? [] : [words.standard(textOf(key.standard))]),
    words.name(key.key),
  ].join('\n\n')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The form of a policy; one that is only on or off has none. */
function presentation(key: PolicyKey, words: Language): string[] {
  const kind = kindOf(key.schema)
  if (kind === 'boolean') return []
  return [element('presentation', { id: idOf(key) }, [control(key, kind, words.wordsOf(key).title)])]
}

function control({ schema, standard }: PolicyKey, kind: ReturnType<typeof kindOf>, label: string): string {
  const refId = 'value'
  switch (kind) {
    case 'integer':
    case 'number':
      return element(
        'decimalTextBox',
        { refId, defaultValue: typeof standard === 'number' ? standard : leastWhole(schema) },
        label,
      )
    case 'choice':
      return element(
        'dropdownList',
        { refId, noSort: true, defaultItem: Math.max(0, schema.enum?.indexOf(String(standard)) ?? 0) },
        label,
      )
    case 'json':
      return element('multiTextBox', { refId }, label)
    default: {
      const proposed = typeof standard === 'string' ? [element('defaultValue', {}, standard)] : []
      return element('textBox', { refId }, [element('label', {}, label), ...proposed])
    }
  }
}
