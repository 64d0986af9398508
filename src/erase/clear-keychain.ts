import { runProgram } from '../system/run-program.ts'
import type { Removal } from './remove-own.ts'

const name = 'org.freedesktop.secrets'
const service = '/org/freedesktop/secrets'
const answerLimitMs = 10_000

/**
 * Removes the sign-ins that the keychain of this login remembers, by the Secret Service's own interface (Secret Service API 0.2)
 * through gdbus, without asking anybody for a password. Elsewhere than on Linux only a running agent can, at its sign-out: this
 * says so. Never throws. Resolves with a remark where nobody could look.
 */
export async function clearKeychain(env: NodeJS.ProcessEnv, into: Removal): Promise<string | undefined> {
  const elsewhere = commandElsewhere[process.platform]
  if (elsewhere !== undefined)
    return `The keychain was not looked at; a sign-in it may remember goes with: ${elsewhere}`
  if (!env['DBUS_SESSION_BUS_ADDRESS'] && !env['XDG_RUNTIME_DIR']) return notLooked('there is no session bus here')
  const call = (path: string, method: string, ...args: string[]): Promise<string | undefined> =>
    callBus(env, path.startsWith('/org/freedesktop/DBus') ? 'org.freedesktop.DBus' : name, path, method, ...args)
  const bus = '/org/freedesktop/DBus'
  const owned = await call(bus, 'org.freedesktop.DBus.NameHasOwner', name)
  if (owned === undefined) return notLooked('no session bus answers, or gdbus is missing')
  const startable = await call(bus, 'org.freedesktop.DBus.ListActivatableNames')
  // A desktop without a keychain remembers nothing.
  if (!owned.includes('true') && !startable?.includes(`'${name}'`)) return undefined
  const found = judgeSearch(
    await call(service, 'org.freedesktop.Secret.Service.SearchItems', "{'service':'sg-session'}"),
  )
  if (!found) return notLooked('it does not answer')
  for (const item of found.unlocked) {
    const prompt = await call(item, 'org.freedesktop.Secret.Item.Delete')
    if (prompt?.includes("'/'")) into.removed.push(`keychain: ${item}`)
    else into.left.push({ what: `keychain: ${item}`, why: 'the keychain does not give it up without asking' })
  }
  for (const item of found.locked) into.left.push({ what: `keychain: ${item}`, why: 'the keychain is locked' })
  return undefined
}

/** `([objectpath '/a'], @ao [])`, as gdbus prints the unlocked and the locked items. Undefined for anything else. */
export function judgeSearch(printed: string | undefined): { unlocked: string[]; locked: string[] } | undefined {
  const [, unlocked, locked] = /^\(((?:@ao )?\[[^\]]*\]), ((?:@ao )?\[[^\]]*\])\)\s*$/.exec(printed ?? '') ?? []
  if (unlocked === undefined || locked === undefined) return undefined
  const paths = (list: string): string[] => [...list.matchAll(/'(\/[\w/]+)'/g)].map(([, path]) => path ?? '')
  return { unlocked: paths(unlocked), locked: paths(locked) }
}

const commandElsewhere: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'security delete-generic-password -s sg-session',
  win32: 'the Credential Manager, entries that begin with "sg-session/"',
}

function notLooked(why: string): string {
  return `The keychain was not looked at: ${why}. A sign-in that it remembers goes with: secret-tool clear service sg-session`
}

async function callBus(
  env: NodeJS.ProcessEnv,
  dest: string,
  path: string,
  method: string,
  ...args: string[]
): Promise<string | undefined> {
  const to = ['call', '--session', '--timeout', '8', '--dest', dest, '--object-path', path, '--method', method]
  const { status, stdout } = await runProgram('gdbus', [...to, ...args], { env, limitMs: answerLimitMs })
  return status === 0 ? stdout : undefined
}
