import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { System } from '../system/paths.ts'
import { runProgram } from '../system/run-program.ts'
import type { Finding } from './finding.ts'
import type { Check, Program } from './world.ts'

/** What can be told of the keychain without using it, which could ask the person for its password. */
export type KeychainSight = 'open' | 'locked' | 'startable' | 'none' | 'no-bus' | 'unknown' | 'of-the-system'

const limitMs = 3_000

/** Whether there is a keychain to remember sign-ins in. It is looked at, never opened. */
export const checkKeychain: Check = async ({ setup, system, program }, signal) => {
  const { rememberSignIn } = setup.effective.config.session
  return [judgeKeychain(await lookAtKeychain(system, signal), { rememberSignIn, program })]
}

/** Judges it: only who wants sign-ins remembered is missing anything. */
export function judgeKeychain(
  sight: KeychainSight,
  {
    rememberSignIn,
    program,
  }: Pick<Config['session'], 'rememberSignIn'> & { program: Pick<Program, 'kind' | 'keychainProblem'> },
): Finding {
  const row = { check: 'keychain' } as const
  const whose = program.kind === 'tray-app' ? '' : '; only the tray app uses it, a headless agent remembers nothing'
  const found = `${sights[sight]}${whose}`
  if (!rememberSignIn) {
    return { ...row, state: 'ok', found: `${found}; "session.rememberSignIn" is off, so nothing is kept in it` }
  }
  if (program.keychainProblem) {
    const { message, advice } = program.keychainProblem
    return { ...row, state: 'warning', found: `${message}; ${sights[sight]}`, advice }
  }
  if (sight === 'none' || sight === 'no-bus') {
    const advice =
      'Sign-ins are kept in memory only: after a restart the browser is needed. Install a Secret Service (gnome-keyring, KWallet, KeePassXC), or switch "session.rememberSignIn" off.'
    return { ...row, state: 'warning', found, advice }
  }
  if (sight === 'locked') {
    const advice =
      'The tray app asks for its password when it needs it. With the login’s own password it is unlocked at login.'
    return { ...row, state: 'warning', found, advice }
  }
  return { ...row, state: 'ok', found }
}

const sights: Readonly<Record<KeychainSight, string>> = {
  open: 'the Secret Service of this desktop is there and unlocked',
  locked: 'the Secret Service of this desktop is there and locked',
  startable: 'a Secret Service is installed and starts when it is first used',
  none: 'no Secret Service is on this desktop’s bus',
  'no-bus': 'no desktop’s bus, so no Secret Service',
  unknown: 'not looked at: "dbus-send" is not there, or the bus does not answer',
  'of-the-system': 'the system has one; it was not opened, since that could ask for a password',
}

/** Asks the session bus who is there. None of these questions starts a keychain or opens one. */
async function lookAtKeychain({ platform, env }: System, signal: AbortSignal): Promise<KeychainSight> {
  if (platform === 'darwin' || platform === 'win32') return 'of-the-system'
  const address = await busAddress(env)
  if (address === undefined) return 'no-bus'
  // Without an address dbus-send would start a bus of its own.
  const ask = async (
    destination: string,
    path: string,
    method: string,
    ...args: string[]
  ): Promise<string | undefined> => {
    const call = ['--session', '--print-reply', '--reply-timeout=2000', `--dest=${destination}`, path, method, ...args]
    const clean = { PATH: env['PATH'], DBUS_SESSION_BUS_ADDRESS: address }
    const { status, stdout } = await runProgram('dbus-send', call, { env: clean, limitMs, signal })
    return status === 0 ? stdout : undefined
  }
  const bus = 'org.freedesktop.DBus'
  const secrets = 'org.freedesktop.secrets'
  const owned = await ask(bus, '/', `${bus}.NameHasOwner`, `string:${secrets}`)
  if (owned === undefined) return 'unknown'
  if (!owned.includes('boolean true')) {
    const startable = await ask(bus, '/', `${bus}.ListActivatableNames`)
    return startable?.includes(`"${secrets}"`) ? 'startable' : 'none'
  }
  const alias = await ask(
    secrets,
    '/org/freedesktop/secrets',
    'org.freedesktop.Secret.Service.ReadAlias',
    'string:default',
  )
  const collection = /object path "(\/org\/freedesktop\/secrets\/[\w/]+)"/.exec(alias ?? '')?.[1]
  // None yet: the first secret makes it, and asks for its password.
  if (collection === undefined) return 'locked'
  const property = ['string:org.freedesktop.Secret.Collection', 'string:Locked']
  const locked = await ask(secrets, collection, 'org.freedesktop.DBus.Properties.Get', ...property)
  return locked?.includes('boolean false') ? 'open' : 'locked'
}

async function busAddress(env: System['env']): Promise<string | undefined> {
  const named = env['DBUS_SESSION_BUS_ADDRESS']
  if (named) return named
  const runtime = env['XDG_RUNTIME_DIR']
  if (!runtime) return undefined
  const socket = join(runtime, 'bus')
  return access(socket).then(
    () => `unix:path=${socket}`,
    () => undefined,
  )
}
