import { randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import { AgentError, asAgentError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import {
  type ExchangeAnswer,
  type RestAnswer,
  restTokenType,
  sessionTokenType,
  subjectTokenTypes,
} from '../../token-exchange.ts'
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts'
import type { BrokerConfig } from '../config.ts'
import type { Tables } from '../database/tables.ts'
import type { Issued, Issuing, Recipient } from '../issue/issuing.ts'
import { type Limits, RateLimited } from '../operation/limits.ts'
import type { Stops } from '../operation/stops.ts'
import type { MappedPerson, People } from '../people/people.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import type { AutodeskIdentity } from './autodesk.ts'
import type { Challenges } from './challenges.ts'
import type { ExchangeForm } from './exchange-form.ts'
import { judgeProof, type Proof } from './proof.ts'
import type { SignIns } from './sign-ins.ts'
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
  readonly sites: readonly ScriptedSite[]
  readonly mostPeople: BrokerConfig['limits']['people']
  readonly identity: AutodeskIdentity
  readonly challenges: Challenges
  readonly signIns: SignIns
  readonly people: People
  readonly issuing: Issuing
  readonly auditLog: AuditLog
  readonly stops: Stops
  readonly limits: Limits
  readonly clock: Pick<Clock, 'now'>
}

/** The broker's judgement: from a proof and a subject token to a session of exactly the person they speak of. */
export class TokenExchange {
  readonly #settings: ExchangeSettings

  constructor(settings: ExchangeSettings) {
    this.#settings = settings
  }

  /**
   * Throws an AgentError. What can be refused without asking anybody is refused first; as soon as a token has said whom it
   * speaks of, every outcome has an audit row, written before the answer leaves.
   */
  async exchange(request: ExchangeRequest): Promise<ExchangeAnswer | RestAnswer> {
    const { form } = request
    const { sites, tokenEndpoint, challenges, stops, auditLog, mostPeople } = this.#settings
    const site = sites.find(({ url }) => url === form.audience)
    if (!site) throw new AgentError('site_unknown', 'the audience is not a site this broker serves')
    await stops.demandGoingForStranger(site.url)
    const proof = await judgeProof(request.proof, tokenEndpoint, form.subjectToken.reveal())
    if (!(await challenges.use(proof.challenge))) {
      throw new AgentError('proof_rejected', 'the challenge is used, too old, or not this broker’s')
    }
    const subject = await this.#judgeSubject(form, proof, site)
    const sessionUuid = randomUUID()
    let found: MappedPerson | undefined
    let issued: Issued
    try {
      await this.#demandOwnToken(subject, proof, site)
      // An access token's was counted before Autodesk was asked about it.
      if ('nonce' in subject) await this.#count('', site, subject)
      found = await this.#settings.people.find(site, subject, () => this.#verifiedEmail(subject, form))
      issued = await this.#issue(request, { site, account: subject, person: found, sessionUuid })
    } catch (thrown) {
      // The first says it for all: whoever goes on asking must not fill what nobody can delete.
      if (thrown instanceof RateLimited && !thrown.isFirst) throw thrown
      const { code, message } = asAgentError(thrown)
      await auditLog.write({ ...entryOf(request, site, subject, found), outcome: code, detail: message })
      throw thrown
    }
    const person = found
    const entry = { ...entryOf(request, site, subject, person), shape: issued.shape, sessionUuid }
    await auditLog.write({ ...entry, outcome: 'issued', detail: '' }, async (transaction, record) => {
      await demandLinked(transaction, site, subject, person.userId)
      await stops.demandNotTooMany(transaction, site.url, subject.subject, mostPeople, record)
    })
    return answerOf(site, person, issued, sessionUuid)
  }

  /** Whom the token speaks of. */
  async #judgeSubject(form: ExchangeForm, proof: Proof, site: ScriptedSite): Promise<Subject | IdTokenSubject> {
    const { identity, signIns, clock } = this.#settings
    if (form.subjectTokenType === subjectTokenTypes.idToken) {
      return judgeIdToken(form.subjectToken, form.accessToken, identity, clock)
    }
    // Before Autodesk is asked: its quota is the studio's, and strangers must not be able to spend it.
    const signIn = await signIns.of(proof.thumbprint, site.url)
    if (signIn === undefined) throw notOfThisKey()
    await this.#count('', site, signIn)
    return judgeAccessToken(form.subjectToken, signIn.clientId, identity)
  }

  /** Whether the token was issued to the one who sends it: to the key of a sign-in we know, or of one that begins now. */
  async #demandOwnToken(subject: Subject | IdTokenSubject, proof: Proof, site: ScriptedSite): Promise<void> {
    const { signIns, challenges, clock } = this.#settings
    if (await signIns.isOf(proof.thumbprint, site.url, subject)) return
    if (!('nonce' in subject)) throw notOfThisKey()
    try {
      demandBoundToKey(subject, proof, clock)
    } catch (error) {
      // Apart from the person's own: who has but their token must not use up what is theirs.
      await this.#count('not proved', site, subject)
      throw error
    }
    // The one that was used up for this proof is recent.
    const isRecent = proof.signInChallenge === proof.challenge || (await challenges.isRecent(proof.signInChallenge))
    if (!isRecent) {
      throw new AgentError('proof_rejected', 'the sign-in did not begin with a recent challenge of this broker')
    }
    await signIns.begin(proof.thumbprint, site.url, subject)
  }

  #count(what: '' | 'not proved', site: ScriptedSite, { issuer, subject }: Pick<Subject, 'issuer' | 'subject'>) {
    return this.#settings.limits.count('exchangesPerPerson', `${what}${site.url} ${issuer} ${subject}`)
  }

  async #issue({ form, signal }: ExchangeRequest, to: Recipient): Promise<Issued> {
    const { issuing } = this.#settings
    demandPresent(signal)
    const issued = await (form.requestedTokenType === restTokenType
      ? issuing.restBearer(to, signal)
      : issuing.session(to, signal))
    // Its session lives on unused at the site, which has no call to end it; but nobody holds it.
    demandPresent(signal)
    return issued
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

function entryOf(
  { requestId, clientAddress }: ExchangeRequest,
  site: ScriptedSite,
  { issuer, subject }: Subject,
  person: MappedPerson | undefined,
): Omit<AuditEntry, 'outcome' | 'detail'> {
  const found = person ? { userId: person.userId, login: person.login } : {}
  return { event: 'exchange', actor: subject, requestId, clientAddress, site: site.url, issuer, subject, ...found }
}

function answerOf(
  site: ScriptedSite,
  person: MappedPerson,
  { shape, token, expiresInS, apiUrl }: Issued,
  sessionUuid: string,
): ExchangeAnswer | RestAnswer {
  const common = {
    access_token: token.reveal(),
    expires_in: expiresInS,
    site: site.url,
    login: person.login,
    user_id: person.userId,
    name: person.name,
    session_uuid: sessionUuid,
    ...(apiUrl === site.url ? {} : { api_url: apiUrl }),
  }
  return shape === 'rest'
    ? { ...common, issued_token_type: restTokenType, token_type: 'Bearer' }
    : { ...common, issued_token_type: sessionTokenType, token_type: 'N_A' }
}

/** Operators change the table of people in the audit's transactions too: whoever they removed is given nothing from then on. */
async function demandLinked(
  transaction: Transaction<Tables>,
  site: ScriptedSite,
  { issuer, subject }: Subject,
  userId: number,
): Promise<void> {
  const link = await transaction
    .selectFrom('person')
    .select('user_id')
    .where('site', '=', site.url)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  if (link?.user_id !== userId) throw new AgentError('account_not_mapped', 'the link was removed a moment ago')
}

function notOfThisKey(): AgentError {
  return new AgentError('proof_rejected', 'an access token renews a sign-in of the same key only, and there is none')
}

function demandPresent(signal: AbortSignal): void {
  if (signal.aborted) throw new AgentError('temporarily_unavailable', 'the client stopped waiting')
}
