import type { AskConsent } from '../src/agent.ts'
import type { Command } from './situation.ts'

/** What the shell's surroundings do for it: the windows and what commands mean. */
export interface Surroundings {
  run(command: Command): void
  refresh(): void
  /** A sign-in to this site is on the screen already: no notification needs to say how it went. */
  showsSignIn(site: string): boolean
  /** A sign-in has begun to wait for a login and passphrase: only a window of ours can ask for them. */
  askForCredentials(site: string): void
  /** Asks whether a program may have the session, on the screen. */
  readonly askConsent: AskConsent
  /** Somebody is signed in; a window that waited for it has nothing more to say. */
  signedIn(site: string): void
  readonly anyWindow: boolean
  /** Closes every window; whether the status was among them. */
  closeWindows(): boolean
}

/** Before the start nobody is asked for anything. */
export const nobody: Surroundings = {
  run: () => undefined,
  refresh: () => undefined,
  showsSignIn: () => false,
  askForCredentials: () => undefined,
  askConsent: async () => 'deny',
  signedIn: () => undefined,
  anyWindow: false,
  closeWindows: () => false,
}
