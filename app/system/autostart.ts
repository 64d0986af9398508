import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { desktopEntry } from './desktop-entry.ts'

const name = 'sg-session.desktop'

/**
 * Autostart entries of this user's desktop (XDG Autostart Specification 0.5). The package brings one for everybody of the machine. What it
 * starts ends at once unless `app.startAtLogin` is on, so that with it the setting alone decides and the user needs no entry; one that
 * hides it stands above a policy, and is the user's own doing. Without the package the user's own entry is the switch.
 */
export class Autostart {
  readonly #own: string
  readonly #machine: readonly string[]
  readonly #command: readonly string[]

  /** `command`: what started this app. `env` and `home` say where entries lie. */
  constructor(command: readonly string[], env: Readonly<Record<string, string | undefined>>, home: string) {
    // Basedir specification: what is empty or relative counts as not set.
    const own = env['XDG_CONFIG_HOME'] ?? ''
    const machine = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter(isAbsolute)
    this.#own = join(isAbsolute(own) ? own : join(home, '.config'), 'autostart', name)
    this.#machine = machine.map((folder) => join(folder, 'autostart', name))
    this.#command = command
  }

  /** Whether the app stays when the user logs in. `setting`: what `app.startAtLogin` is. */
  async isOn(setting: boolean): Promise<boolean> {
    const own = await read(this.#own)
    if (own !== undefined) return runs(own)
    return setting && (await this.#isStartedForAll())
  }

  async set(wanted: boolean): Promise<void> {
    if (!wanted || (await this.#isStartedForAll())) return rm(this.#own, { force: true })
    await mkdir(dirname(this.#own), { recursive: true, mode: 0o700 })
    await writeFileAtomic(this.#own, desktopEntry([...this.#command, '--autostart']), { mode: 0o644 })
  }

  /** The user's own entry says that it is to start, whatever the settings say: they may be unreadable. */
  async isOwnWish(): Promise<boolean> {
    const own = await read(this.#own)
    return own !== undefined && runs(own)
  }

  /** The first entry of the machine hides those behind it. One that starts another program is none of ours. */
  async #isStartedForAll(): Promise<boolean> {
    for (const file of this.#machine) {
      const entry = await read(file)
      if (entry !== undefined) return runs(entry) && entry.includes(`\nExec=${this.#command.join(' ')} --autostart\n`)
    }
    return false
  }
}

function runs(entry: string): boolean {
  return /^Exec=/m.test(entry) && !/^(Hidden=true|X-GNOME-Autostart-enabled=false)$/m.test(entry)
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}
