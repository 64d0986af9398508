import { X509Certificate } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { chmod, lstat, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'
import { parseJsonText } from './json-text.ts'

/** Where a plug-in finds the agent: address, the certificate to pin, and the key to show. One file a run, 0600 in 0700. */
export interface Endpoint {
  readonly port: number
  readonly certificatePem: string
  readonly key: Secret
  readonly pid: number
  /** Seconds since the epoch. */
  readonly startedAt: number
}

/** The file's format; the host is always 127.0.0.1. Unknown fields are ignored. */
const endpointSchema = z.object({
  endpoint: z.literal(1),
  port: z.number().int().min(1).max(65_535),
  certificate: z.string().max(8_192).refine(isCertificate),
  key: z.string().regex(/^[\w-]{43}$/),
  pid: z.number().int().positive(),
  startedAt: z.number().int().nonnegative(),
})

const largestFileBytes = 16 * 1024

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/**
 * Writes the endpoint file whole or not at all, readable by this user only. Makes its folder (0700) but none above it.
 * Throws `config_invalid` when the folder is a link or someone else's.
 */
export async function writeEndpointFile(file: string, endpoint: Endpoint): Promise<void> {
  await claimFolder(dirname(file))
  const content = {
    endpoint: 1,
    port: endpoint.port,
    certificate: endpoint.certificatePem,
    key: endpoint.key.reveal(),
    pid: endpoint.pid,
    startedAt: endpoint.startedAt,
  }
  // Not for those who only read: the package takes a command a tenth of its time to the answer.
  const { default: writeFileAtomic } = await import('write-file-atomic')
  await writeFileAtomic(file, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, fsync: false })
}

/** Makes the folder of the endpoint file, or checks that it is ours, and closes it to everybody else. */
export async function claimFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (process.platform === 'win32') return
  const found = await lstat(folder)
  if (!found.isDirectory()) throw new AgentError('config_invalid', `"${folder}" is not a folder`)
  if (found.uid !== process.getuid?.()) throw new AgentError('config_invalid', `"${folder}" belongs to another user`)
  if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700)
}

/**
 * Reads an endpoint file that only this user can have written. Undefined when there is none. Throws `not_your_agent` when
 * the file or its folder is a link, someone else's, open to others, too large, or not of the format.
 */
export async function readEndpointFile(file: string): Promise<Endpoint | undefined> {
  const text = await readPrivateFile(file)
  return text === undefined ? undefined : judgeEndpoint(text, file)
}

/** Judges what stands in an endpoint file. Throws `not_your_agent`, naming the field. */
export function judgeEndpoint(text: string, file: string): Endpoint {
  let content: unknown
  try {
    content = parseJsonText(text.replaceAll('\n', ' '), 2)
  } catch (error) {
    throw new AgentError('not_your_agent', `"${file}" is not an endpoint file`, { cause: error })
  }
  const parsed = endpointSchema.safeParse(content)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.')
    throw new AgentError('not_your_agent', `"${file}" is not an endpoint file: "${field}" is missing or wrong`)
  }
  const { port, certificate, key, pid, startedAt } = parsed.data
  return { port, certificatePem: certificate, key: new Secret(key), pid, startedAt }
}

async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    demandPrivate(dirname(file), await lstat(dirname(file)))
    // O_NOFOLLOW and fstat: what is checked is what is read.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    try {
      const found = await handle.stat()
      demandPrivate(file, found)
      if (!found.isFile() || found.size > largestFileBytes)
        throw new AgentError('not_your_agent', `"${file}" is not an endpoint file`)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof AgentError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new AgentError('not_your_agent', `"${file}" cannot be read as this user's file`, { cause: error })
  }
}

function demandPrivate(path: string, found: Stats): void {
  // Windows profiles are private by their access lists, which have no mode bits.
  if (process.platform === 'win32') return
  if (found.isSymbolicLink()) throw new AgentError('not_your_agent', `"${path}" is a link`)
  if (found.uid !== process.getuid?.()) throw new AgentError('not_your_agent', `"${path}" belongs to another user`)
  if ((found.mode & 0o077) !== 0) throw new AgentError('not_your_agent', `"${path}" is open to other users`)
}

/** Removes the file if it is still this run's: another agent may have started since. */
export async function removeEndpointFile(file: string, key: Secret): Promise<void> {
  const present = await readEndpointFile(file).catch(() => undefined)
  if (present && key.equals(present.key.reveal())) await rm(file, { force: true })
}
