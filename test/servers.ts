import type { TestProject } from 'vitest/node'
import './canaries/attic.ts'
import { postgresMissing, startPostgres } from './sandbox/postgres.ts'
import { redisMissing, startRedis } from './sandbox/redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** What the broker of this project's tests keeps its data in. */
    database: 'sqlite' | 'postgres'
    /** The servers of this run, shared by all files of a project that has them; undefined when not installed. */
    postgresUrl: string | undefined
    redisUrl: string | undefined
  }
}

/** Starts one PostgreSQL and one Redis for the project, for as long as its tests run. */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([
    postgresMissing ? undefined : startPostgres(),
    redisMissing ? undefined : startRedis(),
  ])
  project.provide('postgresUrl', postgres?.url)
  project.provide('redisUrl', redis?.url)
  return async () => {
    await Promise.all([postgres?.close(), redis?.close()])
  }
}
