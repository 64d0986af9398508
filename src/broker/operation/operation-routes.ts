import { BlockList, isIP, isIPv6 } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { BrokerConfig } from '../config.ts'
import type { Database } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { within } from './metrics.ts'
import { describeApi } from './openapi.ts'

const databaseLimitMs = 3_000

/** Supervisor, Prometheus and developers ↔ broker: is it alive, can it work, what does it do, what does it take. */
export async function serveOperation(app: FastifyInstance, parts: Parts): Promise<void> {
  const { config, database, metrics, isStopping } = parts
  const mayRead = readersOf(config.metricsReaders)
  const api = describeApi(config)
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })

  app.get('/health/live', async () => ({ status: 'ok' }))

  app.get('/health/ready', async (_request, reply) => {
    const problems = [...(isStopping() ? ['it is stopping'] : []), ...(await databaseProblems(database))]
    if (problems.length === 0) return { status: 'ok' }
    return reply.code(503).send({ status: 'failing', problems })
  })

  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request.ip)) return reply.callNotFound()
    const text = await metrics.text(database, databaseLimitMs)
    return reply.type(metrics.registry.contentType).send(text)
  })

  app.get('/openapi.json', async () => api)
}

async function databaseProblems(database: Database): Promise<string[]> {
  try {
    await within(databaseLimitMs, database.selectFrom('audit_head').select('sequence').executeTakeFirstOrThrow())
    return []
  } catch {
    return ['the database does not answer']
  }
}

function readersOf(networks: BrokerConfig['metricsReaders']): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
