import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import type { Log } from '../ports.ts'

export interface StateFileSettings<Content> {
  readonly file: string
  /** Rises with every change that an older program would misread. */
  readonly format: number
  readonly schema: z.ZodType<Content>
  /** What it holds where there is none. */
  readonly empty: Content
  readonly log: Log
}

/** Why what should be kept is not: for people, with the file's path and nothing of what is in it. */
export interface StateProblem {
  readonly kind: 'corrupt' | 'newer' | 'unreadable' | 'unwritable'
  readonly message: string
}

const mostBytes = 4 * 1024 * 1024
const mostSetAside = 3

/**
 * What the agent keeps between two runs, as one JSON document; no secret. A write is whole or does not happen, and the copy
 * before it is kept beside the file. A file that is damaged is set aside and the copy taken. One that cannot be read, or that a
 * newer version wrote, is left alone: then nothing is written either.
 */
export class StateFile<Content> {
  readonly #settings: StateFileSettings<Content>
  readonly #previous: string
  #problem: StateProblem | undefined
  #isSealed = false
  #writing: Promise<unknown> = Promise.resolve()

  constructor(settings: StateFileSettings<Content>) {
    this.#settings = settings
    this.#previous = `${settings.file}.previous`
  }

  /** What is wrong now, or has been since the start; undefined when all is well. */
  get problem(): StateProblem | undefined {
    return this.#problem
  }

  /** What is kept. Never rejects: what cannot be read counts as `empty`, and `problem` says why. */
  async read(): Promise<Content> {
    const { file, empty } = this.#settings
    const found = await this.#look(file)
    if (found.kind === 'good') return found.content
    if (found.kind === 'missing') return empty
    if (found.kind !== 'corrupt') {
      this.#isSealed = true
      const until =
        found.kind === 'newer'
          ? 'it stays as it is, and nothing is kept until sg-session is as new'
          : 'nothing is kept until it is mended'
      this.#note({ kind: found.kind, message: `${file}: ${found.because}; ${until}` })
      return empty
    }
    const aside = await this.#setAside()
    const before = await this.#look(this.#previous)
    const instead = before.kind === 'good' ? 'the copy before it is used' : 'there is no good copy; it begins anew'
    this.#note({ kind: 'corrupt', message: `${file}: ${found.because}; it is now ${aside}, and ${instead}` })
    return before.kind === 'good' ? before.content : empty
  }

  /**
   * Writes it, after what was to be written before. `forgetsBefore`: the kept copy says the same afterwards, for what must not
   * come back. Resolves with whether it is on the disk; if not, the old state is, and `problem` says why.
   */
  write(content: Content, { forgetsBefore = false } = {}): Promise<boolean> {
    const written = this.#writing.then(() => this.#write(content, forgetsBefore))
    this.#writing = written
    return written
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(content: Content, forgetsBefore: boolean): Promise<boolean> {
    if (this.#isSealed) return false
    const { file, format } = this.#settings
    const text = `${JSON.stringify({ format, content }, undefined, 2)}\n`
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      // Only what can be read back is worth keeping.
      const before = forgetsBefore ? undefined : await this.#look(file)
      if (before?.kind === 'good') await writeWhole(this.#previous, before.text)
      await writeWhole(file, text)
      if (forgetsBefore) await writeWhole(this.#previous, text)
      if (this.#problem?.kind === 'unwritable') this.#problem = undefined
      return true
    } catch (error) {
      this.#note({
        kind: 'unwritable',
        message: `${file}: cannot be written (${codeOf(error)}); what it said before stays`,
      })
      return false
    }
  }

  async #look(file: string): Promise<Found<Content>> {
    let text: string
    try {
      text = await readSmall(file)
    } catch (error) {
      if (error instanceof Unfit) return { kind: 'corrupt', because: error.message }
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { kind: 'missing' }
      return { kind: 'unreadable', because: `cannot be read (${codeOf(error)})` }
    }
    const parsed = envelope.safeParse(parsedJson(text))
    if (!parsed.success) return { kind: 'corrupt', because: 'is not what sg-session writes' }
    const { format, content } = parsed.data
    if (format > this.#settings.format)
      return {
        kind: 'newer',
        because: `a newer sg-session wrote it (format ${format}, this one knows ${this.#settings.format})`,
      }
    const judged = this.#settings.schema.safeParse(content)
    if (!judged.success) return { kind: 'corrupt', because: 'is not what sg-session writes' }
    return { kind: 'good', content: judged.data, text }
  }

  /** The damaged file under another name, for whoever wants to look; the oldest of such go. Resolves with the name. */
  async #setAside(): Promise<string> {
    const { file, log } = this.#settings
    const folder = dirname(file)
    const prefix = `${basename(file)}.damaged-`
    const aside = join(folder, `${prefix}${new Date().toISOString().replaceAll(':', '-')}`)
    try {
      await rename(file, aside)
      const all = (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort()
      await Promise.all(all.slice(0, -mostSetAside).map((name) => rm(join(folder, name), { force: true })))
      return aside
    } catch (error) {
      log.warn({ err: error }, 'a damaged file could not be set aside')
      return 'still there'
    }
  }

  #note(problem: StateProblem): void {
    this.#problem = problem
    this.#settings.log.warn({ kind: problem.kind, file: this.#settings.file }, problem.message)
  }
}

type Found<Content> =
  | { readonly kind: 'good'; readonly content: Content; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'corrupt' | 'newer' | 'unreadable'; readonly because: string }

const envelope = z.object({ format: z.number().int().positive(), content: z.unknown() })

class Unfit extends Error {}

async function readSmall(file: string): Promise<string> {
  const found = await stat(file)
  if (!found.isFile()) throw new Unfit('is no file')
  if (process.getuid && (found.uid !== process.getuid() || (found.mode & 0o022) !== 0))
    throw new Unfit('somebody else could have written it')
  if (found.size > mostBytes) throw new Unfit('is too large')
  const handle = await open(file, 'r')
  try {
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function writeWhole(file: string, text: string): Promise<void> {
  return writeFileAtomic(file, text, { mode: 0o600 })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
