import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isInstalled, plainEnvironment } from '../socket-stage.ts'

export interface Keyring {
  readonly env: Readonly<Record<string, string>>
  /** Arguments of `secret-tool` that print the secret in it. */
  readonly lookup: readonly string[]
  close(): void
}

/** gnome-keyring with one secret in it, on a bus and in a home of its own. Undefined where there is none. */
export async function startKeyring(folder: string): Promise<Keyring | undefined> {
  if (!['dbus-run-session', 'gnome-keyring-daemon', 'secret-tool'].every(isInstalled)) return undefined
  const home = join(folder, 'keyring')
  await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 })
  const own = {
    ...plainEnvironment(),
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    XDG_DATA_HOME: join(home, 'data'),
  }
  // The keyring daemon goes to the background; its bus lives as long as our end of the pipe.
  const script =
    'printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null; echo "$DBUS_SESSION_BUS_ADDRESS"; cat'
  const session = spawn('dbus-run-session', ['--', 'sh', '-c', script], { env: own, stdio: ['pipe', 'pipe', 'ignore'] })
  const [said] = (await Promise.race([once(session.stdout, 'data'), once(session, 'exit').then(() => [''])])) as [
    unknown,
  ]
  const env = { ...own, DBUS_SESSION_BUS_ADDRESS: String(said).trim() }
  const lookup = ['lookup', 'bench', 'session']
  try {
    execFileSync('secret-tool', ['store', '--label=bench', 'bench', 'session'], {
      env,
      input: 'secret',
      timeout: 10_000,
    })
  } catch {
    session.stdin.end()
    return undefined
  }
  return { env, lookup, close: () => void session.stdin.end() }
}
