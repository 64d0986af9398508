import { Secret } from '../../src/secret.ts'
import { BrokerClient } from '../../src/sign-in/broker-client.ts'
import { makeSignInKey, type SignInKey } from '../../src/sign-in/sign-in-key.ts'
import { systemClock } from '../../src/system-clock.ts'
import {
  type BrokerMetadata,
  type ExchangeAnswer,
  nonceFor,
  type SubjectTokenType,
  subjectTokenTypes,
} from '../../src/token-exchange.ts'
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

const signal = AbortSignal.timeout(300_000)

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

  static async open(options: Omit<WorldOptions, 'brokerClock'> = {}): Promise<ExchangeStage> {
    const clock = new TestClock()
    const world = await startWorld({ ...options, brokerClock: clock })
    const client = new BrokerClient(world.broker.url, nodeFetch, systemClock)
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

  async prepare(person = 'artist', clientId = 'sg-session-tray'): Promise<Prepared> {
    const key = await makeSignInKey()
    const signInChallenge = await this.challenge()
    const nonce = nonceFor(signInChallenge, key.thumbprint)
    const { idToken, accessToken } = await this.world.identity.signIn(person, { nonce, clientId })
    return { key, signInChallenge, nonce, idToken, accessToken }
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

  /** The exchange of what was prepared, with what is changed about it. */
  exchange(prepared: Prepared, change: Change = {}, client: BrokerClient = this.client): Promise<ExchangeAnswer> {
    const { key, signInChallenge, idToken, accessToken } = prepared
    const request = {
      site: change.site ?? this.world.site.url,
      subjectToken: new Secret(change.subjectToken ?? idToken),
      subjectTokenType: change.subjectTokenType ?? subjectTokenTypes.idToken,
      accessToken: new Secret(change.accessToken ?? accessToken),
      key: change.key ?? key,
      signInChallenge: change.signInChallenge ?? signInChallenge,
      challenge: change.challenge ?? signInChallenge,
    }
    return client.exchange(this.metadata, request, signal)
  }

  auditRows() {
    return this.world.broker.database.selectFrom('audit').selectAll().orderBy('sequence').execute()
  }
}
