import { CsvError, parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import type { PeopleRow } from './people-rows.ts'

/** The columns of an export, in this order. An import may have them in any order and needs only some. */
export const peopleColumns = [
  'site',
  'issuer',
  'subject',
  'email',
  'user_id',
  'login',
  'matched_by',
  'set_by',
  'created_at',
] as const

export type PeopleColumn = (typeof peopleColumns)[number]

/** A line's cells; an empty cell is left out. */
export interface CsvLine {
  /** Where it begins in the file, counted from 1. */
  readonly line: number
  readonly cells: Readonly<Partial<Record<PeopleColumn, string>>>
}

export interface WrongLine {
  readonly line: number
  readonly column: PeopleColumn | undefined
  readonly reason: string
}

export const mostBytes = 16 * 1024 * 1024
export const mostLines = 100_000
/** Also the end of a quoted cell that was never closed. */
const mostCharactersALine = 64 * 1024

/** Rows as RFC 4180 CSV with a header. Times are ISO 8601, UTC. */
export function writePeopleCsv(rows: readonly PeopleRow[]): string {
  return writeCsv(
    peopleColumns,
    rows.map((row) => [
      row.site,
      row.account?.issuer ?? '',
      row.account?.subject ?? '',
      row.email ?? '',
      String(row.userId),
      row.login,
      row.matchedBy,
      row.setBy,
      new Date(row.createdAt).toISOString(),
    ]),
  )
}

/** Any table as CSV that a spreadsheet can open: no cell of it is a formula. */
export function writeCsv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return stringify([[...columns], ...rows.map((row) => row.map(protectCell))])
}

/** What a spreadsheet would run, or has been kept from running by apostrophes before it. */
const startOfFormula = /^'*[=+\-@\t\r\n＝＋－＠]/

/** csv-stringify's own `escape_formulas` cannot be taken back: it leaves a cell that begins with an apostrophe as it is. */
function protectCell(cell: string): string {
  return startOfFormula.test(cell) ? `'${cell}` : cell
}

function unprotectCell(cell: string): string {
  return cell.startsWith("'") && startOfFormula.test(cell) ? cell.slice(1) : cell
}

/** Reads a file of people. What is wrong with it comes back line by line; the lines that could be read come too. */
export function readPeopleCsv(bytes: Uint8Array): { lines: CsvLine[]; wrong: WrongLine[] } {
  if (bytes.byteLength > mostBytes) return refused(1, `the file has more than ${mostBytes / 1024 / 1024} MiB`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refused(1, 'the file is not UTF-8 text; save it as "CSV UTF-8"')
  }
  const { records, broken } = readRecords(text)
  const [header, ...rest] = records
  if (!header) return broken ? { lines: [], wrong: [broken] } : refused(1, 'the file is empty')
  const columns = judgeHeader(header)
  if (!Array.isArray(columns)) return { lines: [], wrong: [columns] }
  if (rest.length > mostLines) return refused(mostLines + 2, `the file has more than ${mostLines} lines of people`)
  const lines: CsvLine[] = []
  const wrong: WrongLine[] = []
  for (const { line, cells } of rest) {
    if (cells.length === columns.length) {
      const named = cells.flatMap((cell, index) => (cell === '' ? [] : [[columns[index], unprotectCell(cell)]]))
      lines.push({ line, cells: Object.fromEntries(named) })
    } else {
      wrong.push({ line, column: undefined, reason: `${cells.length} cells under a header of ${columns.length}` })
    }
  }
  return { lines, wrong: broken ? [...wrong, broken] : wrong }
}

interface CsvRecord {
  readonly line: number
  readonly cells: readonly string[]
}

function readRecords(text: string): { records: CsvRecord[]; broken?: WrongLine } {
  const records: CsvRecord[] = []
  try {
    parse(text, {
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: mostCharactersALine,
      // One more than may be, and the header: enough to say that there are too many.
      to: mostLines + 2,
      on_record(cells: string[], { lines }) {
        const breaks = cells.join('').match(/\r\n|\n|\r/g)?.length ?? 0
        records.push({ line: lines - breaks, cells })
        return null
      },
    })
    return { records }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error['lines'] === 'number' ? error['lines'] : records.length + 1
    return { records, broken: { line, column: undefined, reason: brokenReasons[error.code] ?? error.message } }
  }
}

const brokenReasons: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted cell before this line has no end',
  CSV_INVALID_CLOSING_QUOTE: 'text follows the end of a quoted cell; a quote inside of one is written twice',
  INVALID_OPENING_QUOTE: 'a quote in the middle of a cell; such a cell is quoted as a whole',
  CSV_MAX_RECORD_SIZE: `longer than ${mostCharactersALine} characters; is a quoted cell not closed?`,
}

function judgeHeader({ line, cells }: CsvRecord): PeopleColumn[] | WrongLine {
  const wrong = (reason: string): WrongLine => ({ line, column: undefined, reason })
  const columns: PeopleColumn[] = []
  for (const cell of cells) {
    const column = peopleColumns.find((name) => name === cell)
    if (!column && cells.length === 1 && /[;\t]/.test(cell)) return wrong('cells are to be separated by commas')
    if (!column) return wrong(`"${cell}" is not a column of people: ${peopleColumns.join(', ')}`)
    if (columns.includes(column)) return wrong(`"${column}" is there twice`)
    columns.push(column)
  }
  const lacks = needed.find((names) => !names.some((name) => columns.includes(name)))
  return lacks ? wrong(`a column is missing: ${lacks.map((name) => `"${name}"`).join(' or ')}`) : columns
}

/** Of each of these one. */
const needed: readonly (readonly PeopleColumn[])[] = [['site'], ['subject', 'email'], ['user_id', 'login']]

function refused(line: number, reason: string): { lines: []; wrong: [WrongLine] } {
  return { lines: [], wrong: [{ line, column: undefined, reason }] }
}
