import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fetch } from '../../src/ports.ts'
import { ResumeStage, tokenOf } from './resume-stage.ts'
import { codeOf, nodeFetch, type World } from './world.ts'

let stage: ResumeStage
beforeAll(async () => {
  stage = await ResumeStage.open()
})
afterAll(() => stage.world.close())
beforeEach(() => stage.reset())
afterEach(() => expect(stage.noBrowser).not.toHaveBeenCalled())

describe('trouble on the way keeps the memory, and a later try goes on', () => {
  const offline: Fetch = async () => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) })
  }
  const inject = (path: string, does: Parameters<World['identity']['faults']['inject']>[0]['does']) => () =>
    stage.world.identity.faults.inject({ path, does })
  const token = '/authentication/v2/token'
  test.each<[string, () => unknown]>([
    ['Autodesk is down', inject('/', { kind: 'status', status: 503 })],
    ['Autodesk’s token call is down', inject(token, { kind: 'status', status: 503 })],
    ['Autodesk’s token call is reset, each time', inject(token, { kind: 'reset' })],
    ['a portal answers for Autodesk', inject('/', { kind: 'html' })],
    ['a proxy forbids Autodesk’s metadata', inject('/.well-known', { kind: 'status', status: 407 })],
    ['a proxy forbids Autodesk’s token call', inject(token, { kind: 'status', status: 403, body: '<html>' })],
    ['the broker is down', () => stage.world.stopBroker()],
    ['the site is down', () => stage.world.site.faults.inject({ path: '/api', does: { kind: 'status', status: 503 } })],
  ])('%s', async (name, breakIt) => {
    await stage.firstRun().signIn(undefined)
    const next = stage.nextRun()
    const heard = vi.fn()
    next.onChange(heard)
    await breakIt()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_out' }])
    expect(await codeOf(tokenOf(next))).toBe('login_required')
    expect(heard).not.toHaveBeenCalled()
    expect(stage.keychain.content.size).toBe(1)
    stage.world.identity.faults.clear()
    stage.world.site.faults.clear()
    if (name === 'the broker is down') await stage.world.restartBroker()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in', reason: 'resumed' }])
  })

  test('there is no network at all: Autodesk’s token is not even used', async () => {
    await stage.firstRun().signIn(undefined)
    const before = stage.keychain.only.token
    let fetch = offline
    const next = stage.nextRun({ fetch: (url, init) => fetch(url, init) })
    await next.resume()
    await next.close()
    expect(stage.keychain.only.token).toBe(before)
    fetch = nodeFetch
    const later = stage.nextRun()
    await later.resume()
    expect(later.status()).toMatchObject([{ state: 'signed_in' }])
  })

  test('the answer to a refresh was lost: asked once more, within Autodesk’s grace nothing is lost', async () => {
    stage.world.identity.switches.refreshGraceMs = 5_000
    await stage.firstRun().signIn(undefined)
    stage.world.identity.faults.inject({ path: token, times: 1, does: { kind: 'lost-reply' } })
    const next = stage.nextRun()
    await next.resume()
    expect(next.status()).toMatchObject([{ state: 'signed_in' }])
  })
})
