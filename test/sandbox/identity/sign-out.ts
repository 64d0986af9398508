import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { paths } from './metadata.ts'
import { pageHeaders, signedOutPage } from './pages.ts'

/**
 * `GET …/logout`: ends the browser's session, not the tokens, and asks nothing. It redirects only to a
 * `post_logout_redirect_uri` from the list; otherwise the person stays on the provider's page (facts/identity §1.3).
 */
export function addSignOut(provider: Provider, allowedTargets: ReadonlySet<string>): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.path !== paths.logout || ctx.method !== 'GET') return next()
    const session = await provider.Session.get(ctx)
    if (session.accountId) await session.destroy()
    ctx.cookies.set(provider.cookieName('session'), null)
    const target = ctx.query['post_logout_redirect_uri']
    if (typeof target === 'string' && allowedTargets.has(target)) {
      ctx.redirect(target)
      return
    }
    ctx.set(pageHeaders())
    ctx.body = signedOutPage()
  })
}
