import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** One parser under test. `fuzz` is what Jazzer.js and libFuzzer call a target: it throws when the parser does wrong. */
export interface Target {
  fuzz(data: Uint8Array): void | Promise<void>
  /** Good inputs, and such that once went wrong. */
  readonly seeds: readonly (string | Uint8Array)[]
}

const folder = import.meta.dirname
export const corpusFolder = join(folder, 'corpus')

export const targetNames: readonly string[] = readdirSync(join(folder, 'targets')).map((file) => basename(file, '.ts'))

export async function loadTarget(name: string): Promise<Target> {
  return (await import(pathToFileURL(join(folder, 'targets', `${name}.ts`)).href)) as Target
}

/** What a target begins with: its seeds, and what earlier runs have kept. */
export function startingInputs(name: string, { seeds }: Pick<Target, 'seeds'>): Uint8Array[] {
  return [...seeds.map((seed) => Buffer.from(seed)), ...readCorpus(name)]
}

export function readCorpus(name: string): Uint8Array[] {
  const kept = join(corpusFolder, name)
  try {
    return readdirSync(kept)
      .sort()
      .map((file) => readFileSync(join(kept, file)))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
