import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AccessToken, Provider, RefreshToken } from 'oidc-provider'
import { z } from 'zod'
import type { AccessTokens } from './access-tokens.ts'
import { type Refusal, refusalBody } from './gateway-errors.ts'
import { paths } from './metadata.ts'
import type { ProviderMemory } from './provider-memory.ts'
import type { IdentitySwitches } from './switches.ts'

interface TokenCallOptions {
  readonly provider: Provider
  readonly memory: ProviderMemory
  readonly accessTokens: AccessTokens
  readonly switches: Pick<IdentitySwitches, 'errorStyle'>
  /** Called once for each call that succeeded. */
  readonly count: (call: 'revoke' | 'introspect') => void
}

/** A body that is no such form, or has a parameter twice, reads as an empty one and is refused for what it lacks. */
const formSchema = z
  .object({
    client_id: z.string().optional(),
    token: z.string().optional(),
    token_type_hint: z.string().optional(),
  })
  .catch({})
type Form = z.output<typeof formSchema>
type Token = AccessToken | RefreshToken

const hints = ['access_token', 'refresh_token']

/** Revocation and introspection for public clients (facts/identity §1.7): body client_id, own tokens only. */
export function addTokenCalls(app: FastifyInstance, options: TokenCallOptions): void {
  const { provider, memory, switches, count } = options

  app.post(paths.revoke, async (request, reply) => {
    const form = formSchema.parse(request.body)
    const refusal = await judgeRevocation(provider, request, form)
    if (refusal) return refuse(reply, refusal, provider.issuer, switches)
    const token = await findToken(options, form)
    // RFC 7009 §2.1: the token goes, and with a refresh token all access tokens of its grant.
    if (token?.kind === 'AccessToken') await token.destroy()
    else if (token?.grantId) memory.endGrant(token.grantId)
    count('revoke')
    return reply.code(200).send()
  })

  app.post(paths.introspect, async (request, reply) => {
    const form = formSchema.parse(request.body)
    const refusal = await judgeCall(provider, request, form)
    if (refusal) return refuse(reply, refusal, provider.issuer, switches)
    const token = await findToken(options, form)
    count('introspect')
    return reply.header('cache-control', 'no-store').send(await describe(provider, token))
  })
}

async function judgeRevocation(provider: Provider, request: FastifyRequest, form: Form): Promise<Refusal | undefined> {
  const refusal = await judgeCall(provider, request, form)
  if (refusal) return refusal
  // facts/identity §1.7: required here, optional in RFC 7009 §2.1
  if (!form.token_type_hint) return invalid('"token_type_hint" is required')
  if (hints.includes(form.token_type_hint)) return undefined
  return { status: 400, error: 'unsupported_token_type', description: `"token_type_hint" may be ${hints.join(' or ')}` }
}

async function judgeCall(provider: Provider, request: FastifyRequest, form: Form): Promise<Refusal | undefined> {
  const { client_id: clientId, token } = form
  const withHeader = request.headers.authorization !== undefined
  // facts/identity §1.2
  if (withHeader && clientId) return invalid('client credentials came in the header and in the body')
  if (withHeader) return invalidClient('the clients of this sandbox have no secret')
  if (!clientId) return invalid('"client_id" is required')
  if (!(await provider.Client.find(clientId))) return invalidClient('there is no such client')
  if (!token) return invalid('"token" is required')
  return undefined
}

/** The client's own living token; the hint is only a hint (RFC 7009 §2.1), so both kinds are looked for. */
async function findToken({ provider, accessTokens }: TokenCallOptions, form: Form): Promise<Token | undefined> {
  const value = form.token ?? ''
  const token = (await accessTokens.open(value)) ?? (await provider.RefreshToken.find<RefreshToken>(value))
  return token?.clientId === form.client_id ? token : undefined
}

async function describe(provider: Provider, token: Token | undefined): Promise<Record<string, unknown>> {
  if (!token?.isValid || !token.grantId || !(await provider.Grant.find(token.grantId))) return { active: false }
  return {
    active: true,
    scope: token.scope,
    client_id: token.clientId,
    exp: token.exp,
    userid: token.accountId,
  }
}

function refuse(
  reply: FastifyReply,
  refusal: Refusal,
  issuer: string,
  switches: Pick<IdentitySwitches, 'errorStyle'>,
): FastifyReply {
  return reply.code(refusal.status).send(refusalBody(refusal, issuer, switches.errorStyle))
}

function invalid(description: string): Refusal {
  return { status: 400, error: 'invalid_request', description }
}

function invalidClient(description: string): Refusal {
  return { status: 401, error: 'invalid_client', description }
}
