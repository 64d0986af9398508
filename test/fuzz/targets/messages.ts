import assert from 'node:assert/strict'
import { asAgentError } from '../../../src/errors.ts'
import { encodeFrame } from '../../../src/socket/frames.ts'
import { JsonTextError, parseJsonText } from '../../../src/socket/json-text.ts'
import { limits } from '../../../src/socket/limits.ts'
import {
  isMethod,
  judgeParams,
  judgeReply,
  judgeRequest,
  type Method,
  methods,
  refusal,
} from '../../../src/socket/messages.ts'
import { judged, textOf } from '../input.ts'

const request = (method: string, params: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

export const seeds = [
  request('hello', { protocol: 1, key: 'k', client: { name: 'maya', version: '2025', pid: 7 } }),
  request('session/get', { site: 'https://studio.example', minValidityS: 300, interactive: true }),
  request('signIn/credentials', { login: 'ada', passphrase: 'p', code: '123456' }),
  request('signIn/paste', { url: 'http://localhost:14285/callback?code=c' }),
  '{"jsonrpc":"2.0","id":"a","result":{"site":"https://studio.example","state":"signed_out"}}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no","data":{"code":"login_required","advice":"x"}}}',
  '{"jsonrpc":"2.0","method":"session/changed","params":{"site":"s","state":"signed_in","expiresAt":1}}',
]

export function fuzz(data: Uint8Array): void {
  const message = read(textOf(data))
  if (message === undefined) return
  const asked = judged(() => judgeRequest(message), 'invalid_request')
  if (asked) {
    assert.deepEqual(judgeRequest({ jsonrpc: '2.0', ...asked }), asked, 'what was taken is taken again')
    if (isMethod(asked.method)) judgeAll(asked.method, asked.params)
    else assert.ok(!Object.keys(methods).includes(asked.method))
    try {
      judgeParams('hello', asked.params)
    } catch (error) {
      // However wrong a request is, its refusal fits into a message and is one that the other side can read.
      const frame = encodeFrame(refusal(asked.id, asAgentError(error)), limits.messageBytes)
      const reply = judgeReply(parseJsonText(frame.toString('utf8').trimEnd(), limits.jsonDepth))
      assert.ok(reply.kind === 'error' && reply.id === asked.id && reply.error.code === 'invalid_request')
    }
  }
  const reply = judged(() => judgeReply(message), 'invalid_request')
  if (reply?.kind === 'error') assert.ok(reply.error.advice !== undefined)
}

function judgeAll(method: Method, params: unknown): void {
  const taken = judged(() => judgeParams(method, params), 'invalid_request')
  if (taken) assert.deepEqual(judgeParams(method, taken), taken, 'what was taken is taken again')
}

function read(text: string): unknown {
  try {
    return parseJsonText(text, limits.jsonDepth)
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    return undefined
  }
}
