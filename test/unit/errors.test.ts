import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AgentError, asAgentError, errorCodes, errorTable } from '../../src/errors.ts'

test('no two codes share an exit status or a JSON-RPC number', () => {
  const rows = Object.values(errorTable)
  expect(new Set(rows.map((row) => row.exit)).size).toBe(rows.length)
  expect(new Set(rows.map((row) => row.rpc)).size).toBe(rows.length)
})

test('numbers are where JSON-RPC and the shell expect them', () => {
  for (const { rpc, exit, http } of Object.values(errorTable)) {
    expect([-32600, -32601, -32603].includes(rpc) || (rpc <= -32000 && rpc >= -32099)).toBe(true)
    expect(exit === 1 || (exit >= 10 && exit < 126)).toBe(true)
    expect(http >= 400 && http < 600).toBe(true)
  }
})

test('every code says what happened and what to do, in whole sentences', () => {
  for (const { sentence, advice } of Object.values(errorTable)) {
    for (const text of [sentence, advice]) expect(text).toMatch(/^[A-Z‘“s].*[.]$/s)
  }
})

test('what is not ours becomes an internal error that keeps its cause', () => {
  const cause = new TypeError('x is not a function')
  const error = asAgentError(cause)
  expect(error.code).toBe('internal_error')
  expect(error.cause).toBe(cause)
  expect(error.message).not.toContain('function')
  const ours = new AgentError('site_unknown')
  expect(asAgentError(ours)).toBe(ours)
})

test('the table in docs/errors.md is this one', () => {
  const page = readFileSync('docs/errors.md', 'utf8')
  for (const code of errorCodes) {
    const { exit, rpc, http, sentence, advice } = errorTable[code]
    expect(page).toContain(`| \`${code}\` | ${exit} | ${rpc} | ${http} | ${sentence} | ${advice} |`)
  }
  expect(page.match(/^\| `/gm)).toHaveLength(errorCodes.length)
})
