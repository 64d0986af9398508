import { AgentError, type ErrorCode } from '../errors.ts'
import type { Secret } from '../secrets/secret.ts'
import { askForCode, askForCredentials, type TypedLogin } from './ask-credentials.ts'
import type { Questions } from './questions.ts'

export interface TypedCredentials extends TypedLogin {
  readonly code?: Secret
}

export interface Submission {
  readonly questions: Pick<Questions, 'ask' | 'askHidden' | 'say' | 'forgetTypedAhead'>
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
 * Asks for login, passphrase and, where the site wants one, the two-factor code, until they are taken or the sign-in is over.
 * Says why they were not taken, and what to do. Keeps the login for the next question, nothing else. Throws like
 * `Questions.ask`.
 */
export async function askUntilTaken(submission: Submission): Promise<void> {
  const { questions } = submission
  let logins: { given: string | undefined; known: string | undefined } = { given: submission.login, known: undefined }
  for (;;) {
    questions.forgetTypedAhead()
    const typed = await askForCredentials(questions, logins)
    const refusal = await tryOnce(submission, typed)
    if (!refusal || over.has(refusal.code)) return
    questions.say(`${whole(refusal.message)}\n${refusal.advice}\n`)
    logins = { given: undefined, known: typed.login }
  }
}

/** One passphrase, with a code if it takes one. Returns why it was not taken. */
async function tryOnce(submission: Submission, typed: TypedLogin): Promise<AgentError | undefined> {
  const { questions, wantsCode } = submission
  const withCode = async (): Promise<AgentError | undefined> => {
    const code = await askForCode(questions)
    return submit(submission, code ? { ...typed, code } : typed)
  }
  if (wantsCode()) return withCode()
  const refusal = await submit(submission, typed)
  if (refusal?.code !== 'two_factor_required') return refusal
  questions.say(whole(refusal.message))
  return withCode()
}

function whole(sentence: string): string {
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}

async function submit(submission: Submission, credentials: TypedCredentials): Promise<AgentError | undefined> {
  try {
    await submission.submit(credentials)
    return undefined
  } catch (error) {
    if (error instanceof AgentError) return error
    throw error
  }
}
