import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isUsable, type Principal, principalLink } from './accounts.ts'
import { authenticateScript, type Caller, impersonated, personOfAutodesk } from './callers.ts'
import { authenticatePassword } from './passwords.ts'
import { cannotAuthenticateSession, faultCode, Refusal, unauthorized } from './refusals.ts'
import { invalidJsonBody, mediaTypeOf, type RestError, sendRestError, unsupportedContentType } from './rest-errors.ts'
import type { RestGrant } from './rest-tokens.ts'
import { countCall, type SiteState } from './site-state.ts'
import { judgeSudo } from './sudo.ts'

const form = 'application/x-www-form-urlencoded'

/** `POST …/auth/access_token`, under one version prefix. facts: SGT 001, 027 */
export function serveRestAuth(app: FastifyInstance, state: SiteState, prefix: string): void {
  app.post(`${prefix}/auth/access_token`, async (request, reply) => {
    const wrong = judgeContentType(request)
    if (wrong) return sendRestError(reply, wrong)
    const params = readParams(request)
    const { name, grant } = await judgeGrant(state, params)
    const answer = await state.restTokens.issue(grant)
    countCall(state, `rest:${name}`)
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
  })
}

/** Who a bearer speaks for; throws 401 for a missing, expired or forged one. facts: SGT 2.5 (body unverified) */
export async function callerOfBearer(state: SiteState, request: FastifyRequest): Promise<Caller> {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  const grant = token === undefined ? undefined : await state.restTokens.readBearer(token)
  const person = grant ? undefined : await personOfAutodesk(state, token)
  if (person) return { actual: person, acting: person, sessionUuid: null, session: undefined, sudoLogin: undefined }
  const actual = grant && state.accounts.principal(grant.user)
  if (!grant || !actual || !isUsable(actual)) throw unauthorized()
  const sudoLogin = grant.sudo_as_login ?? undefined
  const acting = sudoLogin === undefined ? actual : impersonated(state, actual, sudoLogin)
  return { actual, acting, sessionUuid: grant.session_uuid, session: undefined, sudoLogin }
}

/** The media type decides, its parameters do not; JSON is read before it is refused. facts: SGT 001 */
function judgeContentType(request: FastifyRequest): RestError | undefined {
  const type = mediaTypeOf(request.headers['content-type'])
  if (type === '' || type === form) return undefined
  if (type !== 'application/json') return unsupportedContentType(type, [form])
  try {
    JSON.parse(String(request.body ?? ''))
    return unsupportedContentType(type, [form])
  } catch {
    return invalidJsonBody
  }
}

/** From the body, or the query string, where two official clients put them. facts: JS, RB */
function readParams(request: FastifyRequest): URLSearchParams {
  const query = request.url.split('?').slice(1).join('?')
  const params = new URLSearchParams(query)
  for (const [name, value] of new URLSearchParams(String(request.body ?? ''))) params.set(name, value)
  return params
}

/** Which grant was asked for, and what it gives. Throws the refusal. */
async function judgeGrant(state: SiteState, params: URLSearchParams): Promise<{ name: string; grant: RestGrant }> {
  const sent = params.get('grant_type')
  // older clients say `refresh` (JS, RS)
  const name = sent === 'refresh' ? 'refresh_token' : (sent ?? '')
  switch (name) {
    case 'client_credentials':
      return { name, grant: grantTo(state, params, authenticateClient(state, params), 'api_key') }
    case 'password':
      return { name, grant: grantTo(state, params, authenticatePerson(state, params), 'password') }
    case 'session_token':
      return { name, grant: grantTo(state, params, authenticateSession(state, params), 'session_token') }
    case 'refresh_token':
      return { name, grant: await refreshed(state, params) }
    default:
      throw new Refusal(faultCode.badRequest, 'Unsupported grant_type')
  }
}

function authenticateClient(state: SiteState, params: URLSearchParams): Principal {
  return authenticateScript(state, required(params, 'client_id'), required(params, 'client_secret'))
}

function authenticatePerson(state: SiteState, params: URLSearchParams): Principal {
  const [login, password] = [required(params, 'username'), required(params, 'password')]
  try {
    return authenticatePassword(state, login, password, params.get('auth_token') ?? undefined)
  } catch (error) {
    // the same sentence as JSON-RPC's, with a full stop (SGT 027)
    if (error instanceof Refusal && error.code === faultCode.authentication) {
      throw new Refusal(error.code, `${error.message}.`)
    }
    throw error
  }
}

/** Spends nothing: the same session mints bearer after bearer, and each mint is use. facts: SGT 052 */
function authenticateSession(state: SiteState, params: URLSearchParams): Principal {
  const token = required(params, 'session_token')
  const session = state.sessions.find(token)
  if (!session) throw cannotAuthenticateSession(token)
  state.sessions.touch(session)
  return session.owner
}

async function refreshed(state: SiteState, params: URLSearchParams): Promise<RestGrant> {
  const grant = await state.restTokens.spendRefreshToken(required(params, 'refresh_token'))
  const owner = grant && state.accounts.principal(grant.user)
  if (!grant || !owner || !isUsable(owner)) throw unauthorized()
  if (grant.sudo_as_login !== null) impersonated(state, owner, grant.sudo_as_login)
  return grant
}

/** Sudo is a scope; a body field called `sudo_as_login` is not read by anything. facts: SGT 027 */
function grantTo(
  state: SiteState,
  params: URLSearchParams,
  principal: Principal,
  authType: RestGrant['auth_type'],
): RestGrant {
  const scopes = (params.get('scope') ?? '').split(' ')
  const sudo = scopes.find((scope) => scope.startsWith('sudo_as_login:'))?.slice('sudo_as_login:'.length)
  return {
    user: principalLink(principal),
    sudo_as_login: sudo === undefined ? null : sudoLogin(state, principal, sudo),
    auth_type: authType,
    session_uuid: params.get('session_uuid'),
  }
}

/** Whom the bearer says it acts for when it was asked for this login. */
function sudoLogin(state: SiteState, principal: Principal, asked: string): string | null {
  if (state.switches.restSudo === 'ignored') return null
  const target = judgeSudo(state.accounts, principal, asked)
  if (state.switches.restSudo === 'honoured') return asked
  return state.accounts.users().find((user) => user.isActive && user !== target)?.login ?? null
}

function required(params: URLSearchParams, name: string): string {
  const value = params.get(name)
  // facts: SGT 027
  if (!value) throw new Refusal(faultCode.badRequest, 'Missing or invalid authentication arguments')
  return value
}
