import { z } from 'zod'
import { type ConfigRules, originSchema } from '../config/config.ts'

const path = z.string().min(1)
const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
const port = z.number().int().min(0).max(65_535)

/** The shapes of issuing; `auto` finds out which of the first and the last the site can do. */
export const shapes = ['session', 'rest', 'gateway'] as const
export type Shape = (typeof shapes)[number]

/** The broker's configuration file, as an operator writes it. Paths in it are relative to the file. */
export function configFileSchema(rules: ConfigRules) {
  const origin = originSchema(rules)
  const oneHost = origin.refine((text) => !text.includes('*'), 'must be one origin in full, without a wildcard')
  return z.strictObject({
    issuer: origin.describe('The address agents know the broker by'),
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: port.default(8443),
        tls: z
          .strictObject({ certFile: path, keyFile: path })
          .optional()
          .describe('PEM files; without them, and without a proxy, the broker listens on loopback only'),
        behindTlsProxy: z.boolean().default(false).describe('A proxy ends TLS in front of the broker'),
        trustedProxies: z
          .array(network)
          .default([])
          .describe('Addresses or networks of proxies whose X-Forwarded-For is believed'),
        drainSeconds: z
          .number()
          .min(0)
          .max(300)
          .default(1)
          .describe('After a signal to stop: how long it still takes connections while /health/ready answers 503'),
      })
      .prefault({}),
    identity: z.strictObject({
      issuer: origin.default('https://developer.api.autodesk.com'),
      clientId: z.string().min(1).describe('Client id of the Autodesk app that the agents sign in with'),
    }),
    webApps: z
      .array(z.strictObject({ origin: oneHost, clientId: z.string().min(1) }))
      .default([])
      .describe("Web apps of the studio: the origin their pages come from, and their own Autodesk app's client id"),
    database: z
      .union([
        z.strictObject({ file: path }),
        z.strictObject({
          url: z.url({ protocol: /^postgres(ql)?$/ }),
          passwordFile: path.optional(),
        }),
      ])
      .describe('SQLite in a file, for one broker; PostgreSQL by its URL, for several'),
    redis: z
      .strictObject({ url: z.url({ protocol: /^rediss?$/ }), passwordFile: path.optional() })
      .optional()
      .describe('Where several brokers count together; without it each counts for itself'),
    network: z.strictObject({ extraCa: path.optional() }).default({}),
    limits: z
      .strictObject({
        requestsPerAddress: rate({ most: 300, seconds: 60 }).describe('Challenges and exchanges of one address'),
        exchangesPerPerson: rate({ most: 60, seconds: 3600 }).describe('Exchanges of one Autodesk account'),
        callsPerSession: rate({ most: 3000, seconds: 60 }).describe('Calls of one session through the gateway'),
        people: z
          .strictObject({ most: z.number().int().min(1), minutes: z.number().int().min(1).max(1440) })
          .prefault({ most: 500, minutes: 10 })
          .describe('More people than this signed in to a site in so many minutes stop the site'),
      })
      .prefault({}),
    audit: z
      .strictObject({
        syslog: z
          .strictObject({
            protocol: z.enum(['udp', 'tcp', 'tls', 'unix']).default('udp'),
            host: z.string().min(1).default('127.0.0.1').describe('Host name, or the path of a unix socket'),
            port: port.default(514),
          })
          .optional(),
      })
      .default({}),
    metrics: z
      .strictObject({ allow: z.array(network).default(['127.0.0.1', '::1']) })
      .prefault({})
      .describe('Addresses or networks that may read /metrics'),
    sites: z.array(siteSchema(origin)).min(1),
  })
}

function siteSchema(origin: ReturnType<typeof originSchema>) {
  return z.strictObject({
    url: origin,
    scripts: z
      .array(z.strictObject({ name: z.string().min(1), keyFile: path }))
      .min(1)
      .max(2)
      .describe('The script, and during a change of keys the next one too; the first that the site takes is used'),
    issue: z
      .enum(['auto', ...shapes])
      .default('auto')
      .describe('What an artist is given: see docs/broker-gateway.md'),
    gatewayUrl: origin.optional().describe('Where tools reach the gateway for this site; default: the issuer'),
    emailDomains: z.array(z.string().min(1).toLowerCase()).min(1).optional(),
    permissionGroups: z.array(z.string().min(1)).default(['artist', 'manager', 'vendor']),
    allowPrivileged: z.array(z.string().min(1)).default([]),
    sessionLifetimeS: z
      .number()
      .int()
      .min(1)
      .max(7 * 24 * 3600)
      .default(3600)
      .describe('How long the site keeps an idle session: its preference "User Session Expiry"'),
  })
}

function rate(standard: { most: number; seconds: number }) {
  return z
    .strictObject({ most: z.number().int().min(1), seconds: z.number().int().min(1).max(86_400) })
    .prefault(standard)
}
