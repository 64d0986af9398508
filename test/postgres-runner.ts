import { type RunnerTask, type RunnerTestFile, TestRunner, type VitestTestRunner } from 'vitest'
import { postgresMissing } from './sandbox/postgres.ts'

/** Skips every test where there is no PostgreSQL, and says why: before a hook of its file could fail for want of it. */
export default class PostgresRunner extends TestRunner {
  declare onTaskUpdate: VitestTestRunner['onTaskUpdate']

  async onCollected(files: RunnerTestFile[]): Promise<void> {
    const note = postgresMissing
    if (!note) return
    const skipped = files.flatMap((file) => skip(file, note))
    // Of a file that is skipped as a whole vitest reports no single test.
    await this.onTaskUpdate?.(
      skipped.map(({ id, result, meta }) => [id, result, meta]),
      skipped.map(({ id }) => [id, 'test-finished', undefined]),
    )
  }
}

/** Marks a task and all it holds as context.skip(note) does. Returns the tests among them. */
function skip(task: RunnerTask, note: string): RunnerTask[] {
  // The type does not tell of the note.
  const result = { state: 'skip' as const, note }
  task.mode = 'skip'
  task.result = result
  return task.type === 'suite' ? task.tasks.flatMap((child) => skip(child, note)) : [task]
}
