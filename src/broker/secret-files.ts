import { readFile, stat } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'

const keyVariable = 'SG_BROKER_SCRIPT_KEY'

/**
 * The key alone, or an environment file (as systemd reads them) with SG_BROKER_SCRIPT_KEY. It never enters our environment.
 * Throws `config_invalid` for a file that every user may read, or that holds no key.
 */
export async function readScriptKey(file: string): Promise<Secret> {
  const text = await readPrivateText(file)
  const key = new RegExp(`^\\s*(export\\s+)?${keyVariable}\\s*=`, 'm').test(text)
    ? parseEnv(text)[keyVariable]
    : text.trim()
  if (!key || /\s/.test(key)) throw new AgentError('config_invalid', `${file}: holds no script key`)
  return new Secret(key)
}

/** A password alone in its file; a line feed at the end is not part of it. Throws like `readScriptKey`. */
export async function readPassword(file: string): Promise<Secret> {
  const password = (await readPrivateText(file)).replace(/\r?\n$/, '')
  if (!password) throw new AgentError('config_invalid', `${file}: holds no password`)
  return new Secret(password)
}

/** Throws `config_invalid`. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AgentError('config_invalid', `${file}: cannot be read`, { cause })
  }
}

/** Throws `config_invalid`, also for a file that every user may read. */
export async function readPrivateText(file: string): Promise<string> {
  const text = await readText(file)
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o007) !== 0) {
    throw new AgentError('config_invalid', `${file}: holds a secret and must not be open to every user (chmod o= it)`)
  }
  return text
}
