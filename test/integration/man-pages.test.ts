import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes, errorTable } from '../../src/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'sg-session-man-'))
const hasMandoc = spawnSync('mandoc', ['-h']).error === undefined
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(() => {
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1760000000' }
  const { status, stderr } = spawnSync(process.execPath, ['build/man-pages.ts', folder], { encoding: 'utf8', env })
  expect([status, stderr]).toEqual([0, ''])
})

describe.each(['sg-session.1', 'sg-broker.8'])('%s', (page) => {
  const text = (): string => readFileSync(join(folder, page), 'utf8')

  test('tells every error by its exit status', () => {
    for (const code of errorCodes) expect(text()).toContain(`.It ${errorTable[code].exit}\n${code}: `)
    expect(text()).toContain('.Dd October 9, 2025\n')
  })

  test('is a page that mandoc finds nothing wrong with', (context) => {
    if (!hasMandoc) return context.skip('mandoc is not installed')
    // Style is not looked at: the pages it would like to see referenced are those of other packages.
    const { status, stdout } = spawnSync('mandoc', ['-Tlint', '-W', 'warning', join(folder, page)], {
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([0, ''])
  })
})

test('commands, their options with what they take, choices and defaults, and remarks come from the command line itself', () => {
  const text = readFileSync(join(folder, 'sg-session.1'), 'utf8')
  for (const said of [
    '.Ss tools allow\nAllow a program before it asks.\n',
    '.It Fl -site Ar url\n',
    '.It Fl -min-validity Ar seconds\nRenew first if the session has less left.\nDefault: 300.\n',
    'One of debug, info, warn, error, silent.\n',
    '.Cm exec\n.Op Ar options\n.Ar <command...>\n',
    'Exit status: 0 nothing is missing or the test passed,',
    '.It Pa /etc/sg-session/policy.json\n',
  ])
    expect(text).toContain(said)
  // For tests only, and hidden in the help.
  expect(text).not.toContain('Fl -file')
})

test('and mandoc would say what is wrong with another', (context) => {
  if (!hasMandoc) return context.skip('mandoc is not installed')
  const { status, stdout } = spawnSync('mandoc', ['-Tlint', '-W', 'warning'], {
    input: `${readFileSync(join(folder, 'sg-broker.8'), 'utf8')}.El\n`,
    encoding: 'utf8',
  })
  expect([status, stdout]).not.toEqual([0, ''])
})
