import assert from 'node:assert/strict'
import { errorCodes } from '../../../src/errors.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { judgeApiUrl } from '../../../src/sign-in/api-address.ts'
import { BrokerClient } from '../../../src/sign-in/broker-client.ts'
import { makeSignInKey } from '../../../src/sign-in/sign-in-key.ts'
import { systemClock } from '../../../src/system/system-clock.ts'
import { type BrokerMetadata, metadataPath, sessionTokenType, subjectTokenTypes } from '../../../src/token-exchange.ts'
import { answering, judged, judgedLater } from '../input.ts'

const broker = 'https://broker.example'
const metadata = {
  issuer: broker,
  token_endpoint: `${broker}/token`,
  challenge_endpoint: `${broker}/challenge`,
  sites_supported: ['https://studio.example'],
  grant_types_supported: [],
  dpop_signing_alg_values_supported: ['ES256'],
  gateway_urls_supported: ['https://gateway.example'],
  sg_session_identity: { issuer: 'https://identity.example', client_id: 'app' },
}
const answer = {
  ...{ access_token: 't', issued_token_type: sessionTokenType, token_type: 'N_A', expires_in: 3600, login: 'ada' },
  ...{ site: 'https://studio.example', user_id: 7, name: 'Ada', api_url: 'https://gateway.example' },
}
const ok = (body: unknown): string => `200\ncontent-type: application/json\n\n${JSON.stringify(body)}`

export const seeds = [
  ok(metadata),
  ok(answer),
  ok({ ...answer, expires_in: Number.MAX_SAFE_INTEGER }),
  ok({ challenge: 'c'.repeat(43), expires_in: 600 }),
  `429\nretry-after: 7\n\n${JSON.stringify({ error: 'slow_down', code: 'rate_limited', error_description: 'wait' })}`,
  '400\n\n{"error":"invalid_request","code":"not_of_this_table"}',
  '302\nlocation: https://evil.example\n\n',
]

const key = await makeSignInKey()
const never = new AbortController().signal

/** One answer, as the metadata, as a challenge, and as what an exchange brings. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const asked: string[] = []
  const fetch = answering(data)
  const client = new BrokerClient(
    broker,
    (url, init) => {
      asked.push(url)
      return fetch(url, init)
    },
    systemClock,
  )
  const found = await judgedLater(() => client.metadata(never), ...errorCodes)
  const known = found ?? (metadata as BrokerMetadata)
  assert.equal(new URL(known.token_endpoint).origin, broker)
  const challenge = await judgedLater(() => client.challenge(known, never), ...errorCodes)
  if (challenge !== undefined) assert.match(challenge, /^[\w-]{43}$/)
  const token = new Secret('t')
  const exchange = {
    ...{ site: 'https://studio.example', subjectToken: token, accessToken: token, key },
    ...{ subjectTokenType: subjectTokenTypes.idToken, signInChallenge: 'c', challenge: 'd' },
  } as const
  const session = await judgedLater(() => client.exchange(known, exchange, never), ...errorCodes)
  assert.ok(
    asked.every((url) => new URL(url).origin === broker),
    'nothing goes elsewhere',
  )
  assert.equal(asked[0], `${broker}${metadataPath}`)
  if (!session) return
  demandMoment(session.expires_in)
  const apiUrl = judged(() => judgeApiUrl(session, known), 'broker_unreachable')
  if (apiUrl !== undefined)
    assert.ok([session.site, known.issuer, ...(known.gateway_urls_supported ?? [])].includes(apiUrl))
}

/** What lives so many seconds ends at a time that a calendar holds. */
function demandMoment(seconds: number): void {
  assert.doesNotThrow(() => new Date(1_795_000_000_000 + seconds * 1000).toISOString(), `${seconds} s`)
}
