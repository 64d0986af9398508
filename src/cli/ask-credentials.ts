import { Secret } from '../secrets/secret.ts'
import type { Questions } from './questions.ts'

/** Login and passphrase as they are typed. */
export interface TypedLogin {
  readonly login: string
  readonly passphrase: Secret
}

export interface KnownLogin {
  /** Named with the command: not asked for. */
  readonly given: string | undefined
  /** Whoever is signed in, or tried before: what counts if nothing is typed. */
  readonly known: string | undefined
}

/** Login and passphrase, each asked for until there is one. Throws like `Questions.ask`. */
export async function askForCredentials(
  questions: Pick<Questions, 'ask' | 'askHidden'>,
  { given, known }: KnownLogin,
): Promise<TypedLogin> {
  const ask = (): Promise<string> => questions.ask(known === undefined ? 'Login: ' : `Login [${known}]: `)
  let login = given
  while (!login) login = (await ask()) || known
  let passphrase: Secret | undefined
  while (!passphrase) passphrase = await questions.askHidden('Passphrase (not your Autodesk password): ')
  return { login, passphrase }
}

/** The two-factor code, without the blanks around it; undefined if nothing is typed. Throws like `Questions.ask`. */
export async function askForCode(questions: Pick<Questions, 'askHidden'>): Promise<Secret | undefined> {
  const code = await questions.askHidden('Two-factor code (empty for none): ')
  return code && new Secret(code.reveal().trim())
}
