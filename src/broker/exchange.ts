import { AgentError, asAgentError } from '../errors.ts'
import type { Clock, Fetch, Log } from '../ports.ts'
import { type ExchangeAnswer, sessionTokenType, subjectTokenTypes } from '../token-exchange.ts'
import type { AuditLog } from './audit-log.ts'
import type { AutodeskIdentity } from './autodesk.ts'
import type { Challenges } from './challenges.ts'
import type { BrokerSite } from './config.ts'
import type { Database } from './database.ts'
import type { ExchangeForm } from './exchange-form.ts'
import { issueSession } from './issue-session.ts'
import { type MappedPerson, People } from './people.ts'
import { judgeProof, type Proof } from './proof.ts'
import { SignIns } from './sign-ins.ts'
import { demandBoundToKey, type IdTokenSubject, judgeAccessToken, judgeIdToken, type Subject } from './subject-token.ts'

export interface ExchangeRequest {
  readonly form: ExchangeForm
  /** The `DPoP` header. */
  readonly proof: string | undefined
  readonly requestId: string
  readonly clientAddress: string
  /** Aborts when the client has gone or has stopped waiting. */
  readonly signal: AbortSignal
}

export interface ExchangeSettings {
  readonly tokenEndpoint: string
  readonly sites: readonly BrokerSite[]
  readonly identity: AutodeskIdentity
  readonly database: Database
  readonly challenges: Challenges
  readonly auditLog: AuditLog
  readonly fetch: Fetch
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** The broker's judgement: from a proof and a subject token to a session of exactly the person they speak of. */
export class TokenExchange {
  readonly #settings: ExchangeSettings
  readonly #people: People
  readonly #signIns: SignIns

  constructor(settings: ExchangeSettings) {
    this.#settings = settings
    this.#people = new People(settings.database, settings.fetch, settings.clock)
    this.#signIns = new SignIns(settings.database, settings.clock)
  }

  /**
   * Throws an AgentError. What can be refused without asking anybody is refused first; as soon as a token has said whom it
   * speaks of, every outcome has an audit row, written before the answer leaves.
   */
  async exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
    const { form } = request
    const site = this.#settings.sites.find((candidate) => candidate.url === form.audience)
    if (!site) throw new AgentError('site_unknown', 'the audience is not a site this broker serves')
    const proof = await judgeProof(request.proof, this.#settings.tokenEndpoint, form.subjectToken.reveal())
    if (!(await this.#settings.challenges.use(proof.challenge))) {
      throw new AgentError('proof_rejected', 'the challenge is used, too old, or not this broker’s')
    }
    const subject = await this.#judgeSubject(form, proof, site)
    let person: MappedPerson | undefined
    try {
      await this.#demandOwnToken(subject, proof, site)
      person = await this.#people.find(site, subject, () => this.#verifiedEmail(subject, form))
      const answer = await this.#issue(request, site, person)
      await this.#settings.auditLog.write({ request, site, subject, person, outcome: 'issued', detail: '' })
      return answer
    } catch (thrown) {
      const error = asAgentError(thrown)
      await this.#settings.auditLog.write({
        request,
        site,
        subject,
        person,
        outcome: error.code,
        detail: error.message,
      })
      throw error
    }
  }

  /** Whom the token speaks of. */
  async #judgeSubject(form: ExchangeForm, proof: Proof, site: BrokerSite): Promise<Subject | IdTokenSubject> {
    const { identity, clock } = this.#settings
    if (form.subjectTokenType === subjectTokenTypes.idToken) return judgeIdToken(form.subjectToken, identity, clock)
    // Before Autodesk is asked: its quota is the studio's, and strangers must not be able to spend it.
    if (!(await this.#signIns.knowsKey(proof.thumbprint, site.url))) throw notOfThisKey()
    return judgeAccessToken(form.subjectToken, identity)
  }

  /** Whether the token was issued to the one who sends it: to the key of a sign-in we know, or of one that begins now. */
  async #demandOwnToken(subject: Subject | IdTokenSubject, proof: Proof, site: BrokerSite): Promise<void> {
    if (await this.#signIns.isOf(proof.thumbprint, site.url, subject)) return
    if (!('nonce' in subject)) throw notOfThisKey()
    demandBoundToKey(subject, proof, this.#settings.clock)
    if (!(await this.#settings.challenges.isRecent(proof.signInChallenge))) {
      throw new AgentError('proof_rejected', 'the sign-in did not begin with a recent challenge of this broker')
    }
    await this.#signIns.begin(proof.thumbprint, site.url, subject)
  }

  async #issue(request: ExchangeRequest, site: BrokerSite, person: MappedPerson): Promise<ExchangeAnswer> {
    const { signal } = request
    demandPresent(signal)
    const sessionToken = await issueSession(this.#settings.fetch, site, person, signal)
    // Its session lives on unused at the site, which has no call to end it; but nobody holds it.
    demandPresent(signal)
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
}

function notOfThisKey(): AgentError {
  return new AgentError('proof_rejected', 'an access token renews a sign-in of the same key only, and there is none')
}

function demandPresent(signal: AbortSignal): void {
  if (signal.aborted) throw new AgentError('temporarily_unavailable', 'the client stopped waiting')
}
