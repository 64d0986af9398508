import { expect, test } from 'vitest'
import { askSiteOnce } from '../../../src/shotgrid/http.ts'

test.each(['canary', '{"sessionToken":"canary"}x', '<p>canary</p>'])(
  'an answer that is not JSON (%s) is quoted nowhere: not in the error, nor in a cause that goes into logs',
  async (body) => {
    const request = { method: 'GET', url: 'https://studio.example/', headers: {} } as const
    const asked = askSiteOnce(async () => new Response(body), { ...request, signal: AbortSignal.timeout(1_000) })
    const error = await asked.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'SiteTrouble', status: 200 })
    for (let one: unknown = error; one instanceof Error; one = one.cause) expect(`${one.stack}`).not.toContain('canary')
  },
)
