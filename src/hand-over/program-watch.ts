import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Hears from the system when something happens to a program's files, and tells it once it is quiet again; nothing is woken before. What
 * lies above a file's folder is watched too, for a whole tree that is put in another's place.
 */
export class ProgramWatch {
  readonly #files: readonly string[]
  readonly #settleMs: number
  readonly #onQuiet: () => void
  #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(files: readonly string[], settleMs: number, onQuiet: () => void) {
    this.#files = files
    this.#settleMs = settleMs
    this.#onQuiet = onQuiet
    this.#watch()
  }

  /** Tells as if something had happened. */
  lookSoon(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      // A folder that is another one now has nobody who watches it.
      this.#watch()
      this.#onQuiet()
    }, this.#settleMs)
    this.#timer.unref()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#unwatch()
  }

  #watch(): void {
    this.#unwatch()
    const places = new Map<string, Set<string>>()
    for (const file of this.#files) {
      for (const path of [file, dirname(file)]) {
        const names = places.get(dirname(path)) ?? new Set()
        places.set(dirname(path), names.add(basename(path)))
      }
    }
    for (const [folder, names] of places) {
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          if (name === null || names.has(name)) this.lookSoon()
        })
        watcher.on('error', () => watcher.close())
        this.#watchers.push(watcher)
      } catch {
        // Not there just now, or no more can be watched: then nobody hands over, and a restart does it.
      }
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
  }
}
