import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import type { ConfigRules } from '../config/config.ts'
import type { BrokerConfig } from './config.ts'
import type { Database } from './database/tables.ts'
import { serveExchange } from './exchange/exchange-routes.ts'
import { serveGateway } from './gateway/gateway-routes.ts'
import { watchEveryRequest } from './operation/every-request.ts'
import type { Lasting } from './operation/lasting.ts'
import { serveOperation } from './operation/operation-routes.ts'
import { type BrokerPorts, makeParts } from './parts.ts'
import { refuseAddress, refuseWithOAuthErrors } from './refusals.ts'

/**
 * What the broker answers under one configuration. It has no socket: `operation/running-broker.ts` listens and hands requests
 * over. Closing it leaves the database open.
 */
export async function makeBrokerServer(
  config: BrokerConfig,
  database: Database,
  ports: BrokerPorts,
  rules: ConfigRules,
  lasting?: Lasting,
): Promise<FastifyInstance> {
  const parts = makeParts(config, database, ports, rules, lasting)
  const { trustedProxies } = config.listen
  const server: FastifyInstance = fastify({
    logger: false,
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    frameworkErrors: refuseAddress,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
  })
  refuseWithOAuthErrors(server, ports.log)
  watchEveryRequest(server, config, ports.log)
  // One scope a conversation: what one takes and says, another need not.
  await server.register((scope) => serveExchange(scope, parts))
  await server.register((scope) => serveGateway(scope, parts))
  await server.register((scope) => serveOperation(scope, parts))
  server.addHook('onClose', () => parts.syslog?.close())
  return server
}
