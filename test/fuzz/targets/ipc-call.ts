import assert from 'node:assert/strict'
import { calls } from '../../../app/windows/calls.ts'
import type { WindowName } from '../../../app/windows/contract.ts'
import { judgeCall } from '../../../app/windows/judge-call.ts'
import { jsonOf, judged, linesOf, textOf } from '../input.ts'

export const seeds = [
  'signIn\nstatus\n{"site":"https://studio.example"}',
  'submitCredentials\nsign-in\n{"site":"s","login":" ada ","passphrase":"p","code":"1"}',
  'answerConsent\nconsent\n{"id":"a","answer":"always"}',
  'saveSetting\nsettings\n{"key":"app.language","value":"fr"}',
  'paste\nsign-in\n{"site":"s","address":"a"}',
  'quit\nstatus\n{}',
  'openHelp\nsign-in\n{"site":"s","page":"site"}',
]

/** The call's name, the window it comes from, its arguments; a line each. */
export function fuzz(data: Uint8Array): void {
  const [name = '', window = '', args = ''] = linesOf(textOf(data), 2)
  const from = { name: window as WindowName }
  const call = judged(() => judgeCall(name, jsonOf(args), from), 'invalid_request')
  if (!call) return
  assert.equal(call.call, name)
  assert.ok((calls[call.call].from as readonly string[]).includes(window))
  assert.deepEqual(judgeCall(name, call.parsed, from), call, 'what was taken is taken again')
  const given = jsonOf(args)
  assert.ok(typeof given === 'object' && given !== null)
  assert.deepEqual(Object.keys(call.parsed as object).sort(), Object.keys(given).sort(), 'nothing is ignored')
}
