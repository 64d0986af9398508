import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AgentClient, AgentSession } from '../../src/client/node/agent-client.ts'
import type { Running } from '../sandbox/processes.ts'
import { cpuMsOf, FakeClock, type FaultStage, isGood, openFaultStage } from './fault-stage.ts'

const hour = 3600_000
const day = 24 * hour
/** Autodesk's and the site's clock is right in all of these but where the machine sleeps: then time has passed for everybody. */
const callers = 20

let stage: FaultStage
let clock: FakeClock
let agent: Running
let client: AgentClient
beforeAll(async () => {
  stage = await openFaultStage({ sessionLifetimeS: 6, site: { sessionWindowS: 6 }, secondWindowS: 12 * 3600 })
  clock = new FakeClock(stage.studio.folder)
  client = stage.client()
  await stage.studio.startBroker()
})
beforeEach((context) => {
  if (!FakeClock.library) context.skip('libfaketime is not installed')
})
afterEach(async () => {
  // None was started where a test was skipped.
  await (agent as Running | undefined)?.stop()
  stage.site.clock.reset()
  stage.second.clock.reset()
})
afterAll(() => stage.close())

async function start(options: { monotonicToo?: boolean } = {}): Promise<void> {
  agent = await stage.studio.startAgent(await clock.how(options))
}

/** Sets the clock and demands that nothing spins afterwards: the process comes to rest, at once on a machine that is free. */
async function jump(aheadMs: number): Promise<void> {
  await clock.set(aheadMs)
  await sleep(1_100)
  const usedMs = async (): Promise<number> => {
    const before = await cpuMsOf(agent.pid)
    await sleep(500)
    return (await cpuMsOf(agent.pid)) - before
  }
  await expect.poll(usedMs, { timeout: 10_000, interval: 0 }).toBeLessThan(50)
}

/** The machine sleeps: no program runs, and when they do again time has passed. */
async function fallAsleep(ms: number, aheadMs: number): Promise<void> {
  process.kill(agent.pid, 'SIGSTOP')
  stage.site.clock.advance(ms)
  stage.second.clock.advance(ms)
  process.kill(agent.pid, 'SIGCONT')
  await jump(aheadMs)
}

const at = async (site: string) => (await client.status()).sites.find((one) => one.site === site)
const ask = (request: Parameters<AgentClient['getSession']>[0]): Promise<AgentSession[]> =>
  Promise.all(Array.from({ length: callers }, () => client.getSession(request)))

describe('a clock that jumps while the agent holds sessions', () => {
  test('two hours back does not lengthen one: it is served while the site takes it, then renewed, once', async () => {
    await start()
    await stage.signInAtFirst(client)
    const first = await client.getSession({ minValidityS: 0 })
    await jump(-2 * hour)
    const refreshes = stage.identity.calls.get('token:refresh_token') ?? 0
    await expect.poll(() => isGood(stage.site, first), { timeout: 20_000 }).toBe(false)
    const next = await ask({ minValidityS: 0 })
    expect(new Set(next.map(({ sessionToken }) => sessionToken)).size).toBe(1)
    expect(next.every((one) => isGood(stage.site, one))).toBe(true)
    expect((stage.identity.calls.get('token:refresh_token') ?? 0) - refreshes).toBe(1)
  })

  test('a day or ten years forward ends the day: nothing is served, and signing in again works at once', async () => {
    await start()
    const { url } = stage.second
    await stage.signInAtFirst(client)
    for (const aheadMs of [day, 3_652 * day]) {
      await stage.signInAtSecond(client)
      await jump(aheadMs)
      expect(await at(url)).toMatchObject({ state: 'signed_out', reason: 'session_ended' })
      expect(await at(stage.site.url)).toMatchObject({ state: 'signed_out', reason: 'session_ended' })
      await expect(client.getSession({ site: url })).rejects.toMatchObject({ code: 'login_required' })
    }
    await stage.signInAtSecond(client)
    expect(isGood(stage.second, await client.getSession({ site: url }))).toBe(true)
    expect(agent.stderr()).toContain('the clock was set, or the machine slept')
  })
})

describe('a machine that sleeps for nine hours', () => {
  test.each([
    ['stands still', false],
    ['counts on', true],
  ])(
    'wakes up right where its monotonic clock %s: what is over is over, what is near its end is renewed once',
    async (_what, monotonicToo) => {
      await start({ monotonicToo })
      const { url } = stage.second
      await stage.signInAtSecond(client)
      await fallAsleep(9 * hour, 9 * hour)
      expect(await at(url)).toMatchObject({ state: 'signed_in' })
      const prolonged = () => stage.second.web.requests.filter(({ method }) => method === 'POST').length
      const before = prolonged()
      const sessions = await ask({ site: url, minValidityS: 4 * 3600 })
      expect(prolonged() - before).toBe(1)
      expect(sessions.every((one) => isGood(stage.second, one))).toBe(true)
      // The second night: the working day is twelve hours.
      await fallAsleep(9 * hour, 18 * hour)
      await expect(client.getSession({ site: url })).rejects.toMatchObject({ code: 'login_required' })
      expect(await at(url)).toMatchObject({ state: 'signed_out', reason: 'session_ended' })
      expect(agent.stderr()).not.toContain('stood still')
    },
  )
})
