import { recommendedName } from '../config/registry-policy.ts'
import { type JsonSchema, kindOf, type PolicyKey, policyKeys } from './policy-keys.ts'
import { type Attributes, element, xmlDocument } from './xml.ts'

export const admxNamespace = 'http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions'

/** Where a policy of the template writes: the values that hold, and those that an artist's settings may replace. */
export interface Place {
  readonly suffix: '' | '_recommended'
  readonly key: string
}

const locked: Place = { suffix: '', key: 'SOFTWARE\\Policies\\sg-session' }
const recommended: Place = { suffix: '_recommended', key: `${locked.key}\\${recommendedName}` }

/** What only a policy may set would mean the same in both places. */
function placesOf({ artist }: PolicyKey): readonly Place[] {
  return artist === 'never' ? [locked] : [locked, recommended]
}

/** `session.maxAgeHours` as names in the template are written: letters, digits and underscores. */
export function nameOf(key: string, { suffix }: Place): string {
  return `${key.replaceAll('.', '_')}${suffix}`
}

/** Text longer than this is no value of ours; the default of 1,023 would cut a list of sites. */
const mostLetters = 16_384

/**
 * The administrative template for Group Policy and Intune: each key once among the values that hold and once among the defaults.
 * Numbers are whole ones there. What a policy writes is what `registry-policy.ts` reads. It needs no other template.
 * https://learn.microsoft.com/previous-versions/windows/desktop/Policy/admx-schema
 */
export function admx(): string {
  const keys = policyKeys()
  const sections = [...new Set(keys.map(({ section }) => section))]
  return xmlDocument(
    element('policyDefinitions', { xmlns: admxNamespace, revision: '1.0', schemaVersion: '1.0' }, [
      element('policyNamespaces', {}, [element('target', { prefix: 'sgsession', namespace: 'SgSession.Policies' })]),
      element('resources', { minRequiredRevision: '1.0' }),
      element('supportedOn', {}, [
        element('definitions', {}, [
          element('definition', { name: 'SUPPORTED_SgSession', displayName: '$(string.SUPPORTED_SgSession)' }),
        ]),
      ]),
      element('categories', {}, [
        category('sg_session'),
        ...sections.map((section) => category(`section_${section}`, 'sg_session')),
        category('recommended', 'sg_session'),
        ...sections.map((section) => category(`section_${section}_recommended`, 'recommended')),
      ]),
      element(
        'policies',
        {},
        keys.flatMap((key) => placesOf(key).map((place) => policy(key, place))),
      ),
    ]),
  )
}

function category(name: string, parent?: string): string {
  const children = parent === undefined ? [] : [element('parentCategory', { ref: parent })]
  return element('category', { name, displayName: `$(string.${name})` }, children)
}

function policy(key: PolicyKey, place: Place): string {
  const name = nameOf(key.key, place)
  const kind = kindOf(key.schema)
  const attributes: Attributes = {
    name,
    class: 'Machine',
    displayName: `$(string.${nameOf(key.key, locked)})`,
    explainText: `$(string.${nameOf(key.key, locked)}_explain)`,
    key: place.key,
    ...(kind === 'boolean' ? { valueName: key.key } : { presentation: `$(presentation.${nameOf(key.key, locked)})` }),
  }
  return element('policy', attributes, [
    element('parentCategory', { ref: `section_${key.section}${place.suffix}` }),
    element('supportedOn', { ref: 'SUPPORTED_SgSession' }),
    ...(kind === 'boolean'
      ? [
          element('enabledValue', {}, [element('decimal', { value: 1 })]),
          element('disabledValue', {}, [element('decimal', { value: 0 })]),
        ]
      : [element('elements', {}, [inputOf(key)])]),
  ])
}

/** What the form asks for; its `id` is what the presentation refers to. */
function inputOf({ key, schema }: PolicyKey): string {
  const attributes: Attributes = { id: 'value', valueName: key, required: true }
  switch (kindOf(schema)) {
    case 'integer':
    case 'number':
      return element('decimal', {
        ...attributes,
        minValue: leastWhole(schema),
        maxValue: schema.maximum ?? 4_294_967_295,
      })
    case 'choice':
      return element(
        'enum',
        attributes,
        (schema.enum ?? []).map((choice) =>
          element('item', { displayName: `$(string.${choiceName(key, choice)})` }, [
            element('value', {}, [element('string', {}, choice)]),
          ]),
        ),
      )
    case 'json':
      return element('multiText', { ...attributes, maxLength: mostLetters })
    default:
      return element('text', { ...attributes, maxLength: Math.min(schema.maxLength ?? mostLetters, mostLetters) })
  }
}

export function choiceName(key: string, choice: string): string {
  return `${nameOf(key, locked)}_${choice.replaceAll('-', '_')}`
}

/** The least whole number that the schema takes. */
export function leastWhole({ minimum, exclusiveMinimum }: JsonSchema): number {
  if (minimum !== undefined) return Math.ceil(minimum)
  return exclusiveMinimum === undefined ? 0 : Math.floor(exclusiveMinimum) + 1
}
