import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configJsonSchema } from '../../../src/broker/commands/schema.ts'
import { Metrics } from '../../../src/broker/operation/metrics.ts'

const page = readFileSync('docs/broker.md', 'utf8')
const operation = readFileSync('docs/broker-operation.md', 'utf8')

interface Node {
  readonly type?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

/** Keys as the table writes them, with their defaults. Limits have a row each, not one for each of their two numbers. */
function keysOf(node: Node, path: string): [string, unknown][] {
  const { properties } = node
  if (properties && !/^limits\.\w+$/.test(path)) {
    return Object.entries(properties).flatMap(([key, child]) => keysOf(child, path ? `${path}.${key}` : key))
  }
  if (node.items?.properties) return keysOf(node.items, `${path}[]`)
  const forms = node.anyOf?.filter((form) => form.properties) ?? []
  if (forms.length > 0) return forms.flatMap((form) => keysOf(form, path))
  return [[path, node.default]]
}

test('docs/broker.schema.json is what `sg-broker schema` prints', () => {
  expect(JSON.parse(readFileSync('docs/broker.schema.json', 'utf8'))).toEqual(JSON.parse(configJsonSchema()))
})

test('the table of docs/broker.md has every key of the configuration, its default, and no other', () => {
  const found = page.matchAll(/^\| `([a-zA-Z.[\]]+)` \| (.*?) \| .*\|$/gm)
  const rows = [...found].map(([, key = '', standard = '']) => [key, standard] as const)
  const keys = keysOf(JSON.parse(configJsonSchema()), '')
  expect(keys.length).toBeGreaterThan(30)
  expect(rows.map(([key]) => key).sort()).toEqual(keys.map(([key]) => key).sort())
  for (const [key, standard] of keys) {
    if (standard === undefined) continue
    expect(Object.fromEntries(rows)[key], key).toBe(`\`${JSON.stringify(standard)}\``)
  }
})

test('docs/broker-operation.md names every metric of ours, and none that is not there', async () => {
  const metrics = new Metrics({ ofProcess: true })
  metrics.watch('redis_up', 'as the process does', () => 1)
  metrics.watch('connections', 'as the process does', () => 1)
  metrics.watch('requests_under_way', 'as the process does', () => 1)
  const names = metrics.registry.getMetricsAsArray().map(({ name }) => name)
  for (const name of names.filter((one) => !/^sg_broker_(process|nodejs)_/.test(one)))
    expect(operation).toContain(`\`${name}\``)
  for (const [name] of (page + operation).matchAll(/sg_broker_\w*\w/g)) {
    const family = name.replace(/_bucket$/, '')
    expect(
      names.some((one) => one === family || one.startsWith(`${family}`)),
      name,
    ).toBe(true)
  }
})
