import type { ConfigRules } from '../config/config.ts'
import type { Ports } from '../ports.ts'
import { AuditLog } from './audit/audit-log.ts'
import { Syslog } from './audit/syslog.ts'
import type { BrokerConfig } from './config.ts'
import type { Database } from './database/tables.ts'
import { AutodeskIdentity } from './exchange/autodesk.ts'
import { Challenges } from './exchange/challenges.ts'
import { SignIns } from './exchange/sign-ins.ts'
import { GatewayAddresses } from './gateway/gateway-addresses.ts'
import { GatewayBearers } from './gateway/gateway-bearers.ts'
import { GatewayCallers } from './gateway/gateway-callers.ts'
import { GatewaySessions } from './gateway/gateway-sessions.ts'
import { SudoProof } from './gateway/sudo-proof.ts'
import { Issuing } from './issue/issuing.ts'
import { SiteShapes } from './issue/site-shapes.ts'
import { type Lasting, makeShortLasting } from './operation/lasting.ts'
import { Stops } from './operation/stops.ts'
import { People } from './people/people.ts'
import { PeopleTable } from './people/people-table.ts'
import { ScriptedSite } from './scripted-site.ts'

export type BrokerPorts = Pick<Ports, 'fetch' | 'clock' | 'log'>

/** Everything a broker is made of, wired by hand; the routes and the commands take from it what they need. */
export function makeParts(
  config: BrokerConfig,
  database: Database,
  plainPorts: BrokerPorts,
  rules: ConfigRules,
  lasting: Lasting = makeShortLasting(config, plainPorts.log),
) {
  const ports = { ...plainPorts, fetch: lasting.metrics.timed(plainPorts.fetch) }
  const { fetch, clock, log } = ports
  const sites = config.sites.map((policy) => new ScriptedSite(policy, fetch))
  const clientIds = [config.identity.clientId, ...config.webApps.map(({ clientId }) => clientId)]
  const syslog = config.syslog && new Syslog(config.syslog, log, () => lasting.metrics.countMissedRow())
  const auditLog = new AuditLog(database, clock, log, (row) => syslog?.send(row))
  const shapes = new SiteShapes(database, clock)
  const peopleTable = new PeopleTable(database, clock)
  const people = new People(peopleTable)
  const stops = new Stops(database, clock)
  const gatewayAddresses = new GatewayAddresses(sites)
  const gatewayBearers = new GatewayBearers(database, clock)
  const sudoProof = new SudoProof(clock)
  const gatewaySessions = new GatewaySessions({ database, clock, addresses: gatewayAddresses, sudoProof })
  const whoCalls = {
    gatewaySessions,
    gatewayBearers,
    people,
    peopleTable,
    sudoProof,
    stops,
    limits: lasting.limits,
    auditLog,
    clock,
  }
  return {
    ...lasting,
    config,
    database,
    ports,
    sites,
    auditLog,
    syslog,
    shapes,
    gatewayAddresses,
    gatewayBearers,
    gatewaySessions,
    gatewayCallers: new GatewayCallers(whoCalls),
    peopleTable,
    people,
    identity: new AutodeskIdentity({ issuer: config.identity.issuer, clientIds, ...rules }, fetch, clock),
    challenges: new Challenges(database, clock),
    signIns: new SignIns(database, clock),
    stops,
    issuing: new Issuing({ fetch, shapes, gatewaySessions, auditLog }),
  }
}

export type Parts = ReturnType<typeof makeParts>
