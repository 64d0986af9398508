import assert from 'node:assert/strict'
import { printable } from '../../../src/printable.ts'
import { toolFromClaim } from '../../../src/socket/tool-log.ts'
import { anyTextOf, linesOf } from '../input.ts'

export const seeds = [
  'maya\n2025.1',
  '  Zoë\u202e \u200b tool \n1',
  `${'x'.repeat(80)}\n${'9'.repeat(40)}`,
  '😀'.repeat(70),
]

/** What a program says of itself is shown to people: nothing unseen, nothing that turns text round, nothing long. */
export function fuzz(data: Uint8Array): void {
  const [name = '', version = ''] = linesOf(anyTextOf(data), 2)
  const shown = toolFromClaim({ name, version, pid: 7 })
  assert.deepEqual(toolFromClaim(shown), shown, 'what is fit to be shown stays as it is')
  for (const [text, longest] of [
    [shown.name, 60],
    [shown.version, 30],
  ] as const) {
    assert.ok([...text].length <= longest)
    assert.doesNotMatch(text, /[\p{C}\p{Default_Ignorable_Code_Point}\r\n]|^\s|\s$|\s\s/u)
  }
  assert.notEqual(shown.name, '')
  const plain = printable(name)
  assert.doesNotMatch(plain, /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u)
  assert.equal(printable(plain), plain)
}
