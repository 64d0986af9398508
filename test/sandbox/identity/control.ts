import type { FastifyInstance, FastifyReply } from 'fastify'
import { ZodError, z } from 'zod'
import { type Faults, faultSchema } from '../faults.ts'
import type { WebServer } from '../web-server.ts'
import type { Account, AccountChange, Accounts } from './accounts.ts'
import { type IdentitySwitches, switchesSchema } from './switches.ts'

/** What the control routes steer: the same things the test that started the sandbox holds in its hand. */
export interface ControlOptions {
  readonly issuer: string
  readonly userinfoUrl: string
  readonly switches: IdentitySwitches
  readonly main: { readonly web: WebServer; readonly faults: Faults }
  readonly userinfo: { readonly web: WebServer; readonly faults: Faults }
  readonly calls: ReadonlyMap<string, number>
  readonly accounts: Accounts
  /** What went wrong inside the provider; callers see only `server_error`. */
  readonly serverErrors: readonly Error[]
  setAccount(personKey: string, change: AccountChange): void
  revokeAll(personKey: string): Promise<void>
  reset(): void
}

const originSchema = z.object({ on: z.enum(['main', 'userinfo']).default('main') })
const keySchema = z.object({ key: z.string() })
const accountSchema = z.strictObject({ email: z.email().optional(), emailVerified: z.boolean().optional() })

/**
 * The sandbox's powers over HTTP, for people and for tests in other processes. Without any authentication, on purpose,
 * and therefore for callers on this machine only. Mistakes are answered 400 or 404 with a sentence.
 */
export async function addControl(app: FastifyInstance, options: ControlOptions): Promise<void> {
  // A plugin of its own: the gate and the error sentences are for these routes only.
  await app.register(async (routes) => {
    routes.addHook('onRequest', async (request, reply) => {
      if (!isLoopback(request.socket.remoteAddress))
        await say(reply, 403, 'The sandbox is steered from this machine only.')
    })
    routes.setErrorHandler(sendMistake)
    addSwitchRoutes(routes, options)
    addFaultRoutes(routes, options)
    addAccountRoutes(routes, options)
    routes.get('/sandbox', async () => overview(options))
    routes.get('/sandbox/requests', async () => ({
      main: options.main.web.requests,
      userinfo: options.userinfo.web.requests,
    }))
    routes.get('/sandbox/calls', async () => Object.fromEntries(options.calls))
    routes.post('/sandbox/reset', async (_request, reply) => {
      options.reset()
      return reply.code(204).send()
    })
  })
}

function addSwitchRoutes(routes: FastifyInstance, { switches }: ControlOptions): void {
  routes.get('/sandbox/switches', async () => switches)
  routes.patch('/sandbox/switches', async (request) =>
    Object.assign(switches, switchesSchema.partial().parse(request.body ?? {})),
  )
}

function addFaultRoutes(routes: FastifyInstance, options: ControlOptions): void {
  const listed = () => ({ main: options.main.faults.list(), userinfo: options.userinfo.faults.list() })
  routes.get('/sandbox/faults', async () => listed())
  // `?on=userinfo` puts the fault on the other origin.
  routes.post('/sandbox/faults', async (request, reply) => {
    const { on } = originSchema.parse(request.query)
    options[on].faults.inject(faultSchema.parse(request.body))
    return reply.code(201).send(listed())
  })
  routes.delete('/sandbox/faults', async () => {
    options.main.faults.clear()
    options.userinfo.faults.clear()
    return listed()
  })
}

function addAccountRoutes(routes: FastifyInstance, options: ControlOptions): void {
  const { accounts } = options
  routes.get('/sandbox/accounts', async () => accounts.all().map(shown))
  routes.patch('/sandbox/accounts/:key', async (request, reply) => {
    const account = knownAccount(accounts, keySchema.parse(request.params).key)
    if (!account) return sayNobody(reply)
    options.setAccount(account.key, accountSchema.parse(request.body ?? {}))
    return shown(accounts.named(account.key))
  })
  routes.post('/sandbox/accounts/:key/revoke', async (request, reply) => {
    const account = knownAccount(accounts, keySchema.parse(request.params).key)
    if (!account) return sayNobody(reply)
    await options.revokeAll(account.key)
    return reply.code(204).send()
  })
}

function overview({ issuer, userinfoUrl, switches, serverErrors }: ControlOptions): Record<string, unknown> {
  return {
    what: 'An Autodesk Identity sandbox. Nothing here is Autodesk, and nobody is asked who they are.',
    issuer,
    userinfoUrl,
    discovery: `${issuer}/.well-known/openid-configuration`,
    switches,
    serverErrors: serverErrors.map(String),
    routes: [
      'GET /sandbox/switches, PATCH with any of them',
      'GET /sandbox/faults, POST one (?on=userinfo for the other origin), DELETE all',
      'GET /sandbox/requests',
      'GET /sandbox/calls',
      'GET /sandbox/accounts, PATCH /sandbox/accounts/:key with email, emailVerified',
      'POST /sandbox/accounts/:key/revoke',
      'POST /sandbox/reset',
    ],
  }
}

function shown({ key, sub, email, emailVerified, password }: Account): Record<string, unknown> {
  return { key, sub, email, emailVerified, password }
}

function knownAccount(accounts: Accounts, key: string): Account | undefined {
  return accounts.all().find((account) => account.key === key)
}

function sayNobody(reply: FastifyReply): Promise<FastifyReply> {
  return say(reply, 404, 'Nobody of that key has an Autodesk account; GET /sandbox/accounts lists them.')
}

function sendMistake(error: unknown, _request: unknown, reply: FastifyReply): Promise<FastifyReply> {
  if (error instanceof ZodError) return say(reply, 400, sentenceOf(error))
  const message = error instanceof Error ? error.message : String(error)
  const status = error instanceof Error && 'statusCode' in error && error.statusCode === 400 ? 400 : 500
  return say(reply, status, message)
}

async function say(reply: FastifyReply, status: number, error: string): Promise<FastifyReply> {
  return reply.code(status).send({ error })
}

function sentenceOf({ issues }: ZodError): string {
  return issues
    .map(({ path, message }) => (path.length > 0 ? `"${path.join('.')}": ${message}` : message))
    .join('; ')
    .concat('.')
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '')
}
