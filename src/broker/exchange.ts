import { AgentError, asAgentError } from '../errors.ts'
import type { Clock, Fetch, Log } from '../ports.ts'
import { type ExchangeAnswer, sessionTokenType, subjectTokenTypes } from '../token-exchange.ts'
import type { AutodeskIdentity } from './autodesk.ts'
import type { Challenges } from './challenges.ts'
import type { BrokerSite } from './config.ts'
import type { Database } from './database.ts'
import type { ExchangeForm } from './exchange-form.ts'
import { issueSession } from './issue-session.ts'
import { type MappedPerson, People } from './people.ts'
import { judgeProof, type Proof } from './proof.ts'
import { demandBoundToKey, judgeAccessToken, judgeIdToken, type Subject } from './subject-token.ts'

export interface ExchangeRequest {
  readonly form: ExchangeForm
  /** The `DPoP` header. */
  readonly proof: string | undefined
  readonly requestId: string
  readonly clientAddress: string
}

export interface ExchangeSettings {
  readonly tokenEndpoint: string
  readonly sites: readonly BrokerSite[]
  readonly identity: AutodeskIdentity
  readonly database: Database
  readonly challenges: Challenges
  readonly fetch: Fetch
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** How long the key of a sign-in may renew: longer than any working day, shorter than Autodesk's refresh tokens. */
const signInLifeMs = 24 * 3600_000

/** The broker's judgement: from a proof and a subject token to a session of exactly the person they speak of. */
export class TokenExchange {
  readonly #settings: ExchangeSettings
  readonly #people: People

  constructor(settings: ExchangeSettings) {
    this.#settings = settings
    this.#people = new People(settings.database, settings.fetch, settings.clock)
  }

  /** Throws an AgentError; a request is refused as early as it can be, and once the person is known each end has an audit row. */
  async exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
    const { form } = request
    const site = this.#settings.sites.find((candidate) => candidate.url === form.audience)
    if (!site) throw new AgentError('site_unknown', 'the audience is not a site this broker serves')
    const proof = await judgeProof(request.proof, this.#settings.tokenEndpoint, form.subjectToken.reveal())
    if (!(await this.#settings.challenges.use(proof.challenge))) {
      throw new AgentError('proof_rejected', 'the challenge is used, too old, or not this broker’s')
    }
    const subject = await this.#judgeSubject(form, proof, site)
    return this.#judgePerson(request, site, subject)
  }

  /** Whom the token speaks of, and that its sender is the one it was issued to. */
  async #judgeSubject(form: ExchangeForm, proof: Proof, site: BrokerSite): Promise<Subject> {
    const { identity, clock, challenges } = this.#settings
    if (form.subjectTokenType === subjectTokenTypes.accessToken) {
      const subject = await judgeAccessToken(form.subjectToken, identity)
      if (await this.#hasSignIn(proof, site, subject)) return subject
      throw new AgentError('proof_rejected', 'an access token renews a sign-in of the same key only, and there is none')
    }
    const subject = await judgeIdToken(form.subjectToken, identity, clock)
    if (await this.#hasSignIn(proof, site, subject)) return subject
    demandBoundToKey(subject, proof, clock)
    if (!(await challenges.isRecent(proof.signInChallenge))) {
      throw new AgentError('proof_rejected', 'the sign-in did not begin with a recent challenge of this broker')
    }
    await this.#rememberSignIn(proof, site, subject)
    return subject
  }

  async #judgePerson(request: ExchangeRequest, site: BrokerSite, subject: Subject): Promise<ExchangeAnswer> {
    let person: MappedPerson | undefined
    try {
      person = await this.#people.find(site, subject, () => this.#verifiedEmail(subject, request.form))
      const sessionToken = await issueSession(this.#settings.fetch, site, person)
      await this.#audit(request, site, subject, person, 'issued', '')
      return {
        access_token: sessionToken.reveal(),
        issued_token_type: sessionTokenType,
        token_type: 'N_A',
        expires_in: site.sessionLifetimeS,
        site: site.url,
        login: person.login,
        user_id: person.userId,
        name: person.name,
      }
    } catch (thrown) {
      const error = asAgentError(thrown)
      await this.#audit(request, site, subject, person, error.code, error.message)
      throw error
    }
  }

  /** UserInfo is the only place where Autodesk documents `email_verified`. facts: identity §0.1 */
  async #verifiedEmail(subject: Subject, form: ExchangeForm): Promise<string | undefined> {
    if (subject.verifiedEmail !== undefined) return subject.verifiedEmail
    const info = await this.#settings.identity.userInfo(form.accessToken)
    // OpenID Connect Core §5.3.2: not to be used unless it is about the same person.
    if (info.subject !== subject.subject) {
      throw new AgentError('subject_token_rejected', 'the access token is another person’s than the ID token')
    }
    return info.emailVerified ? info.email : undefined
  }

  async #hasSignIn(proof: Proof, site: BrokerSite, subject: Subject): Promise<boolean> {
    const row = await this.#settings.database
      .selectFrom('sign_in')
      .select('thumbprint')
      .where('thumbprint', '=', proof.thumbprint)
      .where('site', '=', site.url)
      .where('issuer', '=', subject.issuer)
      .where('subject', '=', subject.subject)
      .where('expires_at', '>', this.#settings.clock.now())
      .executeTakeFirst()
    return row !== undefined
  }

  async #rememberSignIn(proof: Proof, site: BrokerSite, subject: Subject): Promise<void> {
    const { database, clock } = this.#settings
    await database.deleteFrom('sign_in').where('expires_at', '<', clock.now()).execute()
    await database
      .insertInto('sign_in')
      .values({
        thumbprint: proof.thumbprint,
        site: site.url,
        issuer: subject.issuer,
        subject: subject.subject,
        expires_at: clock.now() + signInLifeMs,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    // A key that stands for another person already cannot stand for this one too.
    if (!(await this.#hasSignIn(proof, site, subject)))
      throw new AgentError('proof_rejected', 'the key belongs to another sign-in')
  }

  async #audit(
    request: ExchangeRequest,
    site: BrokerSite,
    subject: Subject,
    person: MappedPerson | undefined,
    outcome: string,
    detail: string,
  ): Promise<void> {
    const row = {
      at: this.#settings.clock.now(),
      request_id: request.requestId,
      client_address: request.clientAddress,
      site: site.url,
      issuer: subject.issuer,
      subject: subject.subject,
      user_id: person?.userId ?? null,
      login: person?.login ?? null,
      outcome,
      detail,
    }
    await this.#settings.database.insertInto('audit').values(row).execute()
    this.#settings.log.info(row, 'exchange')
  }
}
