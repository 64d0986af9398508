import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Paths } from '../system/paths.ts'
import { readConfigText, readRootOwnedText } from '../system/read-guarded.ts'
import { runProgram } from '../system/run-program.ts'
import {
  type ConfigDocument,
  type ConfigRules,
  type EffectiveConfig,
  mergeConfig,
  type PartialConfig,
} from './config.ts'
import { readManagedPreferences } from './managed-preferences.ts'
import { type RunProgram, readRegistryPolicy } from './registry-policy.ts'
import { demandAdministratorsFile } from './windows-access.ts'

/**
 * The configuration of this user on this machine. Missing files count as empty. Throws `config_invalid` when a file
 * cannot be read, is no JSON, has an unknown key, or when the policy could have been written by someone who is not root.
 */
export async function readConfig(paths: Paths, rules: ConfigRules): Promise<EffectiveConfig> {
  const policy = await readPolicy(paths)
  return mergeConfig([...policy, ...(await readSettings(paths.settingsFile))], rules)
}

/** What the user's settings file holds, not judged yet: one document, or none where there is no file. Throws `config_invalid`. */
export async function readSettings(file: string): Promise<ConfigDocument[]> {
  const content = await readJson(file)
  return content === undefined ? [] : [{ source: 'settings', file, content: unnamed(content) }]
}

/**
 * Changes the user's settings file and nothing in it that `change` does not name; a key set to `undefined` is taken out. A
 * list is one value, as everywhere. Resolves with the configuration as it is from now on. Throws `config_invalid` and leaves
 * the file as it was when that would not be a configuration, or when the file is not JSON: somebody is at work on it.
 */
export function writeSettings(
  paths: Paths,
  change: PartialConfig,
  rules: ConfigRules = { insecureLoopback: false },
): Promise<EffectiveConfig> {
  // One after the other: each begins with what the one before has written.
  const written = lastWrite.then(() => changeSettings(paths, change, rules))
  lastWrite = written.catch(() => undefined)
  return written
}

let lastWrite: Promise<unknown> = Promise.resolve()

async function changeSettings(paths: Paths, change: PartialConfig, rules: ConfigRules): Promise<EffectiveConfig> {
  const file = paths.settingsFile
  const present = documentSchema.safeParse((await readJson(file)) ?? {})
  if (!present.success) throw new AgentError('config_invalid', `${file}: is not an object of settings`)
  const content: Record<string, unknown> = { ...present.data }
  for (const [section, value] of Object.entries(change)) {
    const before = documentSchema.safeParse(content[section])
    const isMerged = before.success && typeof value === 'object' && !Array.isArray(value)
    content[section] = isMerged ? { ...before.data, ...value } : value
  }
  const effective = mergeConfig(
    [...(await readPolicy(paths)), { source: 'settings', file, content: unnamed(content) }],
    rules,
  )
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFileAtomic(file, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 })
  } catch (cause) {
    throw new AgentError('config_invalid', `${file}: cannot be written`, { cause })
  }
  return effective
}

const documentSchema = z.record(z.string(), z.unknown())

/**
 * The machine's policy, not judged yet: of the file, then what the system itself keeps, which beats it. Throws `config_invalid`, also
 * where someone who is not root could have written it.
 */
export async function readPolicy(
  { policyFile, nativePolicy }: Pick<Paths, 'policyFile' | 'nativePolicy'>,
  run: RunProgram = runProgram,
): Promise<ConfigDocument[]> {
  const text = await readRootOwnedText(policyFile)
  const documents = text === undefined ? [] : judgePolicyText(policyFile, text)
  switch (nativePolicy?.kind) {
    case 'registry':
      // There the file was read without a look at whose it is.
      if (text !== undefined) await demandAdministratorsFile(policyFile, run)
      return [...documents, ...(await readRegistryPolicy(run))]
    case 'managed-preferences':
      return [...documents, ...(await readManagedPreferences(nativePolicy.file, run))]
    default:
      return documents
  }
}

/** The text of a policy file as documents, their values not judged yet. Throws `config_invalid` for what has another form. */
export function judgePolicyText(file: string, text: string): ConfigDocument[] {
  const parsed = policySchema.safeParse(parseJson(file, text))
  if (!parsed.success) {
    throw new AgentError('config_invalid', `${file}: a policy has the keys "locked" and "defaults", and no others`)
  }
  const { locked, defaults } = parsed.data
  const documents: ConfigDocument[] = []
  if (defaults !== undefined) documents.push({ source: 'default', file, content: defaults })
  if (locked !== undefined) documents.push({ source: 'locked', file, content: locked })
  return documents
}

const policySchema = z.strictObject({
  $schema: z.string().optional(),
  locked: z.unknown().optional(),
  defaults: z.unknown().optional(),
})

/** Without the name of its schema, which is for editors. */
function unnamed(content: unknown): unknown {
  const parsed = namedSchema.safeParse(content)
  if (!parsed.success) return content
  const { $schema: _, ...rest } = parsed.data
  return rest
}

const namedSchema = z.looseObject({ $schema: z.string() })

async function readJson(file: string): Promise<unknown> {
  const text = await readConfigText(file)
  return text === undefined ? undefined : parseJson(file, text)
}

function parseJson(file: string, text: string): unknown {
  try {
    // Windows' PowerShell begins a file with it.
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw new AgentError('config_invalid', `${file}: is not JSON${lineOf(error, text)}`)
  }
}

/** Where it stops to be JSON, if V8 says so. Its whole message quotes what stands there: perhaps a proxy's password. */
function lineOf(error: unknown, text: string): string {
  const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  return position === undefined ? '' : `: see line ${text.slice(0, Number(position)).split('\n').length}`
}
