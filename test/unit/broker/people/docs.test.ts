import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { noteCodes, problemCodes } from '../../../../src/broker/people/judge-site.ts'
import { mostBytes, mostLines, peopleColumns } from '../../../../src/broker/people/people-csv.ts'
import { hasProblems, preflightReportSchema } from '../../../../src/broker/people/preflight-report.ts'

const page = readFileSync('docs/broker-people.md', 'utf8')

test('docs/broker-people.md tells of every problem, every note, every column and the limits of a file', () => {
  for (const code of problemCodes) expect(page).toContain(`| \`${code}\` |`)
  for (const code of noteCodes) expect(page).toContain(`\`${code}\``)
  expect(page).toContain(`\n${peopleColumns.join(',')}\n`)
  expect(page).toContain(`${mostBytes / 1024 / 1024} MiB and ${mostLines.toLocaleString('en')} lines`)
})

test('its example is a report as the command prints it, and has a problem', () => {
  const example = /```json\n(.*?)```/s.exec(page)?.[1] ?? ''
  const report = preflightReportSchema.parse(JSON.parse(example))
  expect(hasProblems(report)).toBe(true)
  expect(preflightReportSchema.safeParse({ ...report, more: 1 }).success).toBe(false)
  const [site] = report.sites
  if (!site) throw new Error('the example has no site')
  const totals = { ...site.totals, not_ready: 0, disabled: 9, retired: 9 }
  expect(hasProblems({ ...report, sites: [{ ...site, totals }] })).toBe(false)
})
