import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { SiteFault, SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite } from './http.ts'
import type { Filter } from './json-rpc.ts'
import { restErrorsSchema } from './rest.ts'

export interface Search {
  /** As paths name it: `human_users`. */
  readonly type: string
  /** All of them required. */
  readonly filters: readonly Filter[]
  readonly fields: readonly string[]
  readonly limit: number
  readonly signal: AbortSignal
}

const rowsSchema = z.object({
  data: z.array(z.object({ id: z.number().int(), attributes: z.record(z.string(), z.unknown()).default({}) })),
})
/** A list of triples; plain JSON is refused with 415. facts: shotgrid §2.4 */
const triples = 'application/vnd+shotgun.api3_array+json'
const authentication = 102

/**
 * Rows that a bearer may see (`POST /entity/<type>/_search`), each with `id` and its attributes; links are left out. Throws
 * SiteFault when the site refuses, of the kind `authentication` when that is about the bearer; else `site_unreachable`.
 */
export async function searchEntities(
  fetch: Fetch,
  site: string,
  bearer: Secret,
  { type, filters, fields, limit, signal }: Search,
): Promise<Record<string, unknown>[]> {
  try {
    const { status, body } = await askSite(fetch, {
      method: 'POST',
      url: `${site}/api/v1/entity/${type}/_search`,
      headers: { authorization: `Bearer ${bearer.reveal()}`, 'content-type': triples },
      body: JSON.stringify({ filters, fields, page: { size: limit, number: 1 } }),
      signal,
    })
    const refused = restErrorsSchema.safeParse(body).data?.errors[0]
    const reason = refused?.title ?? refused?.detail ?? 'the site gave no reason'
    // The body that goes with 401 was never measured, its status is what clients go by. facts: shotgrid §2.5
    if (status === 401) throw new SiteFault(reason, authentication)
    if (refused) throw new SiteFault(reason, refused.code ?? undefined)
    const rows = rowsSchema.safeParse(body)
    if (status !== 200 || !rows.success) throw new SiteTrouble(`answered ${status} in an unknown form`, status)
    return rows.data.data.map(({ id, attributes }) => ({ ...attributes, id }))
  } catch (error) {
    throw translateSiteTrouble(error, site, `searching ${type}`)
  }
}
