import assert from 'node:assert/strict'
import { judgeArguments, judgeSecondLaunch } from '../../../app/command-line.ts'
import { anyTextOf, jsonOf } from '../input.ts'

export const seeds = [
  '--status\n--log-level=debug',
  '--sign-in\n--autostart\n--allow-insecure-loopback',
  '{"wants":"sign-in"}',
]

/** Arguments, one a line; and the whole as JSON for what a second launch hands over. */
export function fuzz(data: Uint8Array): void {
  const text = anyTextOf(data)
  const argv = text.split('\n')
  const { wants, wantsOfRunning, logLevel, allowInsecureLoopback } = judgeArguments(argv)
  const words = ['tray', 'status', 'sign-in']
  assert.ok(words.includes(wants) && words.includes(wantsOfRunning))
  assert.ok(['debug', 'info', 'warn', 'error', 'silent'].includes(logLevel))
  assert.equal(allowInsecureLoopback, argv.includes('--allow-insecure-loopback'))
  assert.equal(wants === 'sign-in', argv.includes('--sign-in'))
  const handed = jsonOf(text)
  const wish = judgeSecondLaunch(handed)
  assert.ok(words.includes(wish))
  const said = typeof handed === 'object' && handed !== null && 'wants' in handed ? handed.wants : undefined
  assert.equal(wish, words.includes(String(said)) && typeof said === 'string' ? said : 'status')
}
