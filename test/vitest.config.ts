import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './longest-first.ts'

/** These compare times or memory: nothing else may run beside them. */
const measuring = ['test/e2e/app/weight.test.ts', 'test/e2e/main-job.test.ts']

/** What real programs come to within a second on a free machine takes longer on one that has more to do. */
const patient = { expect: { poll: { timeout: 20_000 } } }

/** `unit` touches no socket, file or process; `integration` runs real peers; `e2e` real programs too, `measured` alone. */
export default defineConfig({
  test: {
    reporters: ['default', './test/counting-reporter.ts'],
    // One more than there are cores: most of these wait for programs they start.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      // Nothing here leaves anything behind, so the files of a worker share it: a third of the time.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], root: '.', isolate: false, testTimeout: 20_000 } },
      {
        test: {
          name: 'e2e',
          ...patient,
          setupFiles: './test/canaries/attic.ts',
          // Real programs, a dozen a file: with one more at once they starve each other.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: measuring,
          root: '.',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'measured',
          ...patient,
          setupFiles: './test/canaries/attic.ts',
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          include: measuring,
          root: '.',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          ...patient,
          setupFiles: './test/canaries/attic.ts',
          include: ['test/integration/**/*.test.ts'],
          root: '.',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          provide: { database: 'sqlite' },
        },
      },
      // The broker's tests once more, with a database that several brokers may share.
      {
        test: {
          name: 'integration-postgres',
          ...patient,
          setupFiles: './test/canaries/attic.ts',
          include: ['test/integration/broker*.test.ts'],
          // These are about the process, its socket and its files, or refuse before a table is asked; the tables of the others
          // are what the databases differ in.
          exclude: [
            'test/integration/broker-operation-*.test.ts',
            'test/integration/broker-web-app-{config,origins}.test.ts',
            'test/integration/broker-{addresses,answers,grammar,http,id-token,id-token-forged,identity-trouble}.test.ts',
          ],
          root: '.',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          provide: { database: 'postgres' },
          globalSetup: './test/servers.ts',
          runner: './test/postgres-runner.ts',
        },
      },
    ],
  },
})
