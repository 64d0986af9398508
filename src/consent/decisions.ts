import { AgentError } from '../errors.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { AllowedTool, PendingQuestion, RefusedTool, ToolsDesk, ToolToAllow } from '../socket/tools-desk.ts'
import type { Consent } from './consent.ts'
import { demandOwnCommand, type OwnCommand } from './own-command.ts'
import type { ConsentAnswer } from './question.ts'

/** The answers that come over the socket: from sg-session's own command line, and from nobody else. */
export class Decisions implements ToolsDesk {
  readonly #consent: Consent
  readonly #own: OwnCommand | undefined

  constructor(consent: Consent, own: OwnCommand | undefined) {
    this.#consent = consent
    this.#own = own
  }

  get mode(): ToolsDesk['mode'] {
    return this.#consent.mode
  }

  allowed(): readonly AllowedTool[] {
    return this.#consent.allowed()
  }

  refused(): readonly RefusedTool[] {
    return this.#consent.refused()
  }

  pending(): readonly PendingQuestion[] {
    return this.#consent.questions.pending()
  }

  async allow(by: CallingTool, wanted: ToolToAllow): Promise<AllowedTool> {
    await demandOwnCommand(by, this.#own, { application: wanted, pids: [] })
    return this.#consent.allow(wanted)
  }

  async revoke(by: CallingTool, id: string): Promise<AllowedTool> {
    await demandOwnCommand(by, this.#own)
    return this.#consent.revoke(id)
  }

  async answer(by: CallingTool, id: string, answer: ConsentAnswer): Promise<PendingQuestion> {
    await demandOwnCommand(by, this.#own)
    const question = this.pending().find((pending) => pending.id === id)
    if (!question) {
      throw new AgentError('invalid_request', `no question "${id}" waits for an answer`, {
        advice: 'See which do: "sg-session tools pending".',
      })
    }
    const { identified } = question.tool
    if (answer !== 'deny' && identified.kind === 'known')
      await demandOwnCommand(by, this.#own, { application: identified.peer, pids: identified.peer.pids })
    this.#consent.questions.answer(id, answer)
    return question
  }
}
