import assert from 'node:assert/strict'
import { activatesSomebody, readRpcCall, writeRpcCall } from '../../../src/broker/gateway/rpc-envelope.ts'
import { judged, textOf } from '../input.ts'

export const seeds = [
  '{"method_name":"create","params":[{"session_token":"t","sudo_as_login":"x"},[1.0,-0,1e3,12345678901234567890]]}',
  '{"method_name":"batch","params":[{"session_token":"t"},[{"type":"HumanUser","fields":[{"field_name":"sg_status_list","value":"act"}]}]]}',
  '{"method_name":"info","params":[]}',
  `{"method_name":"read","params":[{"session_token":"t"},${'['.repeat(7_000)}${']'.repeat(7_000)}]}`,
]

const auth = { session_token: 'other' }

export function fuzz(data: Uint8Array): void {
  const text = textOf(data)
  const call = judged(() => readRpcCall(text), 'invalid_request', 'unknown_method')
  if (!call) return
  const written = writeRpcCall(call, auth)
  const again = readRpcCall(written)
  assert.equal(again.method, call.method)
  assert.equal(again.sessionToken?.reveal(), 'other')
  assert.equal(again.foreign, undefined, 'no credential but the broker’s own')
  assert.equal(writeRpcCall(again, auth), written, 'written once, it stays')
  assert.equal(activatesSomebody(again), activatesSomebody(call))
}
