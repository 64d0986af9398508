import { z } from 'zod'
import type { Filter } from './filters.ts'
import { parseFilterGroup, parseFilterList } from './filters.ts'
import type { Sort } from './read.ts'
import { invalidParameters, type RestError } from './rest-errors.ts'

export const arrayMediaType = 'application/vnd+shotgun.api3_array+json'
export const hashMediaType = 'application/vnd+shotgun.api3_hash+json'

const defaultPageSize = 500
const largestPageSize = 5000

/** What a listing or a search asks for. */
export interface RestQuery {
  readonly filter: Filter
  /** Undefined: everything the type has. */
  readonly fields: readonly string[] | undefined
  readonly sorts: readonly Sort[]
  readonly page: { readonly size: number; readonly number: number }
  readonly only: 'active' | 'retired'
}

/** A request whose parameters are wrong; the error names them. */
export class InvalidQuery extends Error {
  readonly error: RestError

  constructor(source: unknown) {
    super('Request Parameters invalid.')
    this.error = invalidParameters(source)
  }
}

const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
])
const searchBody = z.looseObject({
  filters: z.unknown().optional(),
  fields: z.union([z.string(), z.array(z.string())]).optional(),
  sort: z.unknown().optional(),
  page: z.looseObject({ size: integer.optional(), number: integer.optional() }).default({}),
  options: z.looseObject({ return_only: z.string().optional() }).default({}),
})

/** The body of `_search`; the media type says which of the two filter dialects it is in. facts: SGT post_entity_type_search */
export function parseSearch(body: unknown, mediaType: string): RestQuery {
  const parsed = searchBody.safeParse(body)
  if (!parsed.success) throw new InvalidQuery({ body: [z.prettifyError(parsed.error)] })
  const { filters, fields, sort, page, options } = parsed.data
  return {
    filter:
      mediaType === hashMediaType ? parseFilterGroup(filters ?? emptyGroup, 'rest') : parseFilterList(filters ?? []),
    fields: parseFields(fields),
    sorts: parseSort(sort),
    page: parsePage(page.size, page.number),
    only: options.return_only === 'retired' ? 'retired' : 'active',
  }
}

/** The query string of a listing: `filter[project.Project.id]=70&fields=code&sort=-id&page[size]=2`. facts: SGT get_entity_type */
export function parseListing(params: URLSearchParams): RestQuery {
  const of = [...params].flatMap(([name, value]): Filter[] => {
    const [, path] = /^filter\[(.+)\]$/.exec(name) ?? []
    if (path === undefined) return []
    const values = value.split(',')
    return [{ condition: { path, relation: values.length > 1 ? 'in' : 'is', values } }]
  })
  const page = (name: string) => {
    const text = params.get(`page[${name}]`)
    return text === null ? undefined : Number(text)
  }
  return {
    filter: { all: true, of },
    fields: parseFields(params.get('fields') ?? undefined),
    sorts: parseSort(params.get('sort') ?? undefined),
    page: parsePage(page('size'), page('number')),
    only: onlyIn(params),
  }
}

/** `options[return_only]=retired` is the one spelling; others are ignored. facts: SGT delete_entity_type_id */
export function onlyIn(params: URLSearchParams): 'active' | 'retired' {
  return params.get('options[return_only]') === 'retired' ? 'retired' : 'active'
}

export function parseFields(fields: string | readonly string[] | undefined): string[] | undefined {
  const names = typeof fields === 'string' ? fields.split(',') : fields
  const wanted = names?.map((name) => name.trim()).filter(Boolean)
  return wanted && wanted.length > 0 ? wanted : undefined
}

const emptyGroup = { logical_operator: 'and', conditions: [] }

/** Names with `-` for descending; the syntax is judged, the names are not. facts: SGT 026 */
function parseSort(sort: unknown): Sort[] {
  if (sort === undefined) return []
  if (Array.isArray(sort)) throw new InvalidQuery({ sort: ['sort array is not valid'] })
  if (sort === '' || typeof sort !== 'string') throw new InvalidQuery({ sort: ['sort must be filled'] })
  return sort.split(',').map((key) => {
    const [, minus, path] = /^(-?)([\w.]+)$/.exec(key) ?? []
    if (path === undefined) throw new InvalidQuery({ sort: ['sort list is not valid'] })
    return { path, descending: minus === '-' }
  })
}

/** One to 5000 rows, 500 when not said. facts: SGT 082 (5000 itself is accepted, whatever the sentence says) */
function parsePage(size = defaultPageSize, number = 1): RestQuery['page'] {
  if (!(size > 0)) throw new InvalidQuery({ page: { size: ['size must be greater than 0'] } })
  if (size > largestPageSize) throw new InvalidQuery({ page: { size: [`size must be less than ${largestPageSize}`] } })
  if (!(number > 0)) throw new InvalidQuery({ page: { number: ['number must be greater than 0'] } })
  return { size, number }
}
