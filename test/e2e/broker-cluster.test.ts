import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExchangeAnswer } from '../../src/token-exchange.ts'
import { type PostgresServer, postgresMissing, startPostgres } from '../sandbox/postgres.ts'
import { type RedisServer, redisMissing, startRedis } from '../sandbox/redis.ts'
import { ClusterStage } from './cluster-stage.ts'

const missing = postgresMissing ?? redisMissing

describe('two brokers, one PostgreSQL, one Redis', () => {
  let postgres: PostgresServer
  let redis: RedisServer
  let cluster: ClusterStage

  beforeAll(async () => {
    if (missing) return
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
    const url = await postgres.createDatabase()
    cluster = await ClusterStage.open(2, () => ({ url }), redis.url)
  })
  afterAll(async () => {
    await cluster?.close()
    await Promise.all([postgres?.close(), redis?.close()])
  })

  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'ok',
      (error: { code?: string }) => error.code ?? String(error),
    )

  test('of two hundred identical exchanges on both nodes, with Redis flushed meanwhile, exactly one succeeds', async ({
    skip,
  }) => {
    if (missing) return skip(missing)
    const signIn = await cluster.signIn()
    const flushing = (async () => {
      for (let time = 0; time < 20; time += 1) await redis.flush()
    })()
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => codeOf(cluster.exchange(signIn))))
    await flushing
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'proof_rejected']))
  })

  test('a node killed, PostgreSQL restarted and Redis gone under load cost nobody a session, and nobody gets two', async ({
    skip,
  }) => {
    if (missing) return skip(missing)
    let isOver = false
    let begun = 0
    const answers: ExchangeAnswer[] = []
    const replayed: string[] = []
    /** How often a challenge brought somebody a session, whoever it was. */
    const successes = new Map<string, number>()
    const count = (challenge: string): void => void successes.set(challenge, (successes.get(challenge) ?? 0) + 1)
    const artist = async (): Promise<void> => {
      while (!isOver) {
        const number = begun++
        const signIn = await cluster.persistently(() => cluster.signIn(number))
        let challenge = signIn.challenge
        answers.push(
          await cluster.persistently(async () => {
            const exchange = { ...signIn, challenge }
            try {
              const answer = await cluster.exchange(exchange)
              count(challenge)
              return answer
            } finally {
              // Somebody who recorded the request sends it again; the next node gets it.
              const outcome = await codeOf(cluster.exchange(exchange))
              replayed.push(outcome)
              if (outcome === 'ok') count(challenge)
              challenge = await cluster.persistently(() => cluster.challenge())
            }
          }),
        )
      }
    }
    const load = Promise.all(Array.from({ length: 6 }, artist))
    // Nothing of the load may go unheard while the faults are made.
    load.catch(() => undefined)
    const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms))
    await pause(1_500)
    await cluster.killNode(1)
    await pause(1_000)
    await cluster.startNode(1)
    await pause(1_000)
    await postgres.stop('immediate')
    await pause(1_000)
    await postgres.start()
    await pause(1_500)
    await redis.flush()
    await redis.stop()
    await pause(1_000)
    await redis.start()
    await cluster.killNode(0)
    await pause(500)
    await cluster.startNode(0)
    await pause(1_500)
    isOver = true
    await load

    expect(answers.length).toBe(begun)
    expect(answers.length).toBeGreaterThan(30)
    // A request that never reached its node may still be good for one session, but none is for two.
    expect([...successes.values()].filter((times) => times > 1)).toEqual([])
    expect(replayed.filter((outcome) => outcome === 'proof_rejected').length).toBeGreaterThan(answers.length / 2)

    const rows = await cluster.auditRows()
    const issued = rows.filter(({ outcome }) => outcome === 'issued').map(({ session_uuid: uuid }) => uuid)
    expect(new Set(issued).size).toBe(issued.length)
    expect(answers.map(({ session_uuid: uuid }) => uuid).filter((uuid) => !issued.includes(uuid ?? ''))).toEqual([])
    expect(new Set(answers.map(({ access_token: token }) => token)).size).toBe(answers.length)
  })
})
