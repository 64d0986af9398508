import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider'

/**
 * The peer: oidc-provider's own token endpoint, which redeems an authorization code once and signs an ID token (RS256), with
 * everything in memory. Arguments: port, how many codes. Prints the codes as one JSON line.
 */
const [port, count] = process.argv.slice(2)
const verifier = 'v'.repeat(43)
const redirectUri = 'https://studio.example/callback'
const issuer = `http://127.0.0.1:${port}`

class Memory implements Adapter {
  static readonly #rows = new Map<string, AdapterPayload>()
  readonly #model: string
  constructor(model: string) {
    this.#model = model
  }
  #key(id: string): string {
    return `${this.#model} ${id}`
  }
  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    Memory.#rows.set(this.#key(id), payload)
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return Memory.#rows.get(this.#key(id))
  }
  async findByUserCode(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async consume(id: string): Promise<void> {
    const row = Memory.#rows.get(this.#key(id))
    if (row) row.consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id: string): Promise<void> {
    Memory.#rows.delete(this.#key(id))
  }
  async revokeByGrantId(): Promise<void> {}
}

const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const provider = new Provider(issuer, {
  adapter: Memory,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  scopes: ['openid'],
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: { devInteractions: { enabled: false } },
  ttl: { AuthorizationCode: 600, AccessToken: 600, IdToken: 600, Grant: 600 },
})

const client = await provider.Client.find('bench')
if (!client) throw new Error('there is no client')
const codes: string[] = []
for (let index = 0; index < Number(count); index += 1) {
  const accountId = `PERSON${index}`
  const grant = new provider.Grant({ clientId: 'bench', accountId })
  grant.addOIDCScope('openid')
  const code = new provider.AuthorizationCode({
    client,
    accountId,
    grantId: await grant.save(),
    redirectUri,
    scope: 'openid',
    nonce: 'n',
    authTime: Math.floor(Date.now() / 1000),
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    codeChallengeMethod: 'S256',
    gty: 'authorization_code',
    claims: {},
  })
  codes.push(await code.save())
}
provider.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${JSON.stringify(codes)}\nserves\n`))
