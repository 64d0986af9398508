import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { describeApi } from '../../src/broker/operation/openapi.ts'
import { makeBrokerServer } from '../../src/broker/server.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { metadataPath } from '../../src/token-exchange.ts'
import { ExchangeStage } from './exchange-stage.ts'
import { nodeFetch, rules, silentLog } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())

type Document = ReturnType<typeof describeApi>
type Answers = Record<string, { $ref?: string; content?: Record<string, { schema: object }> }>

/** ShotGrid's own, served by the gateway; the tree of routes prints the last under its two prefixes. */
const ofShotGrid = /^\/(api3|api\/v1|upload|file_serve|auth\/access_token)/

async function document(): Promise<Document> {
  return (await fetch(`${stage.world.broker.url}/openapi.json`)).json() as Promise<Document>
}

describe('/openapi.json', () => {
  test('describes every route the broker serves, and no other', async () => {
    const { config, database } = stage.world.broker
    const ports = { fetch: nodeFetch, clock: systemClock, log: silentLog }
    const app = await makeBrokerServer(config, database, ports, rules)
    await app.ready()
    const printed = app.printRoutes({ commonPrefix: false })
    await app.close()
    const served = [...printed.matchAll(/─ (\/\S*) \(([^)]+)\)/g)]
      .flatMap(([, path = '', methods = '']) => methods.split(', ').map((method) => `${method} ${path}`))
      .filter((route) => !ofShotGrid.test(route.split(' ')[1] ?? '') && !route.startsWith('OPTIONS'))
    const described = Object.entries((await document()).paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.length).toBeGreaterThan(6)
    expect(described.sort()).toEqual(served.sort())
  })

  test('tells the truth about answers, good and refused', async () => {
    const { url } = stage.world.broker
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = (body: string, headers = form) => fetch(`${url}/token`, { method: 'POST', body, headers })
    const calls: [string, 'get' | 'post', Response][] = [
      [metadataPath, 'get', await fetch(url + metadataPath)],
      ['/challenge', 'post', await fetch(`${url}/challenge`, { method: 'POST' })],
      ['/token', 'post', await post('grant_type=x')],
      ['/token', 'post', await post(`x=${'x'.repeat(70_000)}`)],
      ['/token', 'post', await post('{}', { 'content-type': 'application/json' })],
      ['/health/live', 'get', await fetch(`${url}/health/live`)],
      ['/health/ready', 'get', await fetch(`${url}/health/ready`)],
      ['/metrics', 'get', await fetch(`${url}/metrics`)],
    ]
    expect(calls.map(([, , { status }]) => status)).toEqual([200, 200, 400, 413, 415, 200, 200, 404])
    const described = await document()
    for (const [path, method, response] of calls) {
      const { responses } = operation(described, path, method)
      const answer = responses[response.status]
      expect(answer, `${method} ${path} ${response.status}`).toBeDefined()
      const schema = answer?.content?.['application/json']?.schema
      z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).parse(await response.json())
    }
    const answer = await stage.exchange(await stage.prepare())
    const schema = operation(described, '/token', 'post').responses['200']?.content?.['application/json']?.schema
    const exchanged = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema)
    exchanged.parse(answer)
    expect(exchanged.safeParse({ ...answer, user_id: 'seven' }).success).toBe(false)
  })

  test('asks for the form as strictly as the broker does', async () => {
    const { post } = (await document()).paths['/token']
    const { schema } = post.requestBody.content['application/x-www-form-urlencoded']
    expect(schema).toMatchObject({
      additionalProperties: false,
      required: [
        'grant_type',
        'audience',
        'subject_token',
        'subject_token_type',
        'requested_token_type',
        'access_token',
      ],
    })
  })

  test('refers to nothing that is not there, and is OpenAPI 3.1', async () => {
    const described = await document()
    expect(described.openapi).toBe('3.1.0')
    expect(described.servers).toEqual([{ url: stage.world.broker.url }])
    const references = [...JSON.stringify(described).matchAll(/"\$ref":"#\/components\/responses\/(\w+)"/g)]
    expect(references.length).toBeGreaterThan(1)
    for (const [, name = ''] of references) expect(Object.keys(described.components.responses)).toContain(name)
  })
})

function operation({ paths }: Document, path: string, method: 'get' | 'post'): { responses: Answers } {
  const operations = (paths as Record<string, Partial<Record<'get' | 'post', { responses: Answers }>>>)[path]
  const found = operations?.[method]
  if (!found) throw new Error(`no ${method} ${path}`)
  return found
}
