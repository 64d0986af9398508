import assert from 'node:assert/strict'
import { type CsvLine, peopleColumns, readPeopleCsv, writeCsv } from '../../../src/broker/people/people-csv.ts'

export const seeds = [
  'site,issuer,subject,email,user_id,login,matched_by,set_by,created_at\ns,i,SUB,a@x,7,ada,operator,operator,2026-11-22T00:00:00.000Z\n',
  '\ufefflogin,email,site\r\n"smith, ""bob""",a@x,s\n\r\n"two\nlines",b@x,s\rlast,c@x,s',
  'site,email,login\ns,a@x\ns,"b@x,l\n',
  "site,email,login\n'=1+1,''-2,\t@x\n",
  'site;email;login\n',
]

export function fuzz(data: Uint8Array): void {
  const { lines, wrong } = readPeopleCsv(data)
  for (const { line, reason } of wrong) assert.ok(Number.isInteger(line) && line >= 1 && reason.length > 0)
  for (const [index, { line, cells }] of lines.entries()) {
    assert.ok(Number.isInteger(line) && line > (lines[index - 1]?.line ?? 1), 'each begins after the one before')
    assert.ok(Object.values(cells).every((cell) => cell !== ''))
  }
  const table = writeCsv(peopleColumns, lines.map(rowOf))
  const again = readPeopleCsv(Buffer.from(table))
  // A line of empty cells is written as one and read as one.
  assert.deepEqual(again.wrong, [])
  assert.deepEqual(
    again.lines.map(({ cells }) => cells),
    lines.map(({ cells }) => cells),
    'what was read says the same when it is written and read again',
  )
}

function rowOf({ cells }: CsvLine): string[] {
  return peopleColumns.map((column) => cells[column] ?? '')
}
