// @ts-check
// What a sign-in proves with: a key, the nonce that commits to it, and the proof of RFC 9449. Runs in browsers and in Node.

const curve = { name: 'ECDSA', namedCurve: 'P-256' }

/** A key pair whose private half nobody can read, not even this page. @returns {Promise<CryptoKeyPair>} */
export function makeKeyPair() {
  return crypto.subtle.generateKey(curve, false, ['sign'])
}

/** 256 random bits, for `state` and the verifier of PKCE (RFC 7636 §4.1: 43 characters at least). */
export function makeRandom() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** RFC 7636 §4.2, `S256`. @param {string} verifier */
export function codeChallengeOf(verifier) {
  return hash(verifier)
}

/**
 * The OIDC nonce that ties the ID token to the broker's challenge and to the key.
 * @param {string} challenge @param {CryptoKey} publicKey
 */
export async function nonceFor(challenge, publicKey) {
  return hash(`sg-session nonce 1\n${challenge}\n${await thumbprintOf(await publicJwkOf(publicKey))}`)
}

/**
 * A DPoP proof (RFC 9449 §4.2) that the holder of the key sends this token to the broker's token endpoint. It uses `challenge`
 * up, so nobody can send it a second time.
 * @param {CryptoKeyPair} keys
 * @param {{ tokenEndpoint: string, subjectToken: string, challenge: string }} request
 */
export async function proveExchange({ privateKey, publicKey }, { tokenEndpoint, subjectToken, challenge }) {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await publicJwkOf(publicKey) }
  const claims = {
    htm: 'POST',
    htu: tokenEndpoint,
    nonce: challenge,
    ath: await hash(subjectToken),
    sign_in_challenge: challenge,
    iat: Math.floor(Date.now() / 1000),
    jti: crypto.randomUUID(),
  }
  const signed = `${encodeJson(header)}.${encodeJson(claims)}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, encode(signed))
  return `${signed}.${base64url(signature)}`
}

/** @param {CryptoKey} publicKey */
async function publicJwkOf(publicKey) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  return { kty, crv, x, y }
}

/** RFC 7638 §3: the required members only, in the order of the alphabet. @param {Awaited<ReturnType<typeof publicJwkOf>>} jwk */
function thumbprintOf({ crv, kty, x, y }) {
  return hash(JSON.stringify({ crv, kty, x, y }))
}

/** SHA-256, as base64url. @param {string} text */
async function hash(text) {
  return base64url(await crypto.subtle.digest('SHA-256', encode(text)))
}

/** @param {object} value */
function encodeJson(value) {
  return base64url(encode(JSON.stringify(value)))
}

/** @param {string} text */
function encode(text) {
  return new TextEncoder().encode(text)
}

/** RFC 7515 §2: without padding. @param {ArrayBuffer | Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)))
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
