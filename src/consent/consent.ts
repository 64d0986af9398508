import type { Config } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import type { AllowedBy } from '../socket/calls.ts'
import type { CallingTool, Gate } from '../socket/gate.ts'
import type { Peer } from '../socket/peer.ts'
import type { Scope } from '../socket/scopes.ts'
import type { AllowedTool, RefusedTool, ToolToAllow } from '../socket/tools-desk.ts'
import type { StateProblem } from '../system/state-file.ts'
import { UnfinishedWork } from '../waiting/unfinished-work.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { type Application, applicationOf, isBareInterpreter } from './application.ts'
import type { ConsentLimits } from './limits.ts'
import { OnceAllowed } from './once-allowed.ts'
import type { AskConsent } from './question.ts'
import { type Begun, type Outcome, Questions } from './questions.ts'
import { askedLately, askedTooMuch, interactionRequired, nameOf, refusalFor } from './refusal-errors.ts'
import { Refusals } from './refusals.ts'
import { type RememberedTool, RememberedTools } from './remembered-tools.ts'
import { type FileFacts, isRuledIn, isRuledOut } from './rules.ts'

export interface ConsentSettings {
  readonly tools: Config['tools']
  readonly clock: Clock
  readonly log: Log
  readonly files: FileFacts
  readonly limits: ConsentLimits
  /** Absent where there is no screen. */
  readonly ask: AskConsent | undefined
  readonly isScreenLocked: () => boolean
  /** Where answers are kept; absent: for this run only. */
  readonly stateFolder: string | undefined
  /** Whether a program hands the session on to whoever starts it: a yes to it is good for that process only. */
  readonly isHandingOn: (application: Application) => Promise<boolean>
}

/** What a question is about. */
interface Wish {
  readonly peer: Peer
  readonly application: Application
  readonly site: string
  readonly scope: 'rest' | 'autodesk'
}

/** Which programs may have what: what IT says, else what the artist has answered, else a question. */
export class Consent implements Gate {
  readonly #settings: ConsentSettings
  readonly #remembered: RememberedTools
  readonly #once: OnceAllowed
  readonly #refusals: Refusals
  readonly questions: Questions
  readonly #asking = new UnfinishedWork()
  /** A program may have what it could not have before. */
  readonly allowedNow: Feed<[Application, string]>
  /** A program may not have any more what it could. */
  readonly revokedNow: Feed<[Application]>

  constructor(settings: ConsentSettings) {
    this.#settings = settings
    const { clock, log, limits, stateFolder, ask, isScreenLocked } = settings
    const onListenerError = (error: unknown): void => log.error({ err: error }, 'a listener failed')
    this.#remembered = new RememberedTools({ folder: stateFolder, clock, log })
    this.#once = new OnceAllowed(clock)
    this.#refusals = new Refusals(clock, limits)
    this.questions = new Questions({ ask, isScreenLocked, clock, log, limits })
    this.allowedNow = new Feed(onListenerError)
    this.revokedNow = new Feed(onListenerError)
  }

  get mode(): Config['tools']['consent'] {
    return this.#settings.tools.consent
  }

  /** Takes what earlier runs have left. Never rejects. */
  async open(): Promise<void> {
    await this.#remembered.load()
  }

  /** Whether a question to the artist waits for its answer. */
  get isAsking(): boolean {
    return this.#asking.isUnderWay
  }

  /** Resolves when none waits; rejects with the reason of `signal`. */
  whenAnswered(signal: AbortSignal): Promise<void> {
    return this.#asking.whenDone(signal)
  }

  /** Resolves when what there is to keep is on the disk, or could not be brought there. */
  settled(): Promise<void> {
    return this.#remembered.settled()
  }

  /** Takes the questions back, and brings what there is to keep to the disk. */
  async close(): Promise<void> {
    this.questions.close()
    await this.#remembered.settled()
  }

  /** Why answers are not kept, or those of earlier runs are missing. */
  get problem(): StateProblem | undefined {
    return this.#remembered.problem
  }

  async demand(
    tool: CallingTool,
    scope: Scope,
    site: string | undefined,
    interactive: boolean,
  ): Promise<AllowedBy | undefined> {
    const { tools, files } = this.#settings
    const wanted = { scope, site }
    if (await isRuledOut(tools.deny, tool, wanted, files))
      throw new AgentError('consent_denied', `the policy refuses ${nameOf(tool)}`, { advice: 'Ask IT.' })
    if (scope === 'status' || site === undefined) return undefined
    if (tools.consent === 'allow-all') return 'mode'
    if (await isRuledIn(tools.allow, tool, wanted, files)) return 'rule'
    const { identified } = tool
    if (identified.kind === 'unknown') {
      throw new AgentError('consent_denied', `nobody can say which program asks: ${identified.because}`, {
        advice: 'Start the program on this machine, outside of a container, or ask IT about it.',
      })
    }
    if (tools.consent === 'allow-list') {
      throw new AgentError('consent_denied', `${nameOf(tool)} is not on the list of allowed programs`, {
        advice: 'Ask IT to put it on the list.',
      })
    }
    const { peer } = identified
    const granted = scope === 'autodesk' ? scope : 'rest'
    const wish: Wish = { peer, application: applicationOf(peer), site, scope: granted }
    if (await this.#isAllowed(wish)) return 'remembered'
    await this.#ask(wish, tool, interactive)
    return 'asked'
  }

  /** Newest first: for good, and for as long as a program runs. */
  allowed(): AllowedTool[] {
    const remembered = this.#remembered.all().map(([id, { rootOwned, script, lastUsedAt, ...tool }]) => ({
      id,
      ...tool,
      ...(script === undefined ? {} : { script }),
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    }))
    return [...this.#once.all(), ...remembered]
  }

  refused(): RefusedTool[] {
    return this.#refusals.all()
  }

  /**
   * Allows a program without a question; one that waits is answered. Throws `invalid_request` for what a yes is good for once
   * only: an interpreter without a script, and what hands the session on.
   */
  async allow({ site, scope, ...application }: ToolToAllow): Promise<AllowedTool> {
    if (isBareInterpreter(application)) {
      throw new AgentError('invalid_request', `"${application.executable}" is an interpreter: name its script too`, {
        advice:
          'Without it everything that the interpreter runs would be meant: "sg-session tools allow … --script FILE".',
      })
    }
    if (await this.#settings.isHandingOn(application)) {
      throw new AgentError(
        'invalid_request',
        'sg-session’s own command line is allowed once at most: it hands on what it gets',
        {
          advice: 'Answer its question when it asks. IT can name the program that starts it as "parent" of a rule.',
        },
      )
    }
    const id = await this.#remember(application, site, scope)
    for (const asked of scope === 'autodesk' ? (['rest', scope] as const) : [scope]) {
      const waiting = this.questions.find(keyOf(application, site, asked))
      if (waiting) this.questions.answer(waiting.question.id, 'always')
    }
    this.allowedNow.announce(application, site)
    const allowed = this.allowed().find((tool) => tool.id === id)
    if (!allowed) throw new AgentError('temporarily_unavailable', 'too many programs are allowed')
    return allowed
  }

  /**
   * Takes it back, for every site and process that was allowed with it once. Throws `invalid_request` when there is none of
   * that id, `temporarily_unavailable` when it is taken back but may come again with the next start: the disk.
   */
  async revoke(id: string): Promise<AllowedTool> {
    const tool = this.allowed().find((allowed) => allowed.id === id)
    if (!tool) throw new AgentError('invalid_request', `there is no allowed program "${id}"`)
    const application = applicationOf(tool)
    const isForgotten = await this.#remembered.forget(id)
    this.#once.forget(application)
    this.revokedNow.announce(application)
    this.#settings.log.info({ ...application, site: tool.site }, 'a program was revoked')
    if (!isForgotten) {
      throw new AgentError('temporarily_unavailable', this.problem?.message ?? 'what is kept cannot be written', {
        advice: 'It is revoked until sg-session ends; mend the disk and revoke something again.',
      })
    }
    return tool
  }

  /** Lets a program be asked about again that was refused, or got no answer, a moment ago. */
  askAgain(application: Application, site: string): void {
    this.#refusals.forget(application, site)
  }

  async #isAllowed({ peer, application, site, scope }: Wish): Promise<boolean> {
    if (this.#once.has(peer, site, scope)) return true
    const found = this.#remembered.find(application, site, scope)
    if (!found || !(await this.#isAsItWas(found))) return false
    this.#remembered.noteUse(found)
    return true
  }

  /** What only root could write when it was allowed and others can now may be another program. */
  async #isAsItWas({ rootOwned }: RememberedTool): Promise<boolean> {
    for (const file of rootOwned) if (!(await this.#settings.files.isRootOwned(file))) return false
    return true
  }

  async #ask(wish: Wish, tool: CallingTool, interactive: boolean): Promise<void> {
    const { question, outcome } = this.#begun(wish, tool)
    if (!interactive) throw interactionRequired(tool, question.id, this.questions.hasScreen)
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), this.#settings.limits.answerMs)
    try {
      await this.#wait({ question, outcome }, wish, tool, patience.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async #wait(asked: Begun, wish: Wish, tool: CallingTool, patience: AbortSignal): Promise<void> {
    const ended = await untilAborted(asked.outcome, patience).catch(() => 'unanswered' as const)
    if (ended !== 'once' && ended !== 'always') throw refusalFor(ended, tool)
    // The yes may have been to another process of the same program.
    if (!(await this.#isAllowed(wish))) await this.#wait(this.#begun(wish, tool), wish, tool, patience)
  }

  /** The question that waits already, or a new one. Throws `consent_denied` where none may be asked. */
  #begun(wish: Wish, tool: CallingTool): Begun {
    const { application, site, scope } = wish
    const key = keyOf(application, site, scope)
    const waiting = this.questions.find(key)
    if (waiting) return waiting
    const refused = this.#refusals.find(application, site, scope)
    if (refused) throw askedLately(tool, refused.until)
    const quietUntil = this.#refusals.quietUntil()
    if (quietUntil !== undefined) throw askedTooMuch(quietUntil)
    const begun = this.questions.begin(key, { tool, site, scope }, (outcome) => this.#take(outcome, wish))
    void this.#asking.during(() => begun.outcome)
    return begun
  }

  async #take(outcome: Outcome, { peer, application, site, scope }: Wish): Promise<void> {
    const { log, isHandingOn } = this.#settings
    log.info({ ...application, pid: peer.pid, site, scope, outcome }, 'a question about a program was settled')
    if (outcome === 'deny' || (outcome === 'unanswered' && this.questions.hasScreen))
      return this.#refusals.note(application, site, scope)
    if (outcome !== 'once' && outcome !== 'always') return
    const isForOnce = outcome === 'once' || isBareInterpreter(application) || (await isHandingOn(application))
    if (isForOnce) this.#once.allow(peer, site, scope)
    else await this.#remember(application, site, scope)
    this.allowedNow.announce(application, site)
  }

  async #remember(application: Application, site: string, scope: 'rest' | 'autodesk'): Promise<string> {
    const { clock, files } = this.#settings
    this.#refusals.forget(application, site)
    const rootOwned: string[] = []
    for (const file of [application.executable, application.script ?? []].flat())
      if (await files.isRootOwned(file)) rootOwned.push(file)
    const before = this.#remembered.find(application, site, scope)
    // More than was asked about stays only where it would be given now.
    const granted = before && (await this.#isAsItWas(before)) ? before.scope : scope
    const tool = { ...application, site, scope: granted, allowedAt: clock.now(), rootOwned }
    return this.#remembered.remember(tool)
  }
}

function keyOf({ executable, script }: Application, site: string, scope: Scope): string {
  return JSON.stringify([executable, script ?? null, site, scope])
}
