import { z } from 'zod'
import { fieldDoesNotExist } from './data-refusals.ts'
import { parseParams, typeIn } from './rpc-params.ts'
import { describeField, type EntityType, entityTypeNamed, entityTypeNames, fieldOf } from './schema.ts'

/** `schema_entity_read`. facts: PY docstring */
export function rpcSchemaEntityRead(): unknown {
  return Object.fromEntries(
    entityTypeNames.map((name) => [
      name,
      {
        name: { value: entityTypeNamed(name)?.displayName ?? name, editable: false },
        visible: { value: true, editable: false },
      },
    ]),
  )
}

/** `schema_read`: every field of every type. */
export function rpcSchemaRead(): unknown {
  return Object.fromEntries(
    entityTypeNames.flatMap((name) => {
      const type = entityTypeNamed(name)
      return type ? [[name, describeType(type)]] : []
    }),
  )
}

const schemaFieldParams = z.looseObject({ type: z.string(), field_name: z.string().optional() })

/** `schema_field_read`: one type, or one field of it. */
export function rpcSchemaFieldRead(rawParams: unknown): unknown {
  const params = parseParams('schema_field_read', schemaFieldParams, rawParams)
  const type = typeIn('schema_field_read', params.type, rawParams)
  if (params.field_name === undefined) return describeType(type)
  const field = fieldOf(type, params.field_name)
  if (!field) throw fieldDoesNotExist('schema_field_read', type.name, params.field_name)
  return { [params.field_name]: describeField(type, field) }
}

function describeType(type: EntityType): Record<string, unknown> {
  return Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, describeField(type, field)]))
}
