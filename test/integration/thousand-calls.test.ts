import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentClient, type AgentSession } from '../../src/client/node/agent-client.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { SiteFault } from '../../src/shotgrid/faults.ts'
import { callRpc } from '../../src/shotgrid/json-rpc.ts'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { nodeFetch, startWorld, type World } from './world.ts'

const workers = 4
const callsEach = 250

let world: World
let folder: string
let files: string[]
beforeAll(async () => {
  world = await startWorld()
  folder = await mkdtemp(join(tmpdir(), 'sg-session-thousand-'))
  files = [join(folder, 'sg-session', 'endpoint.json')]
  const agent = world.agent('artist')
  await claimEndpoint(files, () => agent.listen())
  await agent.signIn(undefined)
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

/** A tool at work: it keeps its session until the site refuses it, and then does what docs/plug-ins.md says, once. */
class Worker {
  readonly #client: AgentClient
  #session: AgentSession | undefined
  reports = 0

  constructor(name: string) {
    this.#client = new AgentClient({ endpointFiles: files, caller: { name, version: '1' } })
  }

  async call(): Promise<unknown> {
    const session = this.#session ?? (await this.#client.getSession())
    this.#session = session
    try {
      return await ask(session)
    } catch (error) {
      if (!(error instanceof SiteFault) || error.kind !== 'authentication') throw error
      this.reports += 1
      await this.#client.reportRejected({ generation: session.generation })
      this.#session = await this.#client.getSession()
      return ask(this.#session)
    }
  }

  close(): void {
    this.#client.close()
  }
}

function ask({ apiUrl, sessionToken }: AgentSession): Promise<unknown> {
  const caller = { kind: 'session', sessionToken: new Secret(sessionToken) } as const
  const params = { type: 'Project', return_fields: ['name'], paging: { entities_per_page: 1, current_page: 1 } }
  return callRpc(nodeFetch, apiUrl, caller, { method: 'read', params, signal: AbortSignal.timeout(10_000) })
}

test('a thousand calls of four workers, with a session that ends in the middle: none fails, and it is renewed once', async () => {
  const made = () => world.site.calls.get('get_session_token') ?? 0
  const refreshed = () => world.identity.calls.get('token:refresh_token') ?? 0
  const [madeBefore, refreshedBefore, readBefore] = [made(), refreshed(), world.site.calls.get('read') ?? 0]
  const crew = Array.from({ length: workers }, (_, index) => new Worker(`worker ${index}`))
  const failures: unknown[] = []
  let done = 0
  await Promise.all(
    crew.map(async (worker) => {
      for (let call = 0; call < callsEach; call += 1) {
        await worker.call().catch((error: unknown) => failures.push(error))
        done += 1
        if (done === (workers * callsEach) / 2)
          expect(world.site.expireSessions({ login: 'artist@studio.example' })).toBe(1)
      }
    }),
  )
  for (const worker of crew) worker.close()
  expect(failures).toEqual([])
  expect(done).toBe(1_000)
  // Every worker noticed; all of them together cost one renewal.
  expect(crew.map(({ reports }) => reports)).toEqual([1, 1, 1, 1])
  expect([made() - madeBefore, refreshed() - refreshedBefore]).toEqual([1, 1])
  // The calls that took effect at the site, besides what the broker reads for a renewal.
  expect((world.site.calls.get('read') ?? 0) - readBefore).toBeGreaterThanOrEqual(1_000)
})
