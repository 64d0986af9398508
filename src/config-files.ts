import { lstat, readFile } from 'node:fs/promises'
import { dirname, parse } from 'node:path'
import { z } from 'zod'
import { type ConfigDocument, type ConfigRules, type EffectiveConfig, mergeConfig } from './config.ts'
import { AgentError } from './errors.ts'
import type { Paths } from './paths.ts'

/**
 * The configuration of this user on this machine. Missing files count as empty. Throws `config_invalid` when a file
 * cannot be read, is no JSON, has an unknown key, or when the policy could have been written by someone who is not root.
 */
export async function readConfig(paths: Paths, rules: ConfigRules): Promise<EffectiveConfig> {
  const documents: ConfigDocument[] = []
  const policy = await readJson(paths.policyFile)
  if (policy !== undefined) {
    await demandRootOwned(paths.policyFile)
    const parsed = policySchema.safeParse(policy)
    if (!parsed.success) {
      throw new AgentError(
        'config_invalid',
        `${paths.policyFile}: a policy has the keys "locked" and "defaults", and no others`,
      )
    }
    const { locked, defaults } = parsed.data
    if (defaults !== undefined) documents.push({ source: 'default', file: paths.policyFile, content: defaults })
    if (locked !== undefined) documents.push({ source: 'locked', file: paths.policyFile, content: locked })
  }
  const settings = await readJson(paths.settingsFile)
  if (settings !== undefined) documents.push({ source: 'settings', file: paths.settingsFile, content: settings })
  return mergeConfig(documents, rules)
}

const policySchema = z.strictObject({ locked: z.unknown().optional(), defaults: z.unknown().optional() })

async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new AgentError('config_invalid', `${file}: cannot be read`, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AgentError('config_invalid', `${file}: is not JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** A policy binds users, so no user may have been able to write it: root owns it and every folder above it. */
async function demandRootOwned(file: string): Promise<void> {
  // Windows guards %ProgramData% by access lists, which Node cannot read; the installer sets them.
  if (process.platform === 'win32') return
  for (let path = file; ; path = dirname(path)) {
    const found = await lstat(path)
    if (found.isSymbolicLink())
      throw new AgentError('config_invalid', `${path}: a policy must not be reached through a link`)
    if (found.uid !== 0) throw new AgentError('config_invalid', `${path}: must be owned by root to count as policy`)
    if ((found.mode & 0o022) !== 0) {
      throw new AgentError('config_invalid', `${path}: must not be writable by group or others to count as policy`)
    }
    if (path === parse(path).root) return
  }
}
