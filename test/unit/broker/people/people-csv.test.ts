import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  mostBytes,
  mostLines,
  peopleColumns,
  readPeopleCsv,
  writeCsv,
  writePeopleCsv,
} from '../../../../src/broker/people/people-csv.ts'
import { expected, linked } from './rows.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string) => readPeopleCsv(bytes(text))
const reasons = (text: string) =>
  read(text).wrong.map(({ line, column, reason }) => `${line}${column ? ` ${column}` : ''}: ${reason}`)

describe('a file of people', () => {
  test('is written with a header, a line a row, times in UTC', () => {
    const rows = [linked('SUB', 7, { email: 'a@x' }), expected('b@x', 8)]
    expect(writePeopleCsv(rows)).toBe(
      [
        'site,issuer,subject,email,user_id,login,matched_by,set_by,created_at',
        'https://studio.example,https://identity.example,SUB,a@x,7,user-7,operator,operator,2026-11-22T00:00:00.000Z',
        'https://studio.example,,,b@x,8,user-8,operator,operator,2026-11-22T00:00:00.000Z',
        '',
      ].join('\n'),
    )
  })

  test('says the same when it is read again, whatever is in it', () => {
    // What UTF-8 can carry; a lone surrogate is no text.
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((candidate) => candidate.isWellFormed())
    const odd = fc
      .tuple(fc.constantFrom('=', '+', '-', '@', "'", "'=", "''+", '\t', '\r', '\n', '"', ',', '＝', '\ufeff'), text)
      .map(([start, rest]) => start + rest)
    const cell = fc.oneof(text, odd)
    const row = fc.record({
      login: cell,
      setBy: cell,
      email: fc.option(cell, { nil: undefined }),
      subject: cell,
      userId: fc.integer({ min: 1 }),
      createdAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (all) => {
        const rows = all.map(({ subject, userId, ...change }) => linked(subject, userId, change))
        const { lines, wrong } = readPeopleCsv(bytes(writePeopleCsv(rows)))
        expect(wrong).toEqual([])
        const wanted = rows.map(({ site, account, email, userId, login, matchedBy, setBy, createdAt }) => ({
          ...{ site, ...account, user_id: String(userId), login, matched_by: matchedBy, set_by: setBy },
          ...(email === undefined ? {} : { email }),
          created_at: new Date(createdAt).toISOString(),
        }))
        expect(lines.map(({ cells }) => cells)).toEqual(wanted)
      }),
      { numRuns: 100 },
    )
  }, 30_000)

  test('holds nothing that a spreadsheet would run', () => {
    const cells = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', "'=1", '＝1', '=HYPERLINK("http://x")']
    fc.assert(
      fc.property(fc.constantFrom(...cells), fc.string(), (start, rest) => {
        const csv = writeCsv(['login'], [[start + rest]])
        expect(csv.slice('login\n'.length)).toMatch(/^"?'/)
      }),
    )
  })

  test('may have a byte order mark, CRLF or mixed line ends, empty lines, quotes, and its columns in any order', () => {
    const { lines, wrong } = read(
      '\ufefflogin,email,site\r\n"smith, ""bob""",a@x,s\n\r\n"two\nlines",b@x,s\rlast,c@x,s',
    )
    expect(wrong).toEqual([])
    expect(lines).toEqual([
      { line: 2, cells: { login: 'smith, "bob"', email: 'a@x', site: 's' } },
      { line: 4, cells: { login: 'two\nlines', email: 'b@x', site: 's' } },
      { line: 6, cells: { login: 'last', email: 'c@x', site: 's' } },
    ])
  })

  for (const [said, header, reason] of [
    ['an unknown column', 'site,email,login,shoe size', /1: "shoe size" is not a column/],
    ['a column twice', 'site,email,login,email', /1: "email" is there twice/],
    ['a header in other case', 'Site,email,login', /1: "Site" is not a column/],
    ['no site', 'email,login', /1: a column is missing: "site"/],
    ['neither subject nor address', 'site,login', /1: a column is missing: "subject" or "email"/],
    ['neither id nor login', 'site,email', /1: a column is missing: "user_id" or "login"/],
    ['semicolons', 'site;email;login', /1: cells are to be separated by commas/],
  ] as const) {
    test(`with ${said} is refused as a whole`, () => {
      const { lines } = read(`${header}\na,b,c,d\n`)
      expect(lines).toEqual([])
      expect(reasons(`${header}\na,b,c,d\n`)).toEqual([expect.stringMatching(reason)])
    })
  }

  test('that is empty, or not UTF-8, is refused', () => {
    expect(reasons('')).toEqual(['1: the file is empty'])
    const { wrong } = readPeopleCsv(new Uint8Array([0xff, 0xfe, 0x73, 0x00]))
    expect(wrong).toEqual([{ line: 1, column: undefined, reason: expect.stringContaining('UTF-8') }])
  })

  test('has each line that has too few or too many cells named, and the others read', () => {
    const { lines, wrong } = read('site,email,login\ns,a@x\ns,b@x,l\ns,c@x,l,more\n')
    expect(wrong.map(({ line, reason }) => [line, reason])).toEqual([
      [2, '2 cells under a header of 3'],
      [4, '4 cells under a header of 3'],
    ])
    expect(lines.map(({ line }) => line)).toEqual([3])
  })

  test('with a quote that has no end, or is in a wrong place, is refused where it is', () => {
    const header = 'site,email,login\n'
    expect(reasons(`${header}s,a@x,l\ns,"b@x,l\ns,c@x,l\n`)).toEqual([expect.stringContaining('no end')])
    expect(reasons(`${header}s,a@x,l\ns,b"x,l\n`)).toEqual([expect.stringMatching(/^3: a quote in the middle/)])
    expect(reasons(`${header}s,"b"x,l\n`)).toEqual([expect.stringMatching(/^2: text follows/)])
    expect(reasons(`${header}s,${'x'.repeat(70_000)},l\n`)).toEqual([expect.stringMatching(/^2: longer than/)])
  })

  test('that is too large is refused, by bytes and by lines', () => {
    expect(readPeopleCsv(new Uint8Array(mostBytes + 1)).wrong[0]?.reason).toBe('the file has more than 16 MiB')
    const line = 's,a@x,l\n'
    const most = read(`site,email,login\n${line.repeat(mostLines)}`)
    expect([most.lines.length, most.wrong.length]).toEqual([mostLines, 0])
    const { lines, wrong } = read(`site,email,login\n${line.repeat(mostLines + 1)}`)
    expect([lines.length, wrong[0]?.reason]).toEqual([0, 'the file has more than 100000 lines of people'])
  }, 30_000)

  test('of an export has every column', () => expect(writePeopleCsv([]).trim().split(',')).toEqual([...peopleColumns]))
})
