import { z } from 'zod'
import { builtInConfig } from '../config/config.ts'
import { documentSchema } from '../config/config-schema.ts'
import { type ArtistMay, type ConfigKey, type ConfigKeyWords, configWords } from '../config/config-words.ts'

/** What of JSON Schema (draft 7) our schema uses. https://json-schema.org/draft-07 */
export interface JsonSchema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly const?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
}

/** One key that a policy can set, as all generated files see it. */
export interface PolicyKey {
  /** `session.maxAgeHours` */
  readonly key: ConfigKey
  /** `session` */
  readonly section: string
  readonly title: string
  readonly description: string
  readonly example: unknown
  /** What is built in; undefined where nothing is. */
  readonly standard: unknown
  readonly artist: ArtistMay
  readonly schema: JsonSchema
}

/** JSON Schema of a partial document of configuration: what `locked`, `defaults` and a settings file hold. */
export function documentJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(documentSchema({ insecureLoopback: false }), {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Left out where a value is transformed; what people write is the same.
      const examples = z.globalRegistry.get(zodSchema)?.['examples']
      if (examples !== undefined) Object.assign(jsonSchema, { examples })
      // The pattern beside it says what is meant; validators disagree with URL about the rest.
      if (jsonSchema.format === 'uri') delete jsonSchema.format
    },
  }) as { $schema?: string } & JsonSchema
  const { $schema: _, ...document } = schema
  return withStandards(document)
}

/** Every key in the order of the schema. */
export function policyKeys(): PolicyKey[] {
  const { properties = {} } = documentJsonSchema()
  return Object.entries(properties).flatMap(([section, schema]) =>
    schema.properties
      ? Object.entries(schema.properties).map(([name, leaf]) => keyOf(`${section}.${name}`, leaf))
      : [keyOf(section, schema)],
  )
}

function keyOf(key: string, schema: JsonSchema): PolicyKey {
  if (!isConfigKey(key)) throw new Error(`"${key}" has no words in config-words.ts`)
  const { title, description, example, artist }: ConfigKeyWords = configWords[key]
  const [section = ''] = key.split('.')
  return { key, section, title, description, example, artist, standard: standardOf(key), schema }
}

function isConfigKey(key: string): key is ConfigKey {
  return Object.hasOwn(configWords, key)
}

function standardOf(key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((within, name) => (within as Record<string, unknown> | undefined)?.[name], builtInConfig)
}

/** With what is built in as `default`. */
function withStandards(document: JsonSchema): JsonSchema {
  const withStandard = (key: string, schema: JsonSchema): JsonSchema => {
    if (schema.properties) {
      const inner = Object.entries(schema.properties).map(([name, leaf]) => [
        name,
        withStandard(`${key}.${name}`, leaf),
      ])
      return { ...schema, properties: Object.fromEntries(inner) }
    }
    const standard = standardOf(key)
    return standard === undefined ? schema : { ...schema, default: standard }
  }
  const properties = Object.entries(document.properties ?? {}).map(([name, part]) => [name, withStandard(name, part)])
  return { ...document, properties: Object.fromEntries(properties) }
}

/** How a value is written in the registry, in a form and in the reference. */
export type ValueKind = 'boolean' | 'integer' | 'number' | 'choice' | 'text' | 'json'

export function kindOf({ type, enum: choices }: JsonSchema): ValueKind {
  if (type === 'array' || type === 'object') return 'json'
  if (type === 'boolean' || type === 'integer' || type === 'number') return type
  return choices ? 'choice' : 'text'
}
