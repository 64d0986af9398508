import { randomUUID } from 'node:crypto'
import type { Config } from '../config.ts'
import { AgentError } from '../errors.ts'
import type { Clock, Log } from '../ports.ts'
import type { AllowedBy } from '../socket/calls.ts'
import type { CallingTool, Gate } from '../socket/connection.ts'
import type { Scope } from '../socket/scopes.ts'
import { applicationOf } from './application.ts'
import type { AskConsent } from './question.ts'
import { isRuledIn, isRuledOut } from './rules.ts'

export interface ConsentSettings {
  readonly tools: Config['tools']
  readonly clock: Clock
  readonly log: Log
  /** Absent where there is no screen. */
  readonly ask?: AskConsent
}

/** How long a question waits for its answer. */
const answerLimitMs = 60_000

/** Which programs may have what: what IT says, else what the artist has answered, else a question. */
export class Consent implements Gate {
  readonly #settings: ConsentSettings
  readonly #allowed = new Set<string>()
  readonly #asked = new Map<string, Promise<void>>()

  constructor(settings: ConsentSettings) {
    this.#settings = settings
  }

  async demand(tool: CallingTool, scope: Scope, site: string, interactive: boolean): Promise<AllowedBy | undefined> {
    const { tools } = this.#settings
    if (isRuledOut(tools.deny, tool, scope, site))
      throw new AgentError('consent_denied', 'IT does not allow this program')
    if (scope === 'status') return undefined
    if (isRuledIn(tools.allow, tool, scope, site)) return 'rule'
    if (tools.consent === 'allow-all') return 'mode'
    const { identified } = tool
    if (identified.kind === 'unknown')
      throw new AgentError('consent_denied', `nobody can say which program asks: ${identified.because}`)
    if (tools.consent === 'allow-list')
      throw new AgentError('consent_denied', `"${identified.peer.executable}" is not on the list of allowed programs`)
    const wish = JSON.stringify([applicationOf(identified.peer), site, scope])
    if (this.#allowed.has(wish)) return 'remembered'
    const answered = this.#asked.get(wish) ?? this.#ask(wish, tool, scope, site)
    if (interactive) return answered.then(() => 'asked')
    answered.catch(() => undefined)
    throw new AgentError('interaction_required', 'sg-session asks whether this program may use the session', {
      advice: 'Answer the question on the screen, then try again.',
    })
  }

  #ask(wish: string, tool: CallingTool, scope: Scope, site: string): Promise<void> {
    const { ask, clock } = this.#settings
    if (!ask) return Promise.reject(new AgentError('consent_denied', 'there is no screen to ask on'))
    const question = { id: randomUUID(), site, scope, tool, askedAt: clock.now() }
    const answered = ask(question, AbortSignal.timeout(answerLimitMs))
      .then((answer) => {
        if (answer === 'deny') throw new AgentError('consent_denied')
        this.#allowed.add(wish)
      })
      .finally(() => this.#asked.delete(wish))
    this.#asked.set(wish, answered)
    return answered
  }
}
