import type { KoaContextWithOIDC, OIDCContext, Provider } from 'oidc-provider'
import type { AccessTokens } from './access-tokens.ts'
import { asksForOpenid } from './authorization-request.ts'
import { refusalBody } from './gateway-errors.ts'
import { paths } from './metadata.ts'
import type { IdentitySwitches } from './switches.ts'

interface ShapeOptions {
  readonly accessTokens: AccessTokens
  readonly switches: Pick<IdentitySwitches, 'errorStyle' | 'refreshReturnsIdToken'>
}

/** Everything oidc-provider's authorize and token answers say that Autodesk's do not, and the other way round. */
export function shapeLikeAutodesk(provider: Provider, options: ShapeOptions): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    // Autodesk takes a nonce without the scope `openid` (its own client sends one, facts/identity §1.9).
    if (ctx.path === paths.authorize && !asksForOpenid(ctx.query)) ctx.query = { ...ctx.query, nonce: undefined }
    await next()
    if (ctx.path.startsWith(paths.authorize)) dropIss(ctx)
    if (ctx.path === paths.token && ctx.method === 'POST') await shapeTokenAnswer(ctx, provider.issuer, options)
  })
}

/** facts/identity §5.9: Autodesk does not send RFC 9207's `iss`; oidc-provider does, in all three response modes. */
function dropIss(ctx: KoaContextWithOIDC): void {
  const location = String(ctx.response.get('location') ?? '')
  const without = location.replace(/([?#&])iss=[^&#]*(&|$)/, (_match, before, after) => (after ? before : ''))
  if (without !== location) {
    ctx.set('location', without)
    ctx.body = '' // Koa's text repeats the location
  }
  if (typeof ctx.body === 'string') {
    ctx.body = ctx.body.replace(/<input type="hidden" name="iss" value="[^"]*"\/>\n?/, '')
  }
}

async function shapeTokenAnswer(ctx: KoaContextWithOIDC, issuer: string, options: ShapeOptions): Promise<void> {
  const { accessTokens, switches } = options
  const oidc: OIDCContext | undefined = ctx.oidc
  const params = oidc?.params ?? {}
  const { error, error_description: description, ...tokens } = (ctx.body ?? {}) as Record<string, unknown>
  // facts/identity §1.2: credentials in header and body together → 400; the provider says 401 and asks for Basic.
  if (ctx.get('authorization') && params['client_id'] !== undefined) {
    ctx.status = 400
    ctx.remove('www-authenticate')
    ctx.body = refusalBody(
      { error: 'invalid_request', description: 'client credentials came in the header and in the body' },
      issuer,
      switches.errorStyle,
    )
    return
  }
  if (typeof error === 'string') {
    ctx.body = refusalBody({ error, description: String(description ?? error) }, issuer, switches.errorStyle)
    return
  }
  const accessToken = oidc?.entities.AccessToken
  if (!accessToken) return
  // facts/identity §1.6: these members and no `scope`. §5.11: oidc-provider refreshes the ID token, Autodesk may not.
  const withIdToken = params['grant_type'] !== 'refresh_token' || switches.refreshReturnsIdToken
  ctx.body = {
    token_type: 'Bearer',
    expires_in: tokens['expires_in'],
    access_token: await accessTokens.seal(accessToken),
    refresh_token: tokens['refresh_token'],
    ...(withIdToken && tokens['id_token'] ? { id_token: tokens['id_token'] } : {}),
  }
}
