import { AgentError } from '../errors.ts'
import type { Ended, runProgram } from '../system/run-program.ts'
import type { ConfigDocument } from './config.ts'
import { configWords } from './config-words.ts'

/** Where Group Policy and Intune write what IT decides; only administrators may. */
const registryPolicyKey = 'HKLM\\SOFTWARE\\Policies\\sg-session'
export const recommendedName = 'Recommended'

const parentKey = 'HKLM\\SOFTWARE\\Policies'
// Not from the environment: a user could point it at a program of their own.
const reg = 'C:\\Windows\\System32\\reg.exe'
const limitMs = 5_000
const mostCharacters = 1024 * 1024

export type RunProgram = typeof runProgram

/**
 * The policy in the registry: values of the key itself are locked, those of its `Recommended` are defaults; each is named as the
 * configuration's key. Throws `config_invalid` naming the value, or where the registry could not be read. The 64-bit view, whatever
 * runs us. Not run on Windows yet: tested on samples of what `reg query` prints.
 */
export async function readRegistryPolicy(run: RunProgram): Promise<ConfigDocument[]> {
  const query = (...what: string[]): Promise<Ended> =>
    run(reg, ['query', ...what, '/reg:64'], { env: { SystemRoot: 'C:\\Windows' }, limitMs, mostCharacters })
  const found = await query(registryPolicyKey, '/s')
  if (found.status === 0 && found.isWhole) return judgeRegistryPolicy(found.stdout)
  // It ends with 1 for a key that is not there and for one that cannot be read, and tells them apart in the system's language only.
  const parent = found.status === 1 ? await query(parentKey) : undefined
  if (parent?.status === 0 && parent.isWhole && !hasPolicyKey(parent.stdout)) return []
  throw new AgentError('config_invalid', `${registryPolicyKey}: cannot be read`)
}

/** Whether `reg query` of the key above lists ours. */
export function hasPolicyKey(text: string): boolean {
  return linesOf(text).some((line) => sameKey(line, registryPolicyKey))
}

/** What `reg query … /s` printed, as documents: locked values and defaults, each only where there are any. */
export function judgeRegistryPolicy(text: string): ConfigDocument[] {
  const locked: ConfigDocument = { source: 'locked', file: registryPolicyKey, content: {} }
  const defaults: ConfigDocument = {
    source: 'default',
    file: `${registryPolicyKey}\\${recommendedName}`,
    content: {},
  }
  let current: ConfigDocument | undefined
  linesOf(text).forEach((line, index) => {
    if (line.trim() === '') return
    if (/^HKEY_/i.test(line)) {
      current = [locked, defaults].find(({ file }) => sameKey(line, file))
      if (!current)
        throw invalid(registryPolicyKey, `has a key below it that is none of sg-session's: "${line.trim()}"`)
      return
    }
    // Name, type and data stand four spaces or a tab apart. Never quoted: a proxy's password may stand there.
    const [, name, type, data = ''] = /^\s+(\S.*?)(?: {4}|\t)\s*(REG_[A-Z_]+)(?:(?: {4}|\t)(.*))?$/.exec(line) ?? []
    if (!current || name === undefined || type === undefined) {
      throw invalid(registryPolicyKey, `what reg.exe says of it cannot be understood: see line ${index + 1}`)
    }
    // The key's own value, named in the system's language, means nothing to us.
    if (/^[(<].*[)>]$/.test(name)) return
    put(current, name, readValue(current.file, name, type, data))
  })
  return [defaults, locked].filter(({ content }) => Object.keys(content as object).length > 0)
}

/** `REG_DWORD 0x1` as the value it stands for. */
function readValue(file: string, name: string, type: string, data: string): unknown {
  if (!isKey(name)) throw invalid(file, `"${name}" is not a key sg-session knows`)
  const example: unknown = configWords[name].example
  const no = (what: string): AgentError => invalid(file, `"${name}": ${what}`)
  if (data.includes('\ufffd')) throw no('has letters that reg.exe cannot hand over: in JSON write them as \\u00e9')
  const text = type === 'REG_MULTI_SZ' ? joinStrings(data) : data
  if (type === 'REG_DWORD' || type === 'REG_QWORD') {
    if (!/^0x[0-9a-f]{1,16}$/i.test(data.trim())) throw no('is no number')
    const number = Number(data.trim())
    if (typeof example === 'number') return number
    if (typeof example === 'boolean' && number <= 1) return number === 1
    throw no(typeof example === 'boolean' ? 'must be 0 or 1' : 'must be REG_SZ')
  }
  if (type !== 'REG_SZ' && type !== 'REG_MULTI_SZ') throw no(`must not be ${type}`)
  switch (typeof example) {
    case 'boolean':
      if (/^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === 'true'
      throw no('must be REG_DWORD 0 or 1')
    case 'number':
      // The locale's comma would be a guess.
      if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text.trim())
      throw no('must be a number, as REG_DWORD or such as 0.5 as REG_SZ')
    case 'string':
      return text
    default:
      return parseJson(text, no)
  }
}

function parseJson(text: string, no: (what: string) => AgentError): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw no('must be JSON')
  }
}

/**
 * The strings of a REG_MULTI_SZ, a line each, as somebody typed them into a form of many lines. `reg query` puts `\0` between them; in
 * JSON a backslash never stands alone, so one that follows an even number of others is not part of a path.
 */
function joinStrings(data: string): string {
  return data.replace(/(?<!\\)((?:\\\\)*)\\0/g, '$1\n')
}

function put({ content }: ConfigDocument, name: string, value: unknown): void {
  const sections = content as Record<string, unknown>
  const [section = '', key] = name.split('.')
  if (key === undefined) sections[section] = value
  else sections[section] = { ...(sections[section] as object | undefined), [key]: value }
}

function isKey(name: string): name is keyof typeof configWords {
  return Object.hasOwn(configWords, name)
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/)
}

/** `HKEY_LOCAL_MACHINE\SOFTWARE\…` and `HKLM\Software\…` are one: case does not count. */
function sameKey(line: string, key: string): boolean {
  const whole = line
    .trim()
    .toLowerCase()
    .replace(/^hkey_local_machine\\/, 'hklm\\')
  return whole === key.toLowerCase()
}

function invalid(file: string, what: string): AgentError {
  return new AgentError('config_invalid', `${file}: ${what}`)
}
