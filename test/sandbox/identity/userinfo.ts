import Fastify, { type FastifyInstance } from 'fastify'
import type { AccessTokens } from './access-tokens.ts'
import { type Accounts, userinfoClaims } from './accounts.ts'
import { refusalBody, throttledAnswer } from './gateway-errors.ts'
import type { IdentitySwitches } from './switches.ts'

interface UserinfoOptions {
  readonly issuer: string
  readonly accounts: Accounts
  readonly accessTokens: AccessTokens
  readonly switches: Pick<IdentitySwitches, 'errorStyle' | 'throttled'>
  /** Called once for each call that succeeded. */
  readonly count: () => void
}

/** `GET /userinfo` on its own origin. It asks for a living access token and no scope at all (facts/identity §1.4). */
export function makeUserinfo({ issuer, accounts, accessTokens, switches, count }: UserinfoOptions): FastifyInstance {
  const app = Fastify()
  app.get('/userinfo', async (request, reply) => {
    if (switches.throttled) {
      const { status, headers, body } = throttledAnswer(issuer)
      return reply.code(status).headers(headers).send(body)
    }
    const bearer = /^Bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const token = bearer === undefined ? undefined : await accessTokens.open(bearer)
    const account = token && accounts.withSub(token.accountId)
    if (!account) {
      // RFC 6750 §3.1: no error code when the request carried no token at all
      const error = bearer === undefined ? 'missing_token' : 'invalid_token'
      const challenge = bearer === undefined ? '' : ', error="invalid_token"'
      const description = bearer === undefined ? 'a bearer token is required' : 'the access token is not valid'
      return reply
        .code(401)
        .header('www-authenticate', `Bearer realm="${issuer}"${challenge}`)
        .send(refusalBody({ error, description }, issuer, switches.errorStyle))
    }
    count()
    return reply.header('cache-control', 'no-store').send(userinfoClaims(account))
  })
  return app
}
