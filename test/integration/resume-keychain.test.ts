import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeLog } from '../../src/log.ts'
import { findSecret } from '../e2e/find-secret.ts'
import { minute, ResumeStage, tokenOf } from './resume-stage.ts'
import { codeOf } from './world.ts'

let stage: ResumeStage
beforeAll(async () => {
  stage = await ResumeStage.open()
})
afterAll(() => stage.world.close())
beforeEach(() => stage.reset())
afterEach(() => expect(stage.noBrowser).not.toHaveBeenCalled())

describe('a keychain in trouble', () => {
  test.each(['throws', 'hangs'] as const)('that %s does not keep anybody from signing in and out', async (trouble) => {
    stage.keychain.trouble = trouble
    const agent = stage.firstRun()
    const startedMs = performance.now()
    expect(await agent.signIn(undefined)).toMatchObject({ state: 'signed_in' })
    // One that throws keeps nobody waiting anyhow, and the first sign-in of the file has everything to load.
    if (trouble === 'hangs') expect(performance.now() - startedMs).toBeLessThan(2_500)
    stage.clock.advance(58 * minute)
    const before = await agent.session(undefined, 0, false)
    expect(await tokenOf(agent)).not.toBe(before.session.sessionToken.reveal())
    await expect
      .poll(() => agent.secretStoreProblem(), { timeout: 20_000 })
      .toMatchObject({
        code: 'secret_store_unavailable',
      })
    // What nobody can resume is revoked when the agent stops.
    const revocations = stage.calls('revoke')
    await agent.close()
    expect(stage.calls('revoke')).toBe(revocations + 2)
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })

  test.each(['throws', 'hangs'] as const)('that %s when it is asked leaves the artist signed out', async (trouble) => {
    await stage.firstRun().signIn(undefined)
    stage.keychain.trouble = trouble
    const agent = stage.firstRun()
    const resumed = agent.resume()
    const startedMs = performance.now()
    expect(await codeOf(agent.session(undefined, 0, false))).toBe('login_required')
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(await agent.signIn(undefined)).toMatchObject({ state: 'signed_in' })
    await resumed
    await agent.signOut(undefined)
    expect(performance.now() - startedMs).toBeLessThan(15_000)
  })

  test('that works again is used again', async () => {
    stage.keychain.trouble = 'throws'
    const agent = stage.firstRun()
    await agent.signIn(undefined)
    await expect.poll(() => agent.secretStoreProblem()).toBeDefined()
    stage.keychain.trouble = 'none'
    stage.clock.advance(58 * minute)
    await tokenOf(agent)
    expect(agent.secretStoreProblem()).toBeUndefined()
    await agent.close()
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in' }])
  })

  test('that is not there is said, and everything stays in memory', async () => {
    const agent = stage.world.agent('artist', { clock: stage.clock })
    await agent.resume()
    await agent.signIn(undefined)
    expect(agent.secretStoreProblem()).toMatchObject({ code: 'secret_store_unavailable' })
    const revocations = stage.calls('revoke')
    await agent.close()
    expect(stage.calls('revoke')).toBe(revocations + 2)
  })
})

describe('where remembering is switched off', () => {
  const off = { rememberSignIn: false }

  test('the keychain is left alone', async () => {
    const agent = stage.world.agent('artist', { clock: stage.clock, secretStore: stage.keychain }, off)
    await agent.signIn(undefined)
    stage.clock.advance(58 * minute)
    await tokenOf(agent)
    await agent.signOut(undefined)
    await agent.signIn(undefined)
    await agent.close()
    expect(stage.keychain.calls).toEqual([])
    expect(agent.secretStoreProblem()).toBeUndefined()
  })

  test('what was remembered before is deleted, once', async () => {
    await stage.firstRun().signIn(undefined)
    stage.keychain.calls.length = 0
    const agent = stage.nextRun({}, off)
    await agent.resume()
    await agent.resume()
    expect(stage.keychain.calls).toEqual(['delete'])
    expect(agent.status()).toMatchObject([{ state: 'signed_out' }])
  })
})

test('nothing of it is anywhere but in the keychain', async () => {
  const lines: string[] = []
  const log = makeLog('debug', { write: (line) => void lines.push(line) })
  const first = stage.firstRun({ log })
  await first.signIn(undefined)
  const seen = [stage.keychain.only]
  stage.clock.advance(58 * minute)
  await tokenOf(first)
  seen.push(stage.keychain.only)
  await first.close()
  await stage.world.stopBroker()
  const next = stage.nextRun({ log })
  await next.resume()
  await stage.world.restartBroker()
  await next.resume()
  expect(next.status()).toMatchObject([{ state: 'signed_in' }])
  seen.push(stage.keychain.only)
  stage.keychain.trouble = 'throws'
  stage.clock.advance(58 * minute)
  await tokenOf(next)
  expect(lines.join('')).toContain('keychain')
  for (const { token, key } of seen) {
    const { d } = JSON.parse(key) as { d: string }
    for (const secret of [token, d]) {
      expect(lines.join('')).not.toContain(secret)
      expect(JSON.stringify(next.status())).not.toContain(secret)
      expect(await findSecret(secret, stage.world.folder, process.pid)).toEqual([])
    }
  }
  // And the sign-in's only address in the keychain: which Autodesk, which site, which app.
  expect([...stage.keychain.content.keys()]).toEqual([
    `${stage.world.identity.issuer} ${stage.world.site.url} sg-session-tray`,
  ])
})
