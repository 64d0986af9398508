import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Writes how many tests passed, failed and were skipped, and why, to the file `npm test` names. */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env['SG_TEST_COUNTS']
    if (!file) return
    const counts = { passed: 0, failed: errors.length, skipped: [] as { name: string; reason: string }[] }
    for (const module of modules) {
      // A file that cannot be loaded, or whose hooks fail, has errors of its own and perhaps no test.
      counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') counts.passed += 1
        else if (result.state === 'skipped') {
          counts.skipped.push({ name: test.fullName, reason: result.note ?? 'its file or group was skipped' })
        } else counts.failed += 1
      }
    }
    writeFileSync(file, JSON.stringify(counts))
  }
}
