import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BusConnection } from './connection.ts'

/** A desktop's keyring, unlocked, as after a login. */
export interface Keyring {
  /** Ends it; who asks for a secret then finds no keyring. */
  stop(): Promise<void>
}

const startLimitMs = 10_000

/** Starts gnome-keyring with an empty keyring in `folder` and waits until it answers on the bus. */
export async function startKeyring(options: {
  readonly busAddress: string
  readonly folder: string
}): Promise<Keyring> {
  const { busAddress, folder } = options
  const home = join(folder, 'keyring-home')
  const run = join(folder, 'keyring-run')
  await Promise.all([home, run].map((place) => mkdir(place, { recursive: true, mode: 0o700 })))
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_RUNTIME_DIR: run,
      DBUS_SESSION_BUS_ADDRESS: busAddress,
      GSETTINGS_BACKEND: 'memory',
    },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = new Promise<void>((resolve, reject) => {
    daemon.once('error', reject)
    daemon.once('close', () => resolve())
  })
  // Looked at below; meanwhile it must not count as unhandled.
  ended.catch(() => undefined)
  daemon.stdin.on('error', () => undefined)
  // An empty line is the empty password; without one no keyring is made and the first secret is refused.
  daemon.stdin.end('\n')

  const connection = await BusConnection.open(busAddress)
  const deadline = performance.now() + startLimitMs
  try {
    while (!(await connection.ownerOf('org.freedesktop.secrets'))) {
      const state = await Promise.race([ended.then(() => 'ended'), new Promise((wake) => setTimeout(wake, 20))])
      if (state === 'ended') throw new Error('gnome-keyring-daemon ended at once')
      if (performance.now() > deadline) throw new Error('gnome-keyring-daemon did not come to the bus')
    }
  } finally {
    connection.close()
  }
  return {
    async stop() {
      daemon.kill()
      await ended
    },
  }
}
