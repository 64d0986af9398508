// @ts-check
// The way in: to Autodesk with a key that was made for this one sign-in, and back with a proof for the broker.
import { keepAttempt, takeAttempt } from './attempt.js'
import { codeChallengeOf, makeKeyPair, makeRandom, nonceFor, proveExchange } from './proof.js'
import { Problem, postJson } from './server.js'

/**
 * @typedef {{ broker: string, clientId: string, redirectUri: string, scope: string, authorizationEndpoint: string,
 *   tokenEndpoint: string }} Configuration
 */

/** Prepares a sign-in. Returns the address to send the browser to. @param {Configuration} configuration */
export async function beginSignIn(configuration) {
  const { challenge_endpoint } = await brokerMetadata(configuration.broker)
  const { challenge } = await readJson('The studio’s broker', challenge_endpoint, { method: 'POST' })
  const attempt = { keys: await makeKeyPair(), challenge, verifier: makeRandom(), state: makeRandom() }
  await keepAttempt(attempt)
  const address = new URL(configuration.authorizationEndpoint)
  address.search = new URLSearchParams({
    response_type: 'code',
    client_id: configuration.clientId,
    redirect_uri: configuration.redirectUri,
    scope: configuration.scope,
    state: attempt.state,
    nonce: await nonceFor(challenge, attempt.keys.publicKey),
    code_challenge: await codeChallengeOf(attempt.verifier),
    code_challenge_method: 'S256',
  }).toString()
  return address.href
}

/** Whether the browser has come back from Autodesk. @param {URLSearchParams} answer */
export function isAnswer(answer) {
  return answer.has('state') && (answer.has('code') || answer.has('error'))
}

/**
 * Redeems Autodesk's answer and hands the tokens, with the proof that they are this sign-in's, to our own server. They are in
 * no variable afterwards, and never in the browser's storage. Throws a Problem.
 * @param {Configuration} configuration
 * @param {URLSearchParams} answer
 */
export async function finishSignIn(configuration, answer) {
  const attempt = await takeAttempt()
  // RFC 9700 §4.7: somebody else's answer would sign the person in to somebody else's account.
  if (!attempt || answer.get('state') !== attempt.state) {
    throw new Problem('not_this_sign_in', 'This sign-in was not begun in this tab. Please sign in again.')
  }
  const { challenge, keys, verifier } = attempt
  const code = answer.get('code')
  if (code === null) {
    const wasCancelled = answer.get('error') === 'access_denied'
    if (wasCancelled) throw new Problem('cancelled', 'The sign-in was cancelled.')
    throw new Problem('autodesk_refused', `Autodesk refused the sign-in (${answer.get('error')}).`)
  }
  const tokens = await readJson('Autodesk', configuration.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: configuration.redirectUri,
      client_id: configuration.clientId,
      code_verifier: verifier,
    }),
  })
  const subjectToken = tokens.id_token
  const { token_endpoint: tokenEndpoint } = await brokerMetadata(configuration.broker)
  const proof = await proveExchange(keys, { tokenEndpoint, subjectToken, challenge })
  return postJson('/api/session', { subjectToken, accessToken: tokens.access_token, proof })
}

/** @param {string} broker */
async function brokerMetadata(broker) {
  const metadata = await readJson('The studio’s broker', `${broker}/.well-known/oauth-authorization-server`)
  const addresses = [metadata.issuer, metadata.challenge_endpoint, metadata.token_endpoint]
  // RFC 8414 §3.3: nothing in it may point elsewhere.
  if (metadata.issuer !== broker || addresses.some((address) => new URL(address).origin !== broker)) {
    throw new Problem('broker_unreachable', 'What answers in place of the studio’s broker is not the broker.')
  }
  return metadata
}

/**
 * @param {string} who @param {string} address @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
async function readJson(who, address, init = {}) {
  let answer
  try {
    answer = await fetch(address, { ...init, credentials: 'omit', redirect: 'error', cache: 'no-store' })
  } catch {
    // Browsers do not tell a page whether nobody answered or the answer was not for it to read.
    throw new Problem('unreachable', `${who} cannot be reached, or does not know this web app.`)
  }
  const body = await answer.json().catch(() => ({}))
  if (answer.ok) return body
  throw new Problem('refused', `${who} said no: ${body.error_description ?? `status ${answer.status}`}.`)
}
