import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { judgeEndpoint } from '../../../src/socket/endpoint-file.ts'
import { judged, textOf } from '../input.ts'

const certificate = readFileSync('test/vectors/other-certificate.pem', 'utf8')
const content = { endpoint: 1, port: 14285, certificate, key: 'k'.repeat(43), pid: 7, startedAt: 1_795_000_000 }

export const seeds = [JSON.stringify(content, undefined, 2), JSON.stringify({ ...content, more: [] }), '{"endpoint":1}']

export function fuzz(data: Uint8Array): void {
  const endpoint = judged(() => judgeEndpoint(textOf(data), 'endpoint.json'), 'not_your_agent')
  if (!endpoint) return
  const { port, certificatePem, key, pid, startedAt } = endpoint
  assert.ok(Number.isInteger(port) && port > 0 && port < 65_536 && Number.isSafeInteger(pid) && pid > 0)
  assert.match(key.reveal(), /^[A-Za-z0-9_-]{43}$/)
  assert.ok(!JSON.stringify(endpoint).includes(key.reveal()))
  const written = { endpoint: 1, port, certificate: certificatePem, key: key.reveal(), pid, startedAt }
  assert.deepEqual(judgeEndpoint(JSON.stringify(written), 'endpoint.json'), endpoint)
}
