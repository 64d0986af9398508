import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { tokenHash } from '../../src/token-exchange.ts'

/**
 * Signed seeds. The keys stand here so that every run begins with the same bytes: they sign nothing that anybody else takes.
 */
const proofKey = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+yHtEKSCpiha/ppP
fFcPrT2zYovLC9G9LDbEzDlkh9WhRANCAAQru4jlXwqTp3Y5jaJehxMAFIJvuP70
jkGvBPNxGib1mfOwFicgE+iqlMJ5e/2Xyw4qsuAZFe71FYzKJ5dXrep9
-----END PRIVATE KEY-----`)
const issuerKey = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC6xBPNHlm4Have
ZPTmRbMBCP8Us03Lyyl7xrCiESgSuQhOlKj5wZ4AH+q3WxZzVqtiRERsyJXVzWbc
WVIl56oJ8vQ/xdyU2ROo2a3UUZektglnJNGlgEfdPgDOTJsSYcWrmx48bTe5Y/Go
HGrLf2gOdGNx+ZeqNoLO1UMW2y67ZfmBirnM2lclXXFkWP8ZYleDmZ44sQy75ZkL
sNWTNne2f8NyCKNO4PNjBKwWfUb1dvVAmcRK4WpCMWiE16HMY26ZvWLycqS1ocng
GaKxlJJOfuiyOFYdh6G6mj8CrjDtyUM7bPrVguNTaBPcaqyKcnTE/mvEeAaW+E5U
xfFYTL0hAgMBAAECggEAAlL4Sw+QafqPcfK/ZMbu42gFl0md3qFXfoZBjarxQ0F7
edGO5Eva8jktDdIJUcvwUXZxF0oCkGs7anAsXFzeIslVbaTh8ejjlJPv+xEwaTze
008yWNKgU+k+mXKbUdrAfhpHXltB09m7YLmCgPTAombp5qNmn8tib43yKHeqzlGx
AZdqAnbu3QVJokzp0DmRRIoCN07iMjppID7fPhYZ9SuPFCIwGOZSp9fFTGW2RYFt
xTijaBo3GewLGwLz9HpATxJTY+L6ZcVSrd9zKjDhO3Cnnjg2J2yaMBB9dYNJKAjx
LjC49cjQWsFHz+u8n8TPICC/KFpP40gNBb9scTHK8QKBgQDkRMyCc7aofuLAZzbq
R19Ys65UFbrMaf1imz/kFb7COVkw4E3pFbD+uYsyeh9BNpHNP6dUjLiQtgmYtCgU
5OrCpCHPAfKtw4SGy/sH21cnQjHMrlPRmCULVOyeg0L1cQY8B7mZc8QS0m4ZDIxH
3U5hz7c5YxqIH7D0Xmspe++yUQKBgQDRdIhxt6ZwEY4p53qC7PljaIfY6Qb5HHeA
G0GbQxtmUM9/APCwhRMzUu9SL83vU9SX+BebDXjf2GF7nezGqCGue6xAFIe9HAGR
YhOBHoqZiOrH05bdwqk3RnivBtCc+7Fs02rycjjA86pxZ34CxKJO5OqxqhYmkDDE
zb+fFT5Z0QKBgQCaWfcbwtjhSKNVTLWyZz6OwTkA/IyKSqUetzHVreqGdLbduN6V
3KgJJjd8k11tAFRIwGEKZ/kpSR5mFnP/5OblZIzD6GJLoyiK6YU+Q8/D6Ru5dquQ
z1tFNVCmwsVVJ+76SpLys3gC7i2qXHTC519n/ke700qOfzdtlibKL1becQKBgBek
BIZ5SQLbKGWYZ96BKsDKmpKj8pKJYP+HlAcXMu+AbXsTOxdhXcJsOPDYznCV0Kf6
a4enpJ33SUFvmLrvXSXZdZ6h8pQophCntjXboZ8ksgMt4ZhUEU9Y1+RBa6hcTDFR
R3/n3noAxpsYKEPdt8gZ1FeLMAbYPXjpFBi7iBcRAoGAEvqVXdZzjAY/OAj8QFdY
eyC1rism5R8eh9mvlxLW+CX++Ix7rDQQRPfQ4FqSjamisqTVyu8d6/WS9gSpHvx6
gqi48l5jl9paMbg2AlWapKy9otBi1mg5ufC+9aJiJjRJgnxOae/0DRkh4HtknsRS
2kb13JdPkswBZYaQ0FUtt7c=
-----END PRIVATE KEY-----`)

const endpoint = 'https://broker.example/token'
const token = 'subject-token'
const jwk = createPublicKey(proofKey).export({ format: 'jwk' })
const proofHeader = { typ: 'dpop+jwt', alg: 'ES256', jwk }
const proofClaims = {
  ...{ htm: 'POST', htu: endpoint, ath: tokenHash(token), jti: 'a', iat: 1_795_000_000 },
  ...{ nonce: 'c'.repeat(43), sign_in_challenge: 'd'.repeat(43) },
}

/** DPoP proofs of one token, each with the token on the next line. */
export const proofs = {
  endpoint,
  good: [jws(proofKey, proofHeader, proofClaims), jws(proofKey, { ...proofHeader, typ: 'DPoP+JWT' }, proofClaims)].map(
    (proof) => `${proof}\n${token}`,
  ),
  bad: [
    jws(proofKey, { ...proofHeader, alg: 'none' }, proofClaims),
    jws(proofKey, { ...proofHeader, crit: ['b64'], b64: false }, proofClaims),
    jws(proofKey, { ...proofHeader, jwk: { ...jwk, x: jwk.y } }, proofClaims),
    jws(proofKey, proofHeader, { ...proofClaims, exp: 5, nbf: 'x' }),
    `${jws(proofKey, proofHeader, proofClaims)}==`,
    respelled(jws(proofKey, proofHeader, proofClaims)),
  ].map((proof) => `${proof}\n${token}`),
}

const issuer = 'https://identity.example'
const now = 1_795_000_000_000
const header = { alg: 'RS256', kid: 'one', typ: 'JWT' }
const claims = {
  ...{ iss: issuer, aud: 'app', sub: 'SUB', iat: now / 1000, exp: now / 1000 + 3_600, nonce: 'n' },
  ...{ azp: 'app', email: 'ada@studio.example', email_verified: true },
}

/** ID tokens of one issuer, each with an access token on the next line. */
export const idTokens = {
  issuer,
  clientIds: ['app', 'web-app'],
  now,
  metadata: { issuer, jwks_uri: `${issuer}/keys`, userinfo_endpoint: `${issuer}/userinfo` },
  keys: { keys: [{ ...createPublicKey(issuerKey).export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] },
  good: [jws(issuerKey, header, claims), jws(issuerKey, header, { ...claims, aud: ['web-app'], azp: undefined })].map(
    (token) => `${token}\na`,
  ),
  bad: [
    jws(issuerKey, header, { ...claims, aud: ['app', 'other'] }),
    jws(issuerKey, header, { ...claims, exp: 1 }),
    jws(issuerKey, header, { ...claims, sub: 'a\nb' }),
    jws(issuerKey, header, { ...claims, at_hash: 'x' }),
    jws(issuerKey, { ...header, kid: 'two' }, claims),
    respelled(jws(issuerKey, header, claims)),
    jws(issuerKey, { ...header, alg: 'none' }, claims),
    jws(proofKey, { ...header, alg: 'ES256', jwk }, claims),
  ].map((token) => `${token}\na`),
}

/** The same bytes in another spelling: the last of 64 or 256 bytes leaves four bits of its character free. */
function respelled(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + letters[letters.indexOf(token.at(-1) ?? '') + 1]
}

/** By hand: no library would sign some of these. RS256 for RSA keys, else ES256, whatever the header says. */
function jws(key: KeyObject, head: object, body: object): string {
  const input = [head, body].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
