import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { isCredential } from '../../../src/broker/gateway/foreign-credentials.ts'
import { readFormParts } from '../../../src/broker/gateway/form-parts.ts'
import {
  type FormHead,
  readFormHead,
  readUrlencodedHead,
  writeMultipart,
} from '../../../src/broker/gateway/upload-form.ts'
import { judged, judgedLater, linesOf, textOf } from '../input.ts'

const part = (disposition: string, value: string, more = ''): string =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${value}\r\n`
const type = 'multipart/form-data; boundary=b\n'

export const seeds = [
  `${type}${part('name="session_token"', 't')}${part('name="entity_id"', '7')}${part('name="file"; filename="a\\"b.png"', 'PNG', 'Content-Type: image/png\r\n')}--b--\r\n`,
  `${type}${part('name="a"', '1')}${part('name="file"; filename="x"', 'y')}${part('name="script_key"', 'k')}--b--\r\n`,
  `${type}${part("name*=UTF-8''session%5Ftoken", 't')}${part('name="session_token"', 'u')}--b--`,
  'application/x-www-form-urlencoded\nsession_token=t&entity_id=7',
  'multipart/form-data; boundary="b\nsession_token=t&a%5B%5D=7',
]

const credentials: readonly [string, string][] = [['session_token', 'other']]

/** Content type, then the body; and the body as a form without files. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const [contentType = '', text = ''] = linesOf(textOf(data), 1)
  const body = Buffer.from(data).subarray(Math.min(data.length, Buffer.from(contentType).length + 1))
  await judgedLater(() => passOn(contentType, body), 'invalid_request')
  const head = judged(() => readUrlencodedHead(text), 'invalid_request')
  if (head) demandPlain(head)
}

/** What the site gets is read as a form again: it says what was judged, and nobody else's credentials. */
async function passOn(contentType: string, body: Buffer): Promise<void> {
  const over = new AbortController()
  const parts = readFormParts(requestOf(contentType, body), over.signal)
  try {
    const head = await readFormHead(parts)
    demandPlain(head)
    const sent = writeMultipart(credentials, head, parts)
    const chunks: Uint8Array[] = []
    for await (const chunk of sent.body) chunks.push(chunk)
    const again = await readFormHead(readFormParts(requestOf(sent.contentType, Buffer.concat(chunks)), over.signal))
    assert.equal(again.sessionToken?.reveal(), 'other')
    assert.equal(
      again.foreign,
      head.foreign !== undefined && head.file && isCredential(head.file.name) ? head.foreign : undefined,
    )
    assert.deepEqual(again.fields, head.fields)
    assert.equal(again.file?.name, head.file?.name)
  } finally {
    await parts.return(undefined)
  }
}

function demandPlain({ fields }: FormHead): void {
  for (const [name] of fields) assert.ok(/^\w+$/.test(name) && !isCredential(name))
}

/** A request as Node's server makes it, as far as a form is read from it. */
function requestOf(contentType: string, body: Buffer): FastifyRequest['raw'] {
  const headers = { 'content-type': contentType }
  return Object.assign(Readable.from([body]), { headers, complete: true }) as unknown as FastifyRequest['raw']
}
