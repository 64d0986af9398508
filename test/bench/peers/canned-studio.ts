import { createServer, type IncomingMessage } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'

/**
 * Autodesk Identity and a ShotGrid site that answer at once with what a real one would say: what they cost must not be
 * measured as the broker's. Person n has the subject PERSONn and the login personn. Arguments: port, how many ID tokens with
 * the nonces on standard input. Prints the ID tokens as one JSON line.
 */
const [port] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const { privateKey, publicKey } = await generateKeyPair('RS256')
const kid = 'bench'
const jwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' }

const answers: Record<string, (body: string) => unknown> = {
  '/.well-known/openid-configuration': () => ({
    issuer,
    jwks_uri: `${issuer}/keys`,
    userinfo_endpoint: `${issuer}/userinfo`,
    introspection_endpoint: `${issuer}/introspect`,
  }),
  '/keys': () => ({ keys: [jwk] }),
  '/api3/json': (body) => {
    const { method_name: method, params } = JSON.parse(body)
    if (method === 'get_session_token') return { results: { session_id: `session-${params[0].sudo_as_login}` } }
    const [{ path, values }] = params[1].filters.conditions
    const id = path === 'id' ? values[0] : Number(/^person(\d+)@/.exec(values[0])?.[1])
    return { results: { entities: [userRow(id)] } }
  },
  '/api/v1/auth/access_token': (body) => {
    const [, id] = /session-person(\d+)/.exec(new URLSearchParams(body).get('session_token') ?? '') ?? []
    const access_token = new UnsecuredJWT({ user: { type: 'HumanUser', id: Number(id) } }).encode()
    return { access_token, expires_in: 600, token_type: 'Bearer' }
  },
}

function userRow(id: number): object {
  return {
    type: 'HumanUser',
    id,
    login: `person${id}`,
    name: `Person ${id}`,
    email: `person${id}@studio.example`,
    sg_status_list: 'act',
    can_impersonate_this_user: true,
    'permission_rule_set.PermissionRuleSet.code': 'artist',
  }
}

async function textOf(stream: AsyncIterable<Buffer> | IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const server = createServer(async (request, response) => {
  const answer = answers[request.url ?? '']
  const body = await textOf(request)
  response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer?.(body) ?? {}))
})
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('serves\n'))

const nonces: string[] = JSON.parse(await textOf(process.stdin))
const tokens = []
for (const [index, nonce] of nonces.entries()) {
  const claims = { nonce, email: `person${index + 1}@studio.example`, email_verified: true }
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(issuer)
    .setAudience('bench')
    .setSubject(`PERSON${index + 1}`)
    .setIssuedAt()
    .setExpirationTime('1h')
  tokens.push(await token.sign(privateKey))
}
process.stdout.write(`${JSON.stringify(tokens)}\n`)
