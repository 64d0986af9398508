import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { AgentError } from '../../src/errors.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf, refusalOf } from './world.ts'

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

  test.each(['{}', '{"results":{"ok":true}}', '{"version":"8.89"}'])(
    'what answers and is no site (%s) has nobody asked for a passphrase',
    async (body) => {
      for (const signIn of ['auto', 'legacy'] as const) {
        stage.site.faults.inject({ path: '/api3/json', times: 1, does: { kind: 'status', status: 200, body } })
        const agent = stage.agent('artist', signIn)
        const steps: unknown[] = []
        agent.onSignInStep((_site, step) => steps.push(step))
        expect(await refusalOf(agent.signIn(undefined))).toMatch(/^site_unreachable: .*not as a ShotGrid site/)
        expect(steps).toEqual([])
      }
    },
  )

  test('a hundred who ask at once which way it is ask the site once, and one who leaves takes nothing from the others', async () => {
    const agent = stage.agent('artist')
    stage.site.calls.clear()
    const gone = new AbortController()
    const left = agent.wayIn(undefined, gone.signal)
    const stay = Array.from({ length: 100 }, () => agent.wayIn(undefined, AbortSignal.timeout(5_000)))
    gone.abort(new AgentError('sign_in_cancelled'))
    expect(await codeOf(left)).toBe('sign_in_cancelled')
    expect(new Set((await Promise.all(stay)).map(({ way }) => way))).toEqual(new Set(['web']))
    expect(stage.site.calls.get('info')).toBe(1)
  })

  test('a login and passphrase that the artist types make one too', async () => {
    const agent = stage.agent('artist', 'legacy')
    const done = agent.signIn(undefined)
    await vi.waitFor(() => expect(agent.signInStep()?.kind).toBe('credentials'), 20_000)
    const submit = (passphrase: string) =>
      agent.submitCredentials(undefined, { login: 'artist@studio.example', passphrase: new Secret(passphrase) })
    expect(await codeOf(submit('wrong'))).toBe('personal_access_token_required')
    expect(await submit('legacy-passphrase')).toMatchObject({ state: 'signed_in', obtainedBy: 'legacy' })
    expect(await done).toMatchObject({ state: 'signed_in' })
  })
})
