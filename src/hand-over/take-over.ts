import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { AgentError, asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { TakeSecret } from '../secrets/passed-secrets.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../socket/claim-endpoint.ts'
import type { Endpoint } from '../socket/endpoint-file.ts'
import type { Turnstile } from '../socket/turnstile.ts'
import { version } from '../version.ts'
import { formatsRead, type HandedOver, judgeDocument, judgeOver, judgeSecrets, say } from './document.ts'
import { HandOverPipe } from './hand-over-pipe.ts'
import { isSameProgram, lookAtParent } from './parent-program.ts'
import { type Program, takeOverDescriptor } from './program.ts'

/** What of the new agent a take-over needs. */
export interface Successor {
  readonly turnstile: Turnstile
  goOn(passed: unknown, take: TakeSecret): Promise<string[]>
  listen(): Promise<Endpoint>
  letGo(taken: readonly string[]): Promise<void>
  signOut(site: string): Promise<unknown>
}

export interface TakenOver {
  readonly claimed: ClaimedEndpoint
  /** What somebody who started the program meanwhile wanted of it. */
  readonly wants: string | undefined
}

/** A predecessor that waits for nobody's answer has more to do than this only when the machine stands still. */
const documentLimitMs = 30_000
/** It has the last word as long as it lives, however slow; then it is known to be stopped. */
const lastWordLimitMs = 60_000
/** One that does not read is stopped, or gone. */
const sendLimitMs = 10_000

/** The successor's side of a hand-over. */
export class TakeOver {
  readonly #pipe: HandOverPipe
  readonly #log: Log

  private constructor(pipe: HandOverPipe, log: Log) {
    this.#pipe = pipe
    this.#log = log
  }

  /**
   * To be called first. Throws `invalid_request` where this process was not started by its own program with a pipe: then there is
   * nobody to take over from.
   */
  static async begin(own: Program, log: Log): Promise<TakeOver> {
    if (!hasPipe()) throw notForPeople('it hands nothing over')
    const parent = await lookAtParent()
    if (parent && !isSameProgram(parent, own, process.execPath))
      throw notForPeople(`"${parent.executable}" is another program`)
    const stream = new Socket({ fd: takeOverDescriptor, readable: true, writable: true })
    return new TakeOver(new HandOverPipe(stream), log)
  }

  /**
   * Takes what the predecessor holds, and its place: when it resolves this process is the user's agent. Throws, and has told the
   * predecessor, why it cannot be; then that one goes on.
   */
  async run(agent: Successor, files: readonly string[]): Promise<TakenOver> {
    // Asked while the predecessor lives: from now on it is not to be mistaken for another agent.
    const predecessor = process.ppid
    let claimed: ClaimedEndpoint | undefined
    let sites: string[] = []
    try {
      await this.#pipe.send(say.ready({ formats: [...formatsRead()], version }), sendLimitMs)
      const document = judgeDocument(await this.#pipe.receive(documentLimitMs))
      sites = await this.#goOn(agent, document)
      agent.turnstile.close()
      claimed = await claimEndpoint(files, () => agent.listen(), predecessor)
      await this.#pipe.send(say.announced(sites), sendLimitMs)
      const last = await this.#pipe.receive(lastWordLimitMs)
      // A predecessor that died serves nobody either.
      const { wants, ended } = last === undefined ? { wants: undefined, ended: [] } : judgeOver(last)
      this.#pipe.close()
      this.#end(agent, sites, ended)
      agent.turnstile.open()
      this.#log.info({ from: document.version, sites: sites.length, predecessor }, 'took over from the program before')
      return { claimed, wants }
    } catch (thrown) {
      const error = asAgentError(thrown)
      this.#log.error({ err: error }, 'nothing could be taken over; the program before goes on')
      await this.refuse(error)
      await claimed?.release()
      // Nothing is revoked: it is the predecessor's.
      await agent.letGo(sites)
      throw error
    }
  }

  /** Who was signed out while the session was on its way stays signed out: it is wiped before anybody is served. */
  #end(agent: Successor, sites: readonly string[], ended: readonly string[]): void {
    for (const site of sites.filter((one) => ended.includes(one))) {
      agent.signOut(site).catch((error: unknown) => this.#log.warn({ site, err: error }, 'a sign-out has failed'))
    }
  }

  /** Tells the predecessor that it is to go on. */
  async refuse(error: AgentError): Promise<void> {
    await this.#pipe.send(say.refusal(`${error.code}: ${error.message}`), sendLimitMs)
    this.#pipe.close()
  }

  async #goOn(agent: Successor, { secrets: count, state }: HandedOver): Promise<string[]> {
    const bytes = await this.#pipe.receiveBytes(documentLimitMs)
    if (!bytes) throw new AgentError('invalid_request', 'the program before ended before it handed anything over')
    const secrets = judgeSecrets(bytes, count)
    try {
      return await agent.goOn(state, secrets.take)
    } finally {
      secrets.wipe()
    }
  }
}

function notForPeople(because: string): AgentError {
  return new AgentError(
    'invalid_request',
    `"--take-over" is for a running sg-session that starts its successor: ${because}`,
    {
      advice: 'Start sg-session without it.',
    },
  )
}

function hasPipe(): boolean {
  try {
    const found = fstatSync(takeOverDescriptor)
    return found.isSocket() || found.isFIFO()
  } catch {
    return false
  }
}
