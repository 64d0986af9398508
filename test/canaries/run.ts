import { createReadStream } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { type Canary, type Find, Finder, filesBelow } from './finder.ts'
import { knownPlaces } from './known-places.ts'

export interface Hit extends Find {
  /** Within the folder of the run. */
  readonly place: string
}

export interface Report {
  readonly secrets: number
  readonly files: number
  readonly bytes: number
  readonly hits: readonly Hit[]
  /** How many stood where they must, for each known place. */
  readonly known: Readonly<Record<string, number>>
}

/** The folder of one run of the tests. */
export interface RunFolder {
  /** Outside of all that is looked through. */
  readonly ledger: string
  /** TMPDIR of the run. */
  readonly temporary: string
  /** Where folders go that tests remove. */
  readonly attic: string
  /** What was said, and what was seen of processes. */
  readonly seen: string
}

export function runFolder(folder: string): RunFolder {
  const place = (name: string): string => join(folder, name)
  return { ledger: join(place('l'), 'ledger'), temporary: place('t'), attic: place('a'), seen: place('s') }
}

export async function makeRunFolder(folder: string): Promise<RunFolder> {
  const { ledger, temporary, attic, seen } = runFolder(folder)
  await mkdir(join(ledger, '..'), { mode: 0o700 })
  await writeFile(ledger, '', { mode: 0o600 })
  for (const each of [attic, seen]) await mkdir(each, { mode: 0o700 })
  // As the system's own: databases and tests have other users.
  await chmod(folder, 0o711)
  await mkdir(temporary)
  await chmod(temporary, 0o1777)
  return { ledger, temporary, attic, seen }
}

/** Looks for every secret of the ledger in the folder of a run. */
export class CanarySearch {
  readonly #folder: string
  readonly #run: RunFolder
  readonly #finder = new Finder()
  readonly #hits = new Map<string, Hit>()
  readonly #known: Record<string, number> = {}
  #files = 0
  #bytes = 0
  #readLedger = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#run = runFolder(folder)
  }

  /** Looks through what was moved to the attic, and removes it: no secret in it is younger than it is. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#run.attic)) {
      const path = join(this.#run.attic, name)
      await this.#search(path)
      await rm(path, { recursive: true, force: true })
    }
  }

  /** Looks through all that is left. */
  async finish(): Promise<Report> {
    await this.sweep()
    for (const path of [this.#run.temporary, this.#run.seen]) await this.#search(path)
    return {
      secrets: this.#finder.size,
      files: this.#files,
      bytes: this.#bytes,
      hits: [...this.#hits.values()],
      known: this.#known,
    }
  }

  async #search(path: string): Promise<void> {
    await this.#takeLedger()
    for await (const file of filesBelow(path)) {
      if (knownPlaces.some(({ where, what }) => what === undefined && where.test(file))) continue
      this.#files += 1
      this.#bytes += (await stat(file).catch(() => undefined))?.size ?? 0
      for (const find of await this.#finder.searchFile(file).catch(() => [])) this.#note(file, find)
    }
  }

  #note(file: string, find: Find): void {
    const known = knownPlaces.find(({ where, what }) => where.test(file) && what?.test(find.what))
    if (known) {
      this.#known[known.because] = (this.#known[known.because] ?? 0) + 1
      return
    }
    const place = relative(this.#folder, file)
    this.#hits.set(`${place} ${find.what} ${find.encoding}`, { place, ...find })
  }

  async #takeLedger(): Promise<void> {
    let text = ''
    for await (const chunk of createReadStream(this.#run.ledger, { start: this.#readLedger })) text += chunk
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    this.#readLedger += Buffer.byteLength(whole)
    for (const line of whole.split('\n')) if (line) this.#finder.add(JSON.parse(line) as Canary)
  }
}

/** What the system shows of the processes that began with the run or later: arguments and environment. */
export class ProcessWatch {
  readonly #since: number
  readonly #file: string
  readonly #looks = new Map<string, number>()
  readonly #texts = new Set<string>()
  #round = 0

  constructor(seen: string, since: number) {
    this.#file = join(seen, 'processes')
    this.#since = since
  }

  /** Each process is looked at often while it is young (it may still become another program), and now and then after that. */
  async look(): Promise<void> {
    this.#round += 1
    const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
    for (const pid of pids) {
      const looks = (this.#looks.get(pid) ?? 0) + 1
      if (looks > 10 && (this.#round + Number(pid)) % 25 !== 0) continue
      this.#looks.set(pid, looks)
      if (looks === 1 && !(await this.#isOfRun(pid))) this.#looks.set(pid, Number.NEGATIVE_INFINITY)
      if (this.#looks.get(pid) === Number.NEGATIVE_INFINITY) continue
      for (const what of ['cmdline', 'environ']) await this.#keep(`/proc/${pid}/${what}`)
    }
    for (const pid of this.#looks.keys()) if (!pids.includes(pid)) this.#looks.delete(pid)
  }

  async #isOfRun(pid: string): Promise<boolean> {
    return ((await stat(`/proc/${pid}`).catch(() => undefined))?.ctimeMs ?? 0) >= this.#since
  }

  async #keep(path: string): Promise<void> {
    const text = await readFile(path, 'latin1').catch(() => '')
    if (text === '' || this.#texts.has(text)) return
    this.#texts.add(text)
    await writeFile(this.#file, `${basename(path)} ${text}\n`, { flag: 'a', encoding: 'latin1' })
  }
}
