import assert from 'node:assert/strict'
import { parse } from 'node:querystring'
import { type ExchangeForm, judgeExchangeForm } from '../../../src/broker/exchange/exchange-form.ts'
import { grantType, restTokenType, sessionTokenType, subjectTokenTypes } from '../../../src/token-exchange.ts'
import { formOf } from '../form-of.ts'
import { judged } from '../input.ts'

const form = {
  grant_type: grantType,
  audience: 'https://studio.example',
  subject_token: 'id.token',
  subject_token_type: subjectTokenTypes.idToken,
  requested_token_type: sessionTokenType,
  access_token: 'access.token',
}
const renewal = { ...form, subject_token: 'a', access_token: 'a', subject_token_type: subjectTokenTypes.accessToken }

export const seeds = [
  new URLSearchParams(form).toString(),
  new URLSearchParams({ ...renewal, requested_token_type: restTokenType }).toString(),
  `${new URLSearchParams(form)}&access_token=b`,
  `${new URLSearchParams(form)}&actor_token=b&__proto__=c&constructor`,
]

/** The body as it travels, through the parser that the broker has for it. */
export function fuzz(data: Uint8Array): void {
  const given = formOf(data)
  const judgedForm = judged(() => judgeExchangeForm(given), 'invalid_request')
  if (!judgedForm) return
  // Another parser sees the same parameters, each once, and no other.
  const other = parse(Buffer.from(data).toString('utf8'), undefined, undefined, { maxKeys: 0 })
  assert.deepEqual({ ...other }, written(judgedForm))
  assert.deepEqual(Object.keys(other).sort(), Object.keys(form).sort())
}

function written({ audience, subjectToken, subjectTokenType, requestedTokenType, accessToken }: ExchangeForm): object {
  return {
    grant_type: grantType,
    audience,
    subject_token: subjectToken.reveal(),
    subject_token_type: subjectTokenType,
    requested_token_type: requestedTokenType,
    access_token: accessToken.reveal(),
  }
}
