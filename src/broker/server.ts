import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import type { ConfigRules } from '../config.ts'
import type { BrokerConfig } from './config.ts'
import type { Database } from './database/tables.ts'
import { serveExchange } from './exchange/exchange-routes.ts'
import { serveOperation } from './operation/operation-routes.ts'
import { type BrokerPorts, makeParts } from './parts.ts'
import { refuseWithOAuthErrors } from './refusals.ts'

const requestLimitMs = 60_000

/** The broker's HTTP face. It does not listen yet; `close()` of the result also closes the database. */
export async function makeBrokerServer(
  config: BrokerConfig,
  database: Database,
  ports: BrokerPorts,
  rules: ConfigRules,
): Promise<FastifyInstance> {
  const parts = makeParts(config, database, ports, rules)
  const { tls, trustedProxies } = config.listen
  const settings = {
    requestTimeout: requestLimitMs,
    logger: false,
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
  } as const
  const server: FastifyInstance = tls
    ? (fastify({ ...settings, https: { ...tls, minVersion: 'TLSv1.2' } }) as unknown as FastifyInstance)
    : fastify(settings)
  refuseWithOAuthErrors(server, ports.log)
  // One scope a conversation: what one takes and says, another need not.
  await server.register((scope) => serveExchange(scope, parts))
  await server.register((scope) => serveOperation(scope, parts))
  server.addHook('onClose', async () => {
    await parts.syslog?.close()
    await database.destroy()
  })
  return server
}
