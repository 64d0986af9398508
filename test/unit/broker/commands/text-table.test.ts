import { expect, test } from 'vitest'
import { textTable } from '../../../../src/broker/commands/text-table.ts'

test('columns are as wide as their widest cell', () => {
  expect(
    textTable([
      ['a', 'long'],
      ['bcd', 'x'],
    ]),
  ).toBe('a    long\nbcd  x\n')
})

test('what comes from outside cannot steer the terminal', () => {
  expect(textTable([['\u001b[2Jgone', 'a\nb\u202ec']])).toBe('\uFFFD[2Jgone  a\uFFFDb\uFFFDc\n')
})
