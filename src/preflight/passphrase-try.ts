import { AgentError, type ErrorCode } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { LegacyWayIn } from '../sign-in/legacy.ts'
import type { Credentials, CredentialsStep, SignInStep } from '../sign-in/way-in.ts'
import { anySignal } from '../waiting/any-signal.ts'
import type { PersonalSession } from './site-user.ts'

/** What a site said to a login and passphrase. */
export type TryOutcome =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: ErrorCode; readonly says: string; readonly next: string }

/** One try that was made. */
export interface PassphraseTry {
  readonly login: string
  /** Whether a two-factor code was given, because the site asked for one. */
  readonly withCode: boolean
  readonly outcome: TryOutcome
}

export interface TriedPassphrase extends PassphraseTry {
  /** What the site made of it. It ends by itself: ShotGrid has no call that ends one. facts: shotgrid §8 */
  readonly session: PersonalSession | undefined
}

export interface PassphraseTrial {
  readonly site: string
  readonly credentials: Omit<Credentials, 'code'>
  /** Asks for the code of the second factor, if the site wants one; undefined: nobody has one. */
  readonly askCode: () => Promise<Secret | undefined>
  readonly signal: AbortSignal
}

/**
 * Tries login and passphrase at the site, once, and once more with a code if it asks for one. By the way in that the agent has
 * too, and without the agent: what comes of it is nobody's session afterwards. Throws what `askCode` throws, and the reason of
 * `signal`.
 */
export async function tryPassphrase(
  ports: Pick<Ports, 'fetch' | 'clock'>,
  { site, credentials, askCode, signal }: PassphraseTrial,
): Promise<TriedPassphrase> {
  const over = new AbortController()
  let take: (step: CredentialsStep) => void = () => undefined
  const asked = new Promise<CredentialsStep>((resolve) => {
    take = resolve
  })
  const onStep = (step: SignInStep): void => {
    if (step.kind === 'credentials') take(step)
  }
  const request = { switchUser: false, onStep, signal: anySignal([signal, over.signal]) }
  const signIn = new LegacyWayIn({ site }, ports).signIn(request)
  const refusalOf = async (work: Promise<unknown>): Promise<AgentError | undefined> => {
    try {
      await work
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof AgentError) return error
      throw error
    }
  }
  const submit = async (all: Credentials): Promise<void> => (await asked).submit(all)
  try {
    let code: Secret | undefined
    let refusal = (await refusalOf(Promise.race([signIn, asked]))) ?? (await refusalOf(submit(credentials)))
    if (refusal?.code === 'two_factor_required') {
      code = await askCode()
      if (code) refusal = await refusalOf(submit({ ...credentials, code }))
    }
    const made = { login: credentials.login, withCode: code !== undefined }
    if (refusal) {
      const { message: says, advice: next } = refusal
      return { ...made, outcome: { accepted: false, code: refusal.code, says, next }, session: undefined }
    }
    const { apiUrl, sessionToken, userId } = (await signIn).session
    return { ...made, outcome: { accepted: true }, session: { apiUrl, sessionToken, userId } }
  } finally {
    over.abort()
  }
}
