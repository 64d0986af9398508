import { policyOnlyKeys } from '../config/config-words.ts'
import { documentJsonSchema, type JsonSchema } from './policy-keys.ts'

const dialect = 'http://json-schema.org/draft-07/schema#'

/** A file may name its schema, so that editors complete and check it; sg-session ignores the name. */
const schemaName = { type: 'string', title: 'Schema', description: 'Where editors find the schema; not read.' } as const

/** JSON Schema (draft 7) of the machine's policy: for editors, and for Jamf's custom schema of `org.sg-session.app`. */
export function policyJsonSchema(): object {
  const document = documentJsonSchema()
  return {
    $schema: dialect,
    title: 'sg-session policy',
    description: 'Values of sg-session for every user of a machine.',
    type: 'object',
    properties: {
      $schema: schemaName,
      locked: { ...document, title: 'Locked', description: 'Values that hold whatever an artist’s settings say.' },
      defaults: {
        ...document,
        title: 'Defaults',
        description: 'Values that hold where an artist’s settings say nothing else.',
      },
    },
    additionalProperties: false,
  }
}

/** JSON Schema (draft 7) of a user's settings: the same without what only a policy may say. */
export function settingsJsonSchema(): object {
  const { properties = {}, ...document } = documentJsonSchema()
  return {
    $schema: dialect,
    ...document,
    title: 'sg-session settings',
    description: 'What one user has chosen; what the machine’s policy has locked holds all the same.',
    properties: { $schema: schemaName, ...withoutPolicyOnly(properties) },
  }
}

function withoutPolicyOnly(sections: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  const open = Object.entries(sections).flatMap(([section, schema]) => {
    if (!schema.properties) return policyOnlyKeys.has(section) ? [] : [[section, schema]]
    const kept = Object.entries(schema.properties).filter(([name]) => !policyOnlyKeys.has(`${section}.${name}`))
    return kept.length === 0 ? [] : [[section, { ...schema, properties: Object.fromEntries(kept) }]]
  })
  return Object.fromEntries(open)
}
