import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Identity, startIdentity } from '../sandbox/identity/identity.ts'

const origin = 'https://notes.studio.example'

let identity: Identity
beforeAll(async () => {
  identity = await startIdentity({ clients: [{ clientId: 'review-notes', redirectUris: [`${origin}/`] }] })
})
afterAll(() => identity.close())

function redeem(from: string): Promise<Response> {
  const form = { grant_type: 'authorization_code', code: 'x', client_id: 'review-notes', redirect_uri: `${origin}/` }
  const body = new URLSearchParams({ ...form, code_verifier: 'v'.repeat(43) })
  return fetch(`${identity.issuer}/authentication/v2/token`, { method: 'POST', headers: { origin: from }, body })
}

test('the token endpoint may be read by a page of the client’s own origin', async () => {
  const answer = await redeem(origin)
  expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
  expect(await answer.json()).toMatchObject({ error: 'invalid_grant' })
})

test.each(['https://evil.example', `${origin}:444`, 'http://notes.studio.example', 'null'])(
  'and by no page of another: %s',
  async (from) => {
    const answer = await redeem(from)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
  },
)
