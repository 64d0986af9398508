import { SignJWT } from 'jose'
import { Secret } from '../../src/secrets/secret.ts'
import { BrokerClient } from '../../src/sign-in/broker-client.ts'
import { makeSignInKey, type SignInKey } from '../../src/sign-in/sign-in-key.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import {
  type BrokerMetadata,
  type ExchangeAnswer,
  grantType,
  nonceFor,
  restTokenType,
  type SubjectTokenType,
  sessionTokenType,
  subjectTokenTypes,
  tokenHash,
} from '../../src/token-exchange.ts'
import type { Identity } from '../sandbox/identity/identity.ts'
import { nodeFetch, startWorld, TestClock, type World, type WorldOptions } from './world.ts'

/** A sign-in as the agent does it, up to the exchange. */
export interface Prepared {
  readonly key: SignInKey
  readonly signInChallenge: string
  readonly nonce: string
  readonly idToken: string
  readonly accessToken: string
}

/** What an attacker, or a renewal, sends otherwise than a first exchange would. */
export interface Change {
  readonly subjectToken?: string
  readonly subjectTokenType?: SubjectTokenType
  readonly accessToken?: string
  readonly challenge?: string
  readonly signInChallenge?: string
  readonly key?: SignInKey
  readonly site?: string
}

/** The same, for what goes over the wire by hand. */
export interface RawChange extends Change {
  readonly requestedTokenType?: string
  /** The address; the broker's own token endpoint when not said. */
  readonly url?: string
  /** The form, where the one that is right does not do. */
  readonly body?: string | Buffer | ReadableStream
  readonly headers?: Readonly<Record<string, string>>
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

const signal = AbortSignal.timeout(300_000)

/** A broker's agent side, wherever the broker runs. */
export interface Stand {
  readonly client: BrokerClient
  readonly metadata: BrokerMetadata
  readonly site: { readonly url: string }
  readonly identity: Pick<Identity, 'signIn'>
}

export async function prepareSignIn(stand: Stand, person: string, clientId = 'sg-session-tray'): Promise<Prepared> {
  const key = await makeSignInKey()
  const signInChallenge = await stand.client.challenge(stand.metadata, signal)
  const nonce = nonceFor(signInChallenge, key.thumbprint)
  const { idToken, accessToken } = await stand.identity.signIn(person, { nonce, clientId })
  return { key, signInChallenge, nonce, idToken, accessToken }
}

/** The exchange of what was prepared, with what is changed about it. */
export async function sendExchange(stand: Stand, prepared: Prepared, change: Change = {}): Promise<ExchangeAnswer> {
  const { key, signInChallenge, idToken, accessToken } = prepared
  const request = {
    site: change.site ?? stand.site.url,
    subjectToken: new Secret(change.subjectToken ?? idToken),
    subjectTokenType: change.subjectTokenType ?? subjectTokenTypes.idToken,
    accessToken: new Secret(change.accessToken ?? accessToken),
    key: change.key ?? key,
    signInChallenge: change.signInChallenge ?? signInChallenge,
    challenge: change.challenge ?? signInChallenge,
  }
  const { sessionToken, ...answer } = await stand.client.exchange(stand.metadata, request, signal)
  return { ...answer, access_token: sessionToken.reveal() }
}

/** A broker, and the agent's side of the conversation with it in single steps. The broker's clock is ours. */
export class ExchangeStage {
  readonly world: World
  readonly clock: TestClock
  readonly client: BrokerClient
  readonly metadata: BrokerMetadata

  private constructor(world: World, clock: TestClock, client: BrokerClient, metadata: BrokerMetadata) {
    this.world = world
    this.clock = clock
    this.client = client
    this.metadata = metadata
  }

  static async open(options: WorldOptions = {}): Promise<ExchangeStage> {
    const clock = new TestClock()
    const world = await startWorld({ brokerClock: clock, ...options })
    const client = new BrokerClient(world.broker.url, nodeFetch, systemClock)
    return new ExchangeStage(world, clock, client, await client.metadata(signal))
  }

  /** The same site and identity, at another broker. */
  static async at({ world, clock }: ExchangeStage, brokerUrl: string): Promise<ExchangeStage> {
    const client = new BrokerClient(brokerUrl, nodeFetch, systemClock)
    return new ExchangeStage(world, clock, client, await client.metadata(signal))
  }

  close(): Promise<void> {
    return this.world.close()
  }

  clearFaults(): void {
    this.world.site.faults.clear()
    this.world.identity.faults.clear()
    this.world.identity.userinfoFaults.clear()
  }

  challenge(): Promise<string> {
    return this.client.challenge(this.metadata, signal)
  }

  async prepare(
    person = 'artist',
    clientId = this.world.broker.config.identity.clientId,
    identity: Pick<Identity, 'signIn'> = this.world.identity,
  ): Promise<Prepared> {
    const begun = await this.begin()
    const { idToken, accessToken } = await identity.signIn(person, { nonce: begun.nonce, clientId })
    return { ...begun, idToken, accessToken }
  }

  /** A sign-in of which Autodesk knows nothing yet, for tokens made by hand. */
  async begin(): Promise<Prepared> {
    const key = await makeSignInKey()
    const signInChallenge = await this.challenge()
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    return { key, signInChallenge, nonce, idToken: 'none', accessToken: 'none' }
  }

  /** The sign-in of somebody whom Autodesk's forms do not know, or of one who has no time for them. */
  async prepareForged(subject: string): Promise<Prepared> {
    const key = await makeSignInKey()
    const signInChallenge = await this.challenge()
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    const { identity } = this.world
    const nowS = Math.floor(Date.now() / 1000)
    const claims = { iss: identity.issuer, aud: 'sg-session-tray', sub: subject, iat: nowS, exp: nowS + 3600, nonce }
    return { key, signInChallenge, nonce, idToken: await identity.forgeIdToken(claims), accessToken: 'none' }
  }

  exchange(prepared: Prepared, change: Change = {}, client: BrokerClient = this.client): Promise<ExchangeAnswer> {
    return sendExchange({ ...this.#stand(), client }, prepared, change)
  }

  #stand(): Stand {
    const { client, metadata, world } = this
    return { client, metadata, site: world.site, identity: world.identity }
  }

  /** The first exchange of an account of which ID token and UserInfo say this. */
  async exchangeOf(account: { sub: string; email: unknown; email_verified: unknown }): Promise<ExchangeAnswer> {
    const own = await this.begin()
    const { identity } = this.world
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: identity.issuer, aud: this.world.broker.config.identity.clientId, iat: now, exp: now + 600 }
    const subjectToken = await identity.forgeIdToken({ ...claims, ...account, nonce: own.nonce })
    const body = JSON.stringify(account)
    identity.userinfoFaults.inject({ path: '/userinfo', does: { kind: 'status', status: 200, body } })
    return this.exchange(own, { subjectToken }).finally(() => identity.userinfoFaults.clear())
  }

  /** What `prepared` renews its session with. */
  async renewal(prepared: Prepared): Promise<Change> {
    return {
      subjectToken: prepared.accessToken,
      subjectTokenType: subjectTokenTypes.accessToken,
      challenge: await this.challenge(),
    }
  }

  /** The parameters of an exchange. */
  form(prepared: Prepared, change: RawChange = {}): URLSearchParams {
    return new URLSearchParams({
      grant_type: grantType,
      audience: change.site ?? this.world.site.url,
      subject_token: change.subjectToken ?? prepared.idToken,
      subject_token_type: change.subjectTokenType ?? subjectTokenTypes.idToken,
      requested_token_type: change.requestedTokenType ?? sessionTokenType,
      access_token: change.accessToken ?? prepared.accessToken,
    })
  }

  prove(prepared: Prepared, change: RawChange = {}): Promise<string> {
    const { privateKey, publicJwk } = change.key ?? prepared.key
    return new SignJWT({
      htm: 'POST',
      htu: this.metadata.token_endpoint,
      nonce: change.challenge ?? prepared.signInChallenge,
      ath: tokenHash(change.subjectToken ?? prepared.idToken),
      sign_in_challenge: change.signInChallenge ?? prepared.signInChallenge,
      jti: 'a',
      iat: 1,
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })
      .sign(privateKey)
  }

  /** The exchange as bytes, and the answer as it came. */
  async send(prepared: Prepared, change: RawChange = {}): Promise<RawAnswer> {
    const { body = this.form(prepared, change).toString() } = change
    const answer = await fetch(change.url ?? this.metadata.token_endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await this.prove(prepared, change),
        ...change.headers,
      },
      body,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit)
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
  }

  /** A REST bearer instead of a session. */
  sendForRest(prepared: Prepared, change: RawChange = {}): Promise<RawAnswer> {
    return this.send(prepared, { ...change, requestedTokenType: restTokenType })
  }

  auditRows() {
    return this.world.broker.database.selectFrom('audit').selectAll().orderBy('sequence').execute()
  }
}
