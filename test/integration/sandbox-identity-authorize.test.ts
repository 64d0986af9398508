import * as client from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { HeadlessBrowser } from '../sandbox/identity/headless-browser.ts'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'
import { personNamed } from '../sandbox/people.ts'
import { discoverAsNativeClient, keepFaultless, prepareAttempt } from './native-client.ts'

const redirectUri = 'http://localhost:14285/callback'
const artist = { email: personNamed('artist').email, password: 'autodesk-password' }

const signedOutUri = 'http://localhost:14285/signed-out'

let identity: Identity

beforeAll(async () => {
  identity = await startIdentity({
    clients: [
      { clientId: 'sg-session-tray', redirectUris: [redirectUri], postLogoutRedirectUris: [signedOutUri] },
      { clientId: 'other-app', redirectUris: ['http://localhost:4999/callback'] },
    ],
  })
})
keepFaultless(() => identity)

const discover = () => discoverAsNativeClient(identity.issuer)
const attempt = (config: client.Configuration, changed?: Record<string, string | undefined>) =>
  prepareAttempt(config, redirectUri, changed)

/** The authorize answer for a request that needs no page: a redirect to the client, or a page that stays here. */
async function authorizeAnswer(url: URL): Promise<{ status: number; location: URL | undefined; body: string }> {
  const { status, location, body } = await new HeadlessBrowser().send(url)
  return { status, location: location === undefined ? undefined : new URL(location, url), body }
}

describe('the authorization request', () => {
  test.each([
    ['another port', { redirect_uri: 'http://localhost:14286/callback' }],
    ['a slash more', { redirect_uri: `${redirectUri}/` }],
    ['127.0.0.1 for localhost', { redirect_uri: 'http://127.0.0.1:14285/callback' }],
    ['the callback of another client', { redirect_uri: 'http://localhost:4999/callback' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['an unknown client', { client_id: 'nobody' }],
    ['no client', { client_id: undefined }],
  ])('%s ends on an error page here, and nothing is sent to the redirect URI', async (_what, changed) => {
    const { url } = await attempt(await discover(), changed)
    const { status, location, body } = await authorizeAnswer(url)
    expect({ status, location }).toEqual({ status: 400, location: undefined })
    expect(body).toContain('This sign-in cannot continue')
  })

  test.each([
    ['no nonce with openid', { nonce: undefined }, 'invalid_request'],
    ['no state', { state: undefined }, 'invalid_request'],
    ['a state with "="', { state: 'a=b' }, 'invalid_request'],
    ['a state with "/"', { state: 'a/b' }, 'invalid_request'],
    ['no scope', { scope: undefined, nonce: undefined }, 'invalid_scope'],
    ['the scope email', { scope: 'openid email' }, 'invalid_scope'],
    ['the scope profile', { scope: 'openid profile' }, 'invalid_scope'],
    ['the scope offline_access', { scope: 'openid offline_access' }, 'invalid_scope'],
    ['PKCE method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another response type', { response_type: 'id_token' }, 'unsupported_response_type'],
  ])('%s is refused on the redirect URI, without iss', async (_what, changed, error) => {
    const { url } = await attempt(await discover(), changed)
    const { location } = await authorizeAnswer(url)
    expect(location?.href.startsWith(redirectUri)).toBe(true)
    const answer = new URLSearchParams(`${location?.search}&${location?.hash.slice(1)}`)
    expect(answer.get('error')).toBe(error)
    expect(location?.href).not.toContain('iss=')
  })

  test('a state of every allowed character comes back as it was', async () => {
    const { url } = await attempt(await discover(), { state: 'aZ09,._-' })
    const callback = await new HeadlessBrowser().signIn(url, artist, redirectUri)
    expect(callback.searchParams.get('state')).toBe('aZ09,._-')
  })

  test('when the sandbox denies, openid-client hears access_denied with the right state', async () => {
    identity.switches.denies = true
    const config = await discover()
    const { url, checks } = await attempt(config)
    const { location } = await authorizeAnswer(url)
    expect(location).toBeDefined()
    const grant = client.authorizationCodeGrant(config, location ?? url, checks)
    await expect(grant).rejects.toMatchObject({ name: 'AuthorizationResponseError', error: 'access_denied' })
  })

  test('a browser that is signed in is not asked again, prompt=login asks', async () => {
    const config = await discover()
    const browser = new HeadlessBrowser()
    await browser.signIn((await attempt(config)).url, artist, redirectUri)
    const silent = await browser.send((await attempt(config)).url)
    expect(silent.location?.startsWith(`${redirectUri}?code=`)).toBe(true)
    const asked = await browser.send((await attempt(config, { prompt: 'login' })).url)
    expect(asked.location).toMatch(/^\/sign-in\//)
  })

  test('prompt=login lets another person take over the browser', async () => {
    const config = await discover()
    const browser = new HeadlessBrowser()
    await browser.signIn((await attempt(config)).url, artist, redirectUri)
    const supervisor = { email: personNamed('supervisor').email, password: 'autodesk-password' }
    const { url, checks } = await attempt(config, { prompt: 'login' })
    const callback = await browser.signIn(url, supervisor, redirectUri)
    const tokens = await client.authorizationCodeGrant(config, callback, checks)
    expect(tokens.claims()?.sub).toBe('SUPERV000002')
    const silent = await attempt(config)
    const second = await browser.signIn(silent.url, artist, redirectUri)
    expect((await client.authorizationCodeGrant(config, second, silent.checks)).claims()?.sub).toBe('SUPERV000002')
  })

  test('logout ends the browser session but no token, and redirects only where it is allowed to', async () => {
    const config = await discover()
    const browser = new HeadlessBrowser()
    const { url, checks } = await attempt(config)
    const callback = await browser.signIn(url, artist, redirectUri)
    const tokens = await client.authorizationCodeGrant(config, callback, checks)
    const logout = new URL(`${identity.issuer}/authentication/v2/logout`)

    logout.searchParams.set('post_logout_redirect_uri', 'https://elsewhere.example/')
    const stays = await browser.send(logout)
    expect(stays.location).toBeUndefined()
    expect(stays.body).toContain('You are signed out')
    logout.searchParams.set('post_logout_redirect_uri', signedOutUri)
    expect((await browser.send(logout)).location).toBe(signedOutUri)

    expect((await browser.send((await attempt(config)).url)).location).toMatch(/^\/sign-in\//)
    expect(await client.fetchUserInfo(config, tokens.access_token, 'ARTIST000001')).toMatchObject({
      name: 'Plain Artist',
    })
  })
})
