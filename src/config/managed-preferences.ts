import { z } from 'zod'
import { AgentError } from '../errors.ts'
import { readRootOwnedText } from '../system/read-guarded.ts'
import type { ConfigDocument } from './config.ts'
import type { RunProgram } from './registry-policy.ts'

const plutil = '/usr/bin/plutil'
const limitMs = 5_000
const mostCharacters = 1024 * 1024

/**
 * The policy of a configuration profile: a property list with the dictionaries `locked` and `defaults`. It counts as the policy file does
 * only if root alone can have written it. Throws `config_invalid` otherwise, or where plutil cannot read it. Not run on macOS yet.
 */
export async function readManagedPreferences(file: string, run: RunProgram): Promise<ConfigDocument[]> {
  // After this nobody but root can put another in its place; plutil reads it again, for it may be binary.
  if ((await readRootOwnedText(file)) === undefined) return []
  const args = ['-convert', 'json', '-o', '-', '--', file]
  const { status, stdout, isWhole } = await run(plutil, args, { env: {}, limitMs, mostCharacters })
  if (status !== 0 || !isWhole)
    throw new AgentError('config_invalid', `${file}: is no property list that has a form in JSON`)
  return judgeManagedPreferences(file, stdout)
}

/** What plutil printed, as documents. What the system itself puts beside a profile's keys begins with `Payload`. */
export function judgeManagedPreferences(file: string, text: string): ConfigDocument[] {
  const parsed = preferencesSchema.safeParse(parseJson(file, text))
  const own = parsed.success ? Object.keys(parsed.data).filter((key) => !key.startsWith('Payload')) : []
  if (!parsed.success || own.some((key) => !['locked', 'defaults', '$schema'].includes(key))) {
    throw new AgentError('config_invalid', `${file}: has the dictionaries "locked" and "defaults", and no others`)
  }
  const { locked, defaults } = parsed.data
  return [
    ...(defaults === undefined ? [] : [{ source: 'default' as const, file, content: defaults }]),
    ...(locked === undefined ? [] : [{ source: 'locked' as const, file, content: locked }]),
  ]
}

const preferencesSchema = z.looseObject({ locked: z.unknown().optional(), defaults: z.unknown().optional() })

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AgentError('config_invalid', `${file}: what plutil makes of it is no JSON`)
  }
}
