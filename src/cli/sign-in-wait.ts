import { createInterface } from 'node:readline'
import type { AgentClient, SignInListeners } from '../client/node/agent-client.ts'
import { AgentError } from '../errors.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { askUntilTaken } from './ask-until-taken.ts'
import type { Output } from './output.ts'
import { Questions } from './questions.ts'

export interface SiteOption {
  readonly site?: string
}

export interface SignInOptions extends SiteOption {
  readonly browser: boolean
  readonly switchUser: boolean
  /** Of the ShotGrid user, for sites that ask for one. */
  readonly login?: string
}

/** A passphrase is typed: one that came as an argument, in the environment or through a pipe would lie about somewhere. */
export function demandTerminal(site: string): void {
  if (!process.stdin.isTTY) throw noTerminal(site)
}

function noTerminal(site: string): AgentError {
  return new AgentError('interaction_required', `"${site}" wants a login and passphrase, and there is no terminal`, {
    advice:
      'Run "sg-session sign-in" in a terminal, or sign in from the tray: a passphrase is read from neither arguments, environment nor a pipe.',
  })
}

/**
 * What happens here while a sign-in waits for the artist. At the browser: on a terminal the redirected address can be pasted,
 * for a browser that runs on another machine. For credentials: they are asked for.
 */
export class SignInWait implements SignInListeners {
  readonly #client: AgentClient
  readonly #output: Output
  readonly #options: SignInOptions
  readonly #end = new AbortController()
  #questions: Questions | undefined
  #wantsCode = false
  #isGivenUp = false
  #stopPasting: () => void = () => undefined

  constructor(client: AgentClient, output: Output, options: SignInOptions) {
    this.#client = client
    this.#output = output
    this.#options = options
    process.once('SIGINT', this.#cancel)
  }

  /** The outcome, or at the latest when the agent was told to cancel, `sign_in_cancelled`. */
  until<T>(outcome: Promise<T>): Promise<T> {
    return untilAborted(outcome, this.#end.signal)
  }

  onBrowser = (url: string): void => {
    const { browser } = this.#options
    const how = browser
      ? 'Your browser is opening. If it does not, open this address:'
      : 'Open this address in a browser:'
    this.#output.remark(`${how}\n\n  ${url}\n`)
    this.#output.remark('Waiting for the sign-in, five minutes at most. Ctrl-C cancels.')
    if (!process.stdin.isTTY) return
    this.#output.remark('Is the browser on another machine? Paste the address it ends at (http://localhost:…) here.')
    this.#stopPasting()
    this.#stopPasting = offerPaste(this.#client, this.#output, this.#options)
  }

  onCredentialsWanted = (wantsCode: boolean): void => {
    this.#wantsCode = wantsCode
    if (this.#questions) return
    // Whatever kept this terminal from asking, nobody is left to answer.
    this.#prompt().catch((error: unknown) => this.#giveUp(error))
  }

  stop(): void {
    process.removeListener('SIGINT', this.#cancel)
    this.#stopPasting()
    this.#questions?.close()
  }

  async #prompt(): Promise<void> {
    const { site, login } = this.#options
    const questions = Questions.atTerminal()
    if (!questions) throw noTerminal(site ?? 'the site')
    this.#questions = questions
    // Nobody else may be there to type: a terminal that is closed takes the sign-in with it, also while nothing is asked.
    questions.interrupted.addEventListener('abort', this.#cancel, { once: true })
    await askUntilTaken({
      questions,
      login,
      wantsCode: () => this.#wantsCode,
      submit: ({ login, passphrase, code }) =>
        this.#client.submitCredentials({
          ...named(this.#options),
          login,
          passphrase: passphrase.reveal(),
          ...(code === undefined ? {} : { code: code.reveal() }),
        }),
    })
  }

  #cancel = (): void => this.#giveUp(new AgentError('sign_in_cancelled'))

  /** Tells the agent once, however often it is said: a terminal that goes away says it in several ways. */
  #giveUp(reason: unknown): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#client
      .cancelSignIn(this.#options.site)
      .catch(() => undefined)
      .finally(() => this.#end.abort(reason))
  }
}

function offerPaste(client: AgentClient, output: Output, options: SiteOption): () => void {
  const lines = createInterface({ input: process.stdin, terminal: false })
  lines.on('line', (line) => {
    if (line.trim() === '') return
    client.pasteRedirect(line.trim(), options.site).catch((error: unknown) => {
      output.remark(error instanceof AgentError ? `That did not work: ${error.message}` : String(error))
    })
  })
  return () => lines.close()
}

/** The site as a request names it. */
export function named({ site }: SiteOption): { site?: string } {
  return site === undefined ? {} : { site }
}
