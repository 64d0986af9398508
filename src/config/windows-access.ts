import { lstat } from 'node:fs/promises'
import { win32 } from 'node:path'
import { AgentError } from '../errors.ts'
import type { RunProgram } from './registry-policy.ts'

// Not from the environment, as for reg.exe. PowerShell looks for its commands where PSModulePath says: it is not handed on.
const powershell = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe'
const limitMs = 10_000

/**
 * Throws `config_invalid` where somebody who is no administrator could have written this file or put another in its place: by the owners and access
 * lists of it and of its folder. The folder above them, `C:\ProgramData`, is Windows' own. Not run on Windows yet: tested on access lists
 * as its documentation has them. Takes most of a second.
 */
export async function demandAdministratorsFile(file: string, run: RunProgram): Promise<void> {
  const folder = win32.dirname(file)
  for (const path of [folder, file]) {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isSymbolicLink()) throw refused(path, 'a policy must not be reached through a link')
  }
  const quoted = [folder, file].map((path) => `'${path.replaceAll("'", "''")}'`)
  const script = `[Console]::OutputEncoding = [Text.Encoding]::ASCII; ${quoted.map((path) => `(Get-Acl -LiteralPath ${path}).Sddl`).join('; ')}`
  const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', script]
  const { status, stdout } = await run(powershell, args, { env: { SystemRoot: 'C:\\Windows' }, limitMs })
  const [ofFolder, ofFile, ...rest] = stdout.split(/\r?\n/).filter((line) => line !== '')
  if (status !== 0 || ofFolder === undefined || ofFile === undefined || rest.length > 0) {
    throw refused(file, 'whether only administrators can write it could not be found out')
  }
  const problem = judgeAccess(ofFolder, 'folder') ?? judgeAccess(ofFile, 'file')
  if (problem === undefined) return
  throw refused(problem.of === 'folder' ? folder : file, `${problem.because} to count as policy`)
}

export interface AccessProblem {
  readonly of: 'folder' | 'file'
  readonly because: string
}

/** SYSTEM, Administrators and the installer of Windows. [MS-DTYP] §2.4.2.4, §2.5.1 */
const trusted = new Set([
  'SY',
  'S-1-5-18',
  'BA',
  'S-1-5-32-544',
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
])

/** What changes a file: its data, its attributes, its access list, its owner, or that it is there. */
const writesFile = 0x2 | 0x4 | 0x10 | 0x100 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
/** What takes a file away from a folder or changes who may. To add others there is every user's right below C:\ProgramData. */
const emptiesFolder = 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x10000000

/** The two letters of rights, as they count for files. [MS-DTYP] §2.5.1.1 */
const rights: Readonly<Record<string, number>> = {
  GA: 0x10000000,
  GX: 0x20000000,
  GW: 0x40000000,
  GR: 0x80000000,
  RC: 0x20000,
  SD: 0x10000,
  WD: 0x40000,
  WO: 0x80000,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
  FA: 0x1f01ff,
  FR: 0x120089,
  FW: 0x120116,
  FX: 0x1200a0,
}

/**
 * What in a security descriptor lets somebody else than administrators write, as SDDL has it; undefined where nothing does. What is not
 * understood counts as such. Rights that are refused to somebody make nothing wider, and those that only what lies below inherits are not its own.
 */
export function judgeAccess(sddl: string, of: AccessProblem['of']): AccessProblem | undefined {
  const [, owner, list] =
    /^O:(S-[\d-]+|[A-Z]{2})(?:G:(?:S-[\d-]+|[A-Z]{2}))?D:(?:P|AI|AR)*((?:\([^()]*\))*)(?:S:.*)?$/.exec(sddl) ?? []
  if (owner === undefined || list === undefined)
    return { of, because: 'has an access list that is not understood, and must have another' }
  if (!trusted.has(owner)) return { of, because: 'must be owned by Administrators or SYSTEM' }
  const isOpen = [...list.matchAll(/\(([^()]*)\)/g)].some(([, entry = '']) => {
    const [type, flags = '', mask = '', , , who = '', ...more] = entry.split(';')
    if (type === 'D' || trusted.has(who)) return false
    if (type !== 'A' || more.length > 0) return true
    if (/^(?:..)*IO/.test(flags)) return false
    const bits = bitsOf(mask)
    // Numbers are taken as unsigned: the highest bit is a right too.
    return bits === undefined || (bits & (of === 'file' ? writesFile : emptiesFolder)) >>> 0 !== 0
  })
  return isOpen ? { of, because: 'must be writable by administrators only' } : undefined
}

function bitsOf(mask: string): number | undefined {
  if (/^0x[0-9a-f]{1,8}$/i.test(mask)) return Number(mask)
  const letters = mask.match(/../g) ?? []
  if (mask.length % 2 === 1 || letters.some((pair) => rights[pair] === undefined)) return undefined
  return letters.reduce((bits, pair) => bits | (rights[pair] ?? 0), 0)
}

function refused(path: string, because: string): AgentError {
  return new AgentError('config_invalid', `${path}: ${because}`)
}
