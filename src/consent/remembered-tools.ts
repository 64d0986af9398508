import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock, Log } from '../ports.ts'
import { includesScope, type Scope } from '../socket/scopes.ts'
import { StateFile, type StateProblem } from '../system/state-file.ts'
import { type Application, isSameApplication, type NamedProgram } from './application.ts'

const path = z.string().min(1).max(4_096)

const rememberedTool = z.object({
  executable: path,
  script: path.optional(),
  site: z.string().min(1).max(300),
  scope: z.enum(['rest', 'autodesk']),
  allowedAt: z.number().int().nonnegative(),
  lastUsedAt: z.number().int().nonnegative().optional(),
  /** Which of its files only root could write when it was allowed. */
  rootOwned: z.array(path).max(2),
})

/** A yes that outlives the program it was given to. Times are wall clock, ms since the epoch. */
export type RememberedTool = z.output<typeof rememberedTool>

const most = 500
const dayMs = 24 * 3600_000

export interface RememberedSettings {
  /** Absent: remembered for this run only. */
  readonly folder: string | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** The programs that may have a session until somebody takes it back: one entry an application and site; no secret. */
export class RememberedTools {
  readonly #settings: RememberedSettings
  readonly #file: StateFile<RememberedTool[]> | undefined
  readonly #tools = new Map<string, RememberedTool>()

  constructor(settings: RememberedSettings) {
    this.#settings = settings
    const { folder, log } = settings
    if (folder === undefined) return
    const schema = z.array(rememberedTool).max(most)
    this.#file = new StateFile({ file: join(folder, 'tools.json'), format: 1, schema, empty: [], log })
  }

  /** Why answers of earlier runs are missing, or those of this run are not kept. */
  get problem(): StateProblem | undefined {
    return this.#file?.problem
  }

  /** Takes what earlier runs have left. Never rejects. */
  async load(): Promise<void> {
    for (const tool of (await this.#file?.read()) ?? []) this.#tools.set(idOf(tool, tool.site), tool)
  }

  find(application: Application, site: string, scope: Scope): RememberedTool | undefined {
    const found = this.#tools.get(idOf(application, site))
    return found && isSameApplication(found, application) && includesScope(found.scope, scope) ? found : undefined
  }

  all(): [id: string, tool: RememberedTool][] {
    return [...this.#tools].reverse()
  }

  /** In the place of what was remembered of that application and site; the one used longest ago goes where there are too many. */
  async remember(tool: RememberedTool): Promise<string> {
    const id = idOf(tool, tool.site)
    this.#tools.delete(id)
    this.#tools.set(id, tool)
    if (this.#tools.size > most) {
      const [[longestAgo] = []] = [...this.#tools].sort(([, one], [, other]) => lastAt(one) - lastAt(other))
      if (longestAgo !== undefined) this.#tools.delete(longestAgo)
    }
    await this.#file?.write([...this.#tools.values()])
    return id
  }

  /** Resolves with whether the next run will know. Also the copy that is kept for trouble forgets it. */
  async forget(id: string): Promise<boolean> {
    if (!this.#tools.delete(id)) return true
    return (await this.#file?.write([...this.#tools.values()], { forgetsBefore: true })) ?? true
  }

  /** Written at most once a day: when it was used is for people who tidy up. */
  noteUse(tool: RememberedTool): void {
    const now = this.#settings.clock.now()
    const id = idOf(tool, tool.site)
    if (this.#tools.get(id) !== tool || Math.abs(now - (tool.lastUsedAt ?? 0)) < dayMs) return
    this.#tools.set(id, { ...tool, lastUsedAt: now })
    void this.#file?.write([...this.#tools.values()])
  }

  /** Resolves when everything is on the disk, or could not be brought there. */
  async settled(): Promise<void> {
    await this.#file?.settled()
  }
}

/** The same in every run, and short enough to type. */
export function idOf({ executable, script }: NamedProgram, site: string, process = ''): string {
  // Every call asks for one, and a hash costs as much as all the rest of the search.
  const words = [executable, script === undefined ? '' : `/${script}`, site, process].join('\0')
  let id = ids.get(words)
  if (id === undefined) {
    const hashed = JSON.stringify([executable, script ?? null, site, process])
    id = createHash('sha256').update(hashed).digest('hex').slice(0, 10)
    if (ids.size >= most) ids.clear()
    ids.set(words, id)
  }
  return id
}

const ids = new Map<string, string>()

function lastAt({ allowedAt, lastUsedAt = 0 }: RememberedTool): number {
  return Math.max(allowedAt, lastUsedAt)
}
