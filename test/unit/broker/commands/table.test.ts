import { expect, test } from 'vitest'
import { formatTable } from '../../../../src/broker/commands/table.ts'

test('columns are as wide as their widest cell, and no line ends in blanks', () => {
  expect(
    formatTable(
      ['login', 'id'],
      [
        ['a', '1'],
        ['longer-login', ''],
      ],
    ),
  ).toBe(['login         id', 'a             1', 'longer-login', ''].join('\n'))
})

test('a name cannot steer the terminal, nor begin a line of its own', () => {
  const table = formatTable(['name'], [['\u001b[2Jevil\r\nroot\u009b31m\u202e']])
  expect(table.split('\n')).toHaveLength(3)
  expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})
