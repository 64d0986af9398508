import { AgentError, type ErrorCode } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { Terminal } from './terminal.ts'

export interface TypedCredentials {
  readonly login: string
  readonly passphrase: Secret
  readonly code?: Secret
}

export interface PromptSettings {
  readonly terminal: Pick<Terminal, 'ask' | 'say' | 'forgetTypedAhead'>
  /** Given with the command: not asked for at the first try. */
  readonly login: string | undefined
  /** Whether the site has asked for a code in this sign-in. */
  readonly wantsCode: () => boolean
  /** Throws why they were not taken. */
  readonly submit: (credentials: TypedCredentials) => Promise<unknown>
}

/** After these nobody waits for credentials any more; whoever asked for the sign-in hears the reason. */
const over = new Set<ErrorCode>(['sign_in_cancelled', 'sign_in_timeout', 'login_required', 'agent_not_running'])

/**
 * Asks at the terminal for login, passphrase and, where the site wants one, the two-factor code, until they are taken or the
 * sign-in is over. Says why they were not taken, and what to do. Keeps the login for the next question, nothing else.
 */
export async function promptForCredentials(settings: PromptSettings): Promise<void> {
  const { terminal } = settings
  let login = settings.login
  let refusal: AgentError | undefined
  for (;;) {
    terminal.forgetTypedAhead()
    if (login === undefined || refusal) login = await askForLogin(terminal, login)
    refusal = await tryOnce(settings, login)
    if (!refusal || over.has(refusal.code)) return
    terminal.say(`${whole(refusal.message)}\n${refusal.advice}\n`)
  }
}

/** One passphrase, with a code if it takes one. Returns why it was not taken. */
async function tryOnce(settings: PromptSettings, login: string): Promise<AgentError | undefined> {
  const { terminal, wantsCode } = settings
  const passphrase = new Secret(await askUntilAnswered(terminal, 'Passphrase: ', true))
  const refusal = await submit(settings, { login, passphrase, ...(wantsCode() ? await askForCode(terminal) : {}) })
  if (refusal?.code !== 'two_factor_required') return refusal
  terminal.say(whole(refusal.message))
  return submit(settings, { login, passphrase, ...(await askForCode(terminal)) })
}

function whole(sentence: string): string {
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}

async function submit(settings: PromptSettings, credentials: TypedCredentials): Promise<AgentError | undefined> {
  try {
    await settings.submit(credentials)
    return undefined
  } catch (error) {
    if (error instanceof AgentError) return error
    throw error
  }
}

async function askForLogin(terminal: PromptSettings['terminal'], last: string | undefined): Promise<string> {
  if (last === undefined) return askUntilAnswered(terminal, 'Login: ', false)
  return (await terminal.ask({ text: `Login [${last}]: `, hidden: false })).trim() || last
}

async function askForCode(terminal: PromptSettings['terminal']): Promise<{ code?: Secret }> {
  const code = (await terminal.ask({ text: 'Two-factor code (empty for none): ', hidden: true })).trim()
  return code === '' ? {} : { code: new Secret(code) }
}

async function askUntilAnswered(terminal: PromptSettings['terminal'], text: string, hidden: boolean): Promise<string> {
  for (;;) {
    const answer = await terminal.ask({ text, hidden })
    if (answer.trim() !== '') return hidden ? answer : answer.trim()
  }
}
