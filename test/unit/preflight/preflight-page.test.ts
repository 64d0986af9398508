import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { subjects } from '../../../src/preflight/person-facts.ts'
import { noteCodes } from '../../../src/preflight/person-notes.ts'
import { preflightReportSchema } from '../../../src/preflight/preflight-report.ts'

const page = readFileSync('docs/preflight.md', 'utf8')

test('the example in docs/preflight.md is a report', () => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  expect(preflightReportSchema.safeParse(JSON.parse(example)).error).toBeUndefined()
})

test('docs/preflight.md names every subject and note', () => {
  for (const code of [...subjects, ...noteCodes]) expect(page).toContain(`\`${code}\``)
})
