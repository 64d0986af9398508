import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOfChallenge } from '../../src/broker/exchange/challenges.ts'
import { type PostgresServer, postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import { ClusterStage, type Recorded } from './cluster-stage.ts'

/** Three quarters of a round of kills was the start of the next broker, so most of the moments are only looked at. */
const moments = 200
/** Every so many of them the broker is killed, and the next one goes on with what it left. */
const momentsToAKill = 20
const limitMs = 300_000
const workers = 4

let postgres: PostgresServer | undefined
beforeAll(async () => {
  if (!postgresMissing) postgres = await startPostgres()
})
afterAll(() => postgres?.close())

describe(`a broker stopped at ${moments} moments in the middle of its work, and killed at some, has lost nothing it acknowledged`, () => {
  test.concurrent('with SQLite', { timeout: limitMs }, () =>
    stopAndCount((folder) => ({ file: join(folder, 'broker.sqlite') })),
  )

  test.concurrent('with PostgreSQL', { timeout: limitMs }, async ({ skip }) => {
    if (!postgres) return skip(postgresMissing)
    const url = await postgres.createDatabase()
    await stopAndCount(() => ({ url }))
  })
})

async function stopAndCount(database: Parameters<typeof ClusterStage.open>[1]): Promise<void> {
  const broker = await ClusterStage.open(1, database)
  const acknowledged = { challenges: [] as string[], sessions: [] as string[] }
  let life = 0
  let progress = Promise.withResolvers<void>()
  const work = async (index: number, mine: number): Promise<void> => {
    while (mine === life) {
      const signIn = await broker.signIn(index)
      acknowledged.challenges.push(signIn.challenge)
      progress.resolve()
      const { session_uuid: uuid } = await broker.exchange(signIn)
      acknowledged.sessions.push(uuid ?? 'none')
      progress.resolve()
    }
  }
  // Each of the four ends with the trouble of talking to a broker that was killed.
  const begin = () => Promise.allSettled(Array.from({ length: workers }, (_, index) => work(index, life)))
  const demandAll = ({ rows, challenges }: Recorded): void => {
    const issued = new Set(rows.filter(({ outcome }) => outcome === 'issued').map((row) => row.session_uuid))
    expect(acknowledged.sessions.filter((uuid) => !issued.has(uuid))).toEqual([])
    expect(acknowledged.challenges.filter((challenge) => !challenges.has(hashOfChallenge(challenge)))).toEqual([])
  }
  let working = begin()
  for (let moment = 0; moment < moments; moment += 1) {
    // In the middle of a broker's first requests, then of later ones.
    if (moment % momentsToAKill !== 0) await Promise.race([progress.promise, working])
    await sleep((moment * 37) % 31)
    progress = Promise.withResolvers<void>()
    await broker.freezeNode(0)
    // Also what was sent before, and is read only now.
    const found = await broker.recordedBesides()
    demandAll(found)
    if (moment % momentsToAKill !== momentsToAKill - 1) {
      broker.thawNode(0)
      continue
    }
    await broker.killNode(0)
    life += 1
    await working
    await broker.startNode(0)
    const left = await broker.recorded()
    demandAll(left)
    // What was looked at besides is what the next broker finds, but for what was on its way to PostgreSQL.
    expect(left.rows.slice(0, found.rows.length)).toEqual(found.rows)
    working = begin()
  }
  life += 1
  await working
  demandAll(await broker.recorded())
  await broker.close()
  expect(acknowledged.sessions.length).toBeGreaterThan(moments / 4)
}
