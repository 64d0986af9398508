import { expect, type Mock, vi } from 'vitest'
import type { Agent } from '../../src/agent.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import type { Fetch, OpenBrowser, Ports } from '../../src/ports.ts'
import { Keychain } from './keychain.ts'
import { nodeFetch, startWorld, TestClock, type World } from './world.ts'

export const minute = 60_000
export const hour = 60 * minute

/** A studio that remembers sign-ins, whose site's sessions last an hour; runs of one user's agent, one after the other. */
export class ResumeStage {
  readonly world: World
  clock = new TestClock()
  keychain = new Keychain()
  readonly noBrowser: Mock<OpenBrowser> = vi.fn(async () => Promise.reject(new Error('no browser may open here')))

  private constructor(world: World) {
    this.world = world
  }

  static async open(): Promise<ResumeStage> {
    return new ResumeStage(await startWorld({ broker: { sessionLifetimeS: 3600 }, session: { rememberSignIn: true } }))
  }

  /** Another user, another day. */
  reset(): void {
    this.clock = new TestClock()
    this.keychain = new Keychain()
    this.world.site.faults.clear()
    this.world.identity.faults.clear()
    Object.assign(this.world.identity.switches, { refreshReturnsIdToken: false, refreshGraceMs: 0 })
  }

  /** A run of the agent at whose browser somebody sits. */
  firstRun(ports: Partial<Ports> = {}, person = 'artist'): Agent {
    return this.world.agent(person, { clock: this.clock, secretStore: this.keychain, ...ports })
  }

  /** A later run; it may not open a browser. */
  nextRun(ports: Partial<Ports> = {}, session: PartialConfig['session'] = {}): Agent {
    const own = { clock: this.clock, secretStore: this.keychain, openBrowser: this.noBrowser }
    return this.world.agent('artist', { ...own, ...ports }, session)
  }

  /** Waits until nothing is remembered. */
  async untilForgotten(): Promise<void> {
    await expect.poll(() => this.keychain.content.size).toBe(0)
  }

  calls(name: string): number {
    return this.world.identity.calls.get(name) ?? 0
  }

  /** Whether Autodesk still takes a refresh token; asking uses it up. */
  async isAlive(refreshToken: string): Promise<boolean> {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'sg-session-tray' }
    const answer = await fetch(`${this.world.identity.issuer}/authentication/v2/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    return answer.status === 200
  }
}

export async function tokenOf(agent: Agent): Promise<string> {
  return (await agent.session(undefined, 5 * minute, false)).session.sessionToken.reveal()
}

/** Brings the answers to refreshes home late, after they took effect. */
export function withSlowRefresh(wait: () => Promise<unknown>): Fetch {
  return async (url, init) => {
    const answer = await nodeFetch(url, init)
    if (String(init.body).includes('grant_type=refresh_token')) await wait()
    return answer
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
