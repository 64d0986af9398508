import { DOMParser } from '@xmldom/xmldom'
import { describe, expect, test } from 'vitest'
import { mergeConfig } from '../../../src/config/config.ts'
import { configWords } from '../../../src/config/config-words.ts'
import { judgeRegistryPolicy } from '../../../src/config/registry-policy.ts'
import { adml, admlLanguages } from '../../../src/policy/adml.ts'
import { admx, admxNamespace } from '../../../src/policy/admx.ts'
import { kindOf, type PolicyKey, policyKeys } from '../../../src/policy/policy-keys.ts'

const rules = { insecureLoopback: false }
const keys = policyKeys()
const template = parse(admx())
const policies = all(template, 'policy')

/** What of the DOM is used here; its types are a browser's. */
interface Element {
  readonly nodeType: number
  readonly tagName: string
  readonly textContent: string | null
  readonly attributes: ArrayLike<{ readonly name: string }>
  readonly childNodes: ArrayLike<Element>
  getAttribute(name: string): string | null
  hasAttribute(name: string): boolean
  getElementsByTagName(name: string): ArrayLike<Element>
}

/** Throws where it is not well-formed. */
function parse(text: string): Element {
  const errorHandler = (level: string, message: string): never => {
    throw new Error(`${level}: ${message}`)
  }
  const { documentElement } = new DOMParser({ errorHandler }).parseFromString(text, 'text/xml')
  const root = documentElement as unknown as Element | null
  if (!root) throw new Error('has no root')
  return root
}

function all(within: Element, name: string): Element[] {
  return Array.from(within.getElementsByTagName(name))
}

function children(of: Element): Element[] {
  return Array.from(of.childNodes).filter(({ nodeType }) => nodeType === 1)
}

const names = (of: Element): string[] => children(of).map(({ tagName }) => tagName)
const attribute = (of: Element | undefined, name: string): string => of?.getAttribute(name) ?? ''
const attributes = (of: Element): string[] => Array.from(of.attributes).map(({ name }) => name)

/** What the schema of ADMX files says of an element: its attributes, those it must have, and its children in their order. */
const grammar: Readonly<Record<string, { may: string[]; must: string[]; holds: string[] }>> = {
  policyDefinitions: {
    may: ['xmlns', 'revision', 'schemaVersion'],
    must: ['revision', 'schemaVersion'],
    holds: ['policyNamespaces', 'resources', 'supportedOn', 'categories', 'policies'],
  },
  policyNamespaces: { may: [], must: [], holds: ['target', 'using'] },
  target: { may: ['prefix', 'namespace'], must: ['prefix', 'namespace'], holds: [] },
  resources: {
    may: ['minRequiredRevision'],
    must: ['minRequiredRevision'],
    holds: ['stringTable', 'presentationTable'],
  },
  supportedOn: { may: ['ref'], must: [], holds: ['products', 'definitions'] },
  definitions: { may: [], must: [], holds: ['definition'] },
  definition: { may: ['name', 'displayName'], must: ['name', 'displayName'], holds: ['or', 'and'] },
  categories: { may: [], must: [], holds: ['category'] },
  category: { may: ['name', 'displayName', 'explainText'], must: ['name', 'displayName'], holds: ['parentCategory'] },
  parentCategory: { may: ['ref'], must: ['ref'], holds: [] },
  policies: { may: [], must: [], holds: ['policy'] },
  policy: {
    may: ['name', 'class', 'displayName', 'explainText', 'presentation', 'key', 'valueName'],
    must: ['name', 'class', 'displayName', 'key'],
    holds: [
      'parentCategory',
      'supportedOn',
      'enabledValue',
      'disabledValue',
      'enabledList',
      'disabledList',
      'elements',
    ],
  },
  enabledValue: { may: [], must: [], holds: ['decimal', 'string', 'delete'] },
  disabledValue: { may: [], must: [], holds: ['decimal', 'string', 'delete'] },
  elements: { may: [], must: [], holds: ['boolean', 'decimal', 'text', 'enum', 'list', 'longDecimal', 'multiText'] },
  decimal: {
    may: ['value', 'id', 'valueName', 'required', 'minValue', 'maxValue', 'storeAsText'],
    must: [],
    holds: [],
  },
  text: { may: ['id', 'valueName', 'required', 'maxLength', 'expandable'], must: ['id', 'valueName'], holds: [] },
  multiText: { may: ['id', 'valueName', 'required', 'maxLength', 'maxStrings'], must: ['id', 'valueName'], holds: [] },
  enum: { may: ['id', 'valueName', 'required'], must: ['id', 'valueName'], holds: ['item'] },
  item: { may: ['displayName'], must: ['displayName'], holds: ['value', 'valueList'] },
  value: { may: [], must: [], holds: ['decimal', 'string', 'delete'] },
  string: { may: [], must: [], holds: [] },
  // ADML
  policyDefinitionResources: {
    may: ['xmlns', 'revision', 'schemaVersion'],
    must: ['revision', 'schemaVersion'],
    holds: ['displayName', 'description', 'resources'],
  },
}

const inAdml: typeof grammar = {
  ...grammar,
  resources: { may: [], must: [], holds: ['stringTable', 'presentationTable'] },
  stringTable: { may: [], must: [], holds: ['string'] },
  string: { may: ['id'], must: ['id'], holds: [] },
  presentationTable: { may: [], must: [], holds: ['presentation'] },
  presentation: {
    may: ['id'],
    must: ['id'],
    holds: ['text', 'decimalTextBox', 'textBox', 'checkBox', 'comboBox', 'dropdownList', 'listBox', 'multiTextBox'],
  },
  decimalTextBox: { may: ['refId', 'defaultValue', 'spin', 'spinStep'], must: ['refId'], holds: [] },
  dropdownList: { may: ['refId', 'noSort', 'defaultItem'], must: ['refId'], holds: [] },
  multiTextBox: { may: ['refId'], must: ['refId'], holds: [] },
  textBox: { may: ['refId'], must: ['refId'], holds: ['label', 'defaultValue'] },
  label: { may: [], must: [], holds: [] },
  defaultValue: { may: [], must: [], holds: [] },
  displayName: { may: [], must: [], holds: [] },
  description: { may: [], must: [], holds: [] },
}

function against(element: Element, rulesOf: typeof grammar): string[] {
  const rule = rulesOf[element.tagName]
  if (!rule) return [`${element.tagName} is no element`]
  const order = names(element).map((name) => rule.holds.indexOf(name))
  return [
    ...attributes(element).flatMap((name) => (rule.may.includes(name) ? [] : [`${element.tagName} has ${name}`])),
    ...rule.must.flatMap((name) => (element.hasAttribute(name) ? [] : [`${element.tagName} lacks ${name}`])),
    ...(order.some((place) => place < 0) ? [`${element.tagName} holds ${names(element)}`] : []),
    ...(order.some((place, at) => at > 0 && place < (order[at - 1] ?? 0)) ? [`${element.tagName}: order`] : []),
    ...children(element).flatMap((child) => against(child, rulesOf)),
  ]
}

describe('the administrative template', () => {
  test('is XML, and what is none would be seen', () => {
    expect(() => parse(admx().replace('</policies>', ''))).toThrow()
  })

  test('keeps to the grammar of ADMX', () => {
    expect(against(template, grammar)).toEqual([])
    expect(attribute(template, 'xmlns')).toBe(admxNamespace)
    for (const tag of ['decimal', 'text', 'multiText']) {
      for (const element of all(template, tag)) {
        for (const name of ['value', 'minValue', 'maxValue', 'maxLength'])
          if (element.hasAttribute(name)) expect(attribute(element, name)).toMatch(/^\d{1,10}$/)
      }
    }
  })

  test('names nothing twice and refers to nothing that is not there', () => {
    const named = [...all(template, 'category'), ...policies, ...all(template, 'definition')].map((one) =>
      attribute(one, 'name'),
    )
    expect(new Set(named).size).toBe(named.length)
    for (const name of named) expect(name).toMatch(/^[A-Za-z0-9_]+$/)
    const referred = [...all(template, 'parentCategory'), ...all(template, 'supportedOn')]
    for (const one of referred) if (one.hasAttribute('ref')) expect(named).toContain(attribute(one, 'ref'))
    expect(policies.every((policy) => attribute(policy, 'class') === 'Machine')).toBe(true)
  })

  test('has every key once among the values that hold and once among the defaults, unless only a policy may set it', () => {
    const written = policies.map((policy) => `${attribute(policy, 'key')}\\${valueName(policy)}`)
    const root = 'SOFTWARE\\Policies\\sg-session'
    const expected = keys.flatMap(({ key, artist }) => [
      `${root}\\${key}`,
      ...(artist === 'never' ? [] : [`${root}\\Recommended\\${key}`]),
    ])
    expect(written.toSorted()).toEqual(expected.toSorted())
  })

  test.each(keys)('$key: the same type and range as the schema', (key) => {
    const policy = policies.find((one) => valueName(one) === key.key)
    const input = policy && all(policy, 'elements')[0] && children(all(policy, 'elements')[0] as Element)[0]
    const { schema } = key
    switch (kindOf(schema)) {
      case 'boolean':
        expect(
          ['enabledValue', 'disabledValue'].map((name) =>
            attribute(policy && all(policy, name)[0] && children(all(policy, name)[0] as Element)[0], 'value'),
          ),
        ).toEqual(['1', '0'])
        break
      case 'integer':
      case 'number': {
        expect(input?.tagName).toBe('decimal')
        const [least, most] = [Number(attribute(input, 'minValue')), Number(attribute(input, 'maxValue'))]
        expect(most).toBe(schema.maximum)
        // The least whole number that is taken, and the one below it is not.
        const isTaken = (value: number) => value >= (schema.minimum ?? 0) && value > (schema.exclusiveMinimum ?? -1)
        expect([isTaken(least), isTaken(least - 1)]).toEqual([true, false])
        break
      }
      case 'choice':
        expect(input?.tagName).toBe('enum')
        expect(input && all(input, 'string').map((one) => one.textContent)).toEqual(schema.enum)
        break
      case 'json':
        expect(input?.tagName).toBe('multiText')
        break
      default:
        expect(input?.tagName).toBe('text')
        expect(attribute(input, 'maxLength')).toBe(String(schema.maxLength ?? 16_384))
    }
  })

  test.each(keys)('$key: what the form writes is what sg-session reads', (key) => {
    for (const [suffix, source] of [
      ['', 'locked'],
      ['_recommended', 'default'],
    ] as const) {
      const policy = policies.find((one) => attribute(one, 'name') === `${key.key.replaceAll('.', '_')}${suffix}`)
      if (!policy) continue
      const documents = judgeRegistryPolicy(asRegistryShows(policy, key))
      expect(documents.map((one) => one.source)).toEqual([source])
      // The example's broker wants one, and updates want a feed and its key.
      const { feedUrl, publicKey } = {
        feedUrl: configWords['update.feedUrl'].example,
        publicKey: configWords['update.publicKey'].example,
      }
      const needed = {
        source: 'default',
        file: 'd',
        content: { identity: { clientId: 'app' }, update: { feedUrl, publicKey } },
      } as const
      const { config, sources } = mergeConfig([needed, ...documents], rules)
      expect(sources.get(key.key)).toEqual({ source, file: documents[0]?.file })
      const value = key.key
        .split('.')
        .reduce<unknown>((within, name) => (within as Record<string, unknown>)[name], config)
      if (key.key === 'sites') expect(value).toMatchObject([{ url: 'https://studio.shotgrid.autodesk.com' }])
      else expect(value).toEqual(key.example)
    }
  })
})

/** What the editor of policies writes for the example, as `reg query` prints it. */
function asRegistryShows(policy: Element, { key, example, schema }: PolicyKey): string {
  const shown = (type: string, data: string): string =>
    `\r\nHKEY_LOCAL_MACHINE\\${attribute(policy, 'key')}\r\n    ${key}    ${type}    ${data}\r\n\r\n`
  switch (kindOf(schema)) {
    case 'boolean':
      return shown('REG_DWORD', example === true ? '0x1' : '0x0')
    case 'integer':
    case 'number':
      return shown('REG_DWORD', `0x${Number(example).toString(16)}`)
    case 'json':
      return shown('REG_MULTI_SZ', JSON.stringify(example, undefined, 2).split('\n').join('\\0'))
    default:
      return shown('REG_SZ', String(example))
  }
}

function valueName(policy: Element): string {
  if (policy.hasAttribute('valueName')) return attribute(policy, 'valueName')
  const [elements] = all(policy, 'elements')
  return attribute(elements && children(elements)[0], 'valueName')
}

describe.each(admlLanguages)('its words in %s', (language) => {
  const words = parse(adml(language))
  const strings = new Map(all(words, 'string').map((one) => [attribute(one, 'id'), one.textContent]))
  const presentations = new Map(all(words, 'presentation').map((one) => [attribute(one, 'id'), one]))

  test('keep to the grammar of ADML', () => {
    expect(against(words, inAdml)).toEqual([])
    expect(strings.size).toBe(all(words, 'string').length)
  })

  test('are all there, and none is left over', () => {
    const asked = [...admx().matchAll(/\$\(string\.(\w+)\)/g)].map(([, id = '']) => id)
    for (const id of asked) expect(strings.get(id), id).toBeTruthy()
    expect([...strings.keys()].filter((id) => !asked.includes(id))).toEqual([])
    const forms = [...admx().matchAll(/\$\(presentation\.(\w+)\)/g)].map(([, id = '']) => id)
    expect([...presentations.keys()].toSorted()).toEqual([...new Set(forms)].toSorted())
  })

  test('have a form for each policy that asks for a value: of the right kind, about its value, with what is built in', () => {
    const boxOf = {
      decimal: 'decimalTextBox',
      enum: 'dropdownList',
      multiText: 'multiTextBox',
      text: 'textBox',
    } as const
    for (const policy of policies.filter((one) => all(one, 'elements').length > 0)) {
      const [input] = children(all(policy, 'elements')[0] as Element)
      const form = presentations.get(attribute(policy, 'presentation').slice('$(presentation.'.length, -1))
      const [box] = form ? children(form) : []
      expect(box?.tagName).toBe(boxOf[input?.tagName as keyof typeof boxOf])
      expect(attribute(box, 'refId')).toBe(attribute(input, 'id'))
      const { standard, schema } = keys.find(({ key }) => key === valueName(policy)) ?? {}
      if (typeof standard === 'number') expect(attribute(box, 'defaultValue')).toBe(String(standard))
      if (schema?.enum) expect(schema.enum[Number(attribute(box, 'defaultItem'))]).toBe(standard)
    }
  })

  test('explain every key: its name, its example where it is JSON, and no leading spaces', () => {
    for (const { key, schema, example } of keys) {
      const text = strings.get(`${key.replaceAll('.', '_')}_explain`) ?? ''
      expect(text).toMatch(new RegExp(`: ${key.replaceAll('.', '\\.')}$`))
      if (kindOf(schema) === 'json') expect(text).toContain(JSON.stringify(example))
      expect(text).not.toMatch(/^ /m)
    }
  })
})

test('every title and description is said in French too', () => {
  const texts = (language: 'en-US' | 'fr-FR') =>
    new Map(all(parse(adml(language)), 'string').map((one) => [attribute(one, 'id'), one.textContent ?? '']))
  const [english, french] = [texts('en-US'), texts('fr-FR')]
  const same = keys
    .map(({ key }) => `${key.replaceAll('.', '_')}_explain`)
    .filter((id) => english.get(id) === french.get(id))
  expect(same).toEqual([])
})
