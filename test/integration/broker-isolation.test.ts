import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSignInKey } from '../../src/sign-in/sign-in-key.ts'
import { subjectTokenTypes } from '../../src/token-exchange.ts'
import { ExchangeStage, type Prepared } from './exchange-stage.ts'
import { codeOf } from './world.ts'

const clientIds = ['first-app', 'second-app', 'third-app'] as const

/** Three studios: each has its own site, its own issuer, its own broker, and its own Autodesk app; each issuer knows all apps. */
let studios: readonly ExchangeStage[]
beforeAll(async () => {
  studios = await Promise.all(
    clientIds.map((clientId) =>
      ExchangeStage.open({ clientId, otherClientIds: clientIds.filter((other) => other !== clientId) }),
    ),
  )
})
afterAll(() => Promise.all(studios.map((studio) => studio.close())))

const studio = (index: number): ExchangeStage => {
  const found = studios[index]
  if (!found) throw new Error(`there is no studio ${index}`)
  return found
}
const sessionsOf = (index: number): number => studio(index).world.site.sessions().length

const cells = [0, 1, 2].flatMap((site) =>
  [0, 1, 2].flatMap((app) => [0, 1, 2].map((issuer) => ({ site, app, issuer, isOwn: site === app && app === issuer }))),
)

describe('of 27 combinations of a site, an app and an issuer', () => {
  test('an ID token opens the three that belong together', async () => {
    const outcomes = await Promise.all(
      cells.map(async ({ site, app, issuer }) => {
        const stage = studio(site)
        const own = await stage.prepare('artist', clientIds[app], studio(issuer).world.identity)
        return codeOf(stage.exchange(own))
      }),
    )
    expect(outcomes).toEqual(cells.map(({ isOwn }) => (isOwn ? 'ok' : 'subject_token_rejected')))
  })

  test('an access token renews the three that belong together', async () => {
    // Each key has a living sign-in at its broker; the same person's token of elsewhere comes with a proof by it.
    const keys = await Promise.all(studios.map((stage) => stage.prepare()))
    await Promise.all(keys.map((own, site) => studio(site).exchange(own)))
    const tokens = new Map<string, string>()
    for (const { app, issuer } of cells.filter(({ site }) => site === 0)) {
      const request = { nonce: 'n', clientId: clientIds[app] ?? '' }
      tokens.set(`${app} ${issuer}`, (await studio(issuer).world.identity.signIn('artist', request)).accessToken)
    }
    const outcomes: string[] = []
    for (const { site, app, issuer } of cells) {
      const own = { ...(keys[site] as Prepared), accessToken: tokens.get(`${app} ${issuer}`) ?? '' }
      outcomes.push(await codeOf(studio(site).exchange(own, await studio(site).renewal(own))))
    }
    expect(outcomes).toEqual(cells.map(({ isOwn }) => (isOwn ? 'ok' : 'subject_token_rejected')))
  })

  test('an audience opens the three that belong together, whatever else is right', async () => {
    for (const at of [0, 1, 2]) {
      for (const audience of [0, 1, 2]) {
        const outcome = await codeOf(
          studio(at).exchange(await studio(at).prepare(), { site: studio(audience).world.site.url }),
        )
        expect([at, audience, outcome]).toEqual([at, audience, at === audience ? 'ok' : 'site_unknown'])
      }
    }
  })
})

describe('what one broker gave out is worth nothing at another', () => {
  test('a challenge', async () => {
    const own = await studio(1).prepare()
    expect(await codeOf(studio(1).exchange(own, { challenge: await studio(0).challenge() }))).toBe('proof_rejected')
  })

  test('a challenge that the nonce of an otherwise good sign-in was made from', async () => {
    const [here, there] = [studio(1), studio(0)]
    const begun = await there.begin()
    const signedIn = await here.world.identity.signIn('artist', { nonce: begun.nonce, clientId: clientIds[1] })
    const change = { challenge: await here.challenge() }
    expect(await codeOf(here.exchange({ ...begun, ...signedIn }, change))).toBe('proof_rejected')
  })

  test('a proof', async () => {
    const [here, there] = [studio(1), studio(0)]
    const own = await here.prepare()
    const dpop = await there.prove(own)
    expect(await here.send(own, { headers: { dpop } })).toMatchObject({ status: 400, body: { code: 'proof_rejected' } })
  })

  test('the key of a sign-in', async () => {
    const own = await studio(0).prepare()
    await studio(0).exchange(own)
    const { accessToken } = await studio(1).prepare()
    const moved: Prepared = { ...own, accessToken }
    expect(await codeOf(studio(1).exchange(moved, await studio(1).renewal(moved)))).toBe('proof_rejected')
  })

  test('a session, as either kind of token', async () => {
    const { access_token: session } = await studio(0).exchange(await studio(0).prepare())
    for (const index of [0, 1, 2]) {
      const stage = studio(index)
      const before = sessionsOf(index)
      const own = await stage.prepare()
      await stage.exchange(own)
      const asIdToken = { subjectToken: session, challenge: await stage.challenge() }
      expect(await codeOf(stage.exchange(own, asIdToken))).toBe('subject_token_rejected')
      const withSession = { ...own, accessToken: session }
      expect(await codeOf(stage.exchange(withSession, await stage.renewal(withSession)))).toBe('subject_token_rejected')
      expect(sessionsOf(index)).toBe(before + 1)
    }
  })
})

describe('two sites of one broker', () => {
  test('a sign-in to one renews no session of the other, and links nobody there', async () => {
    const stage = await ExchangeStage.open({ twoSites: true })
    const own = await stage.prepare()
    await stage.exchange(own)
    const site = stage.world.secondSite?.url ?? ''
    const renewal = { ...(await stage.renewal(own)), site }
    expect(await codeOf(stage.exchange(own, renewal))).toBe('proof_rejected')
    const table = stage.world.broker.database.selectFrom('person').select('site')
    expect(await table.execute()).toEqual([{ site: stage.world.site.url }])
    expect(stage.world.secondSite?.sessions()).toEqual([])
    await stage.close()
  })

  test('another key cannot use the same ID token at the other site', async () => {
    const stage = await ExchangeStage.open({ twoSites: true })
    const own = await stage.prepare()
    await stage.exchange(own)
    const site = stage.world.secondSite?.url ?? ''
    const change = { site, key: await makeSignInKey(), challenge: await stage.challenge() }
    expect(await codeOf(stage.exchange(own, change))).toBe('proof_rejected')
    expect(await codeOf(stage.exchange(own, { ...change, subjectTokenType: subjectTokenTypes.accessToken }))).toBe(
      'invalid_request',
    )
    expect(stage.world.secondSite?.sessions()).toEqual([])
    await stage.close()
  })
})
