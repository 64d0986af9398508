import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOfChallenge } from '../../src/broker/exchange/challenges.ts'
import { type PostgresServer, postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import { ClusterStage } from './cluster-stage.ts'

const rounds = 200
const roundsLimitMs = 600_000

let postgres: PostgresServer | undefined
beforeAll(async () => {
  if (!postgresMissing) postgres = await startPostgres()
})
afterAll(() => postgres?.close())

describe(`a broker killed ${rounds} times in the middle of its work loses nothing it acknowledged`, () => {
  // Side by side: a round waits for the start of a process, most of the time.
  test.concurrent('with SQLite', { timeout: roundsLimitMs }, () =>
    killAndCount((folder) => ({ file: join(folder, 'broker.sqlite') })),
  )

  test.concurrent('with PostgreSQL', { timeout: roundsLimitMs }, async ({ skip }) => {
    if (!postgres) return skip(postgresMissing)
    const url = await postgres.createDatabase()
    await killAndCount(() => ({ url }))
  })
})

async function killAndCount(database: Parameters<typeof ClusterStage.open>[1]): Promise<void> {
  const broker = await ClusterStage.open(1, database)
  const acknowledged = { challenges: [] as string[], sessions: [] as string[] }
  for (let round = 0; round < rounds; round += 1) {
    let isKilled = false
    const first = Promise.withResolvers<void>()
    const work = async (index: number): Promise<void> => {
      while (!isKilled) {
        const signIn = await broker.signIn(index)
        acknowledged.challenges.push(signIn.challenge)
        const { session_uuid: uuid } = await broker.exchange(signIn)
        acknowledged.sessions.push(uuid ?? 'none')
        first.resolve()
      }
    }
    // Each of the four ends with the trouble of talking to a broker that was killed.
    const working = Promise.allSettled(Array.from({ length: 4 }, (_, index) => work(index)))
    // In the middle of the first requests in one round, of later ones in the next.
    if (round % 2 === 1) await Promise.race([first.promise, working])
    await new Promise((wake) => setTimeout(wake, (round * 37) % 160))
    await broker.killNode(0)
    isKilled = true
    await working
    await broker.startNode(0)
  }
  const rows = await broker.auditRows()
  const issued = new Set(rows.filter(({ outcome }) => outcome === 'issued').map((row) => row.session_uuid))
  const known = await broker.challengeHashes()
  await broker.close()
  expect(acknowledged.sessions.length).toBeGreaterThan(rounds)
  expect(acknowledged.sessions.filter((uuid) => !issued.has(uuid))).toEqual([])
  expect(acknowledged.challenges.filter((challenge) => !known.has(hashOfChallenge(challenge)))).toEqual([])
}
