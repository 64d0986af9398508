import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf } from './world.ts'

let stage: SiteStage
beforeAll(async () => {
  stage = await startSiteStage()
})
afterAll(() => stage.close())

describe('without a broker', () => {
  test('the artist approves in the browser, and the session is theirs', async () => {
    const agent = stage.agent('artist')
    const status = await agent.signIn(undefined)
    expect(status).toMatchObject({
      state: 'signed_in',
      login: 'artist@studio.example',
      obtainedBy: 'web',
      expiry: 'exact',
    })
  })

  test('a login and passphrase that the artist types make one too', async () => {
    const agent = stage.agent('artist', 'legacy')
    const done = agent.signIn(undefined)
    await vi.waitFor(() => expect(agent.signInStep()?.kind).toBe('credentials'))
    const submit = (passphrase: string) =>
      agent.submitCredentials(undefined, { login: 'artist@studio.example', passphrase: new Secret(passphrase) })
    expect(await codeOf(submit('wrong'))).toBe('personal_access_token_required')
    expect(await submit('legacy-passphrase')).toMatchObject({ state: 'signed_in', obtainedBy: 'legacy' })
    expect(await done).toMatchObject({ state: 'signed_in' })
  })
})
