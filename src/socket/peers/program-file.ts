import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import { runProgram } from '../../system/run-program.ts'
import { withPatience } from '../../waiting/with-patience.ts'
import { foreignPaths } from './procfs.ts'

/** What is known of a program's file, for rules and for the question on the screen. Nothing here throws, or waits for ever on a dead share. */

/** The largest programs of the field are some hundred MiB. */
const largestHashedBytes = 1024 ** 3
const hashLimitMs = 30_000
const lookLimitMs = 3_000
const packageLimitMs = 3_000
const mostRemembered = 500

const hashes = new Map<string, Promise<string | undefined>>()

/**
 * SHA-256 of a file's bytes, lower-case hex; undefined when it cannot be read, is no regular file, is larger than 1 GiB, takes
 * longer than 30 s to read, or changes meanwhile. Read once for as long as device, inode, size and times of the file stay.
 */
export async function sha256Of(path: string): Promise<string | undefined> {
  const version = await withPatience(
    foreignPaths.take(() => versionOf(path)),
    lookLimitMs,
  )
  if (version === undefined) return undefined
  const known = hashes.get(version)
  if (known) return known
  const hashed = withPatience(hashFile(path, version), hashLimitMs).catch(() => undefined)
  remember(hashes, version, hashed)
  // What failed may work the next time.
  if ((await hashed) === undefined) hashes.delete(version)
  return hashed
}

async function hashFile(path: string, expectedVersion: string): Promise<string | undefined> {
  const file = await open(path)
  try {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      bytes += (chunk as Buffer).length
      if (bytes > largestHashedBytes) return undefined
      hash.update(chunk as Buffer)
    }
    // The file that was read is the one that was asked about, and is still as it was.
    const isSame = versionIn(await file.stat({ bigint: true })) === expectedVersion
    return isSame ? hash.digest('hex') : undefined
  } finally {
    await file.close()
  }
}

/** Which state of which file lies there now; undefined when it is no file that could be hashed. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path, { bigint: true })
    return found.isFile() && found.size <= largestHashedBytes ? versionIn(found) : undefined
  } catch {
    return undefined
  }
}

/** With the time of the last change of the inode, which a program cannot set back as it can the content's. */
function versionIn({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

const packages = new Map<string, Promise<string | undefined>>()

/**
 * The package that the system's database says a file belongs to, by its name alone; that its bytes are the package's is not checked.
 * Undefined where none does, there is no such database, or it does not answer in three seconds a question.
 */
export async function packageOf(path: string): Promise<string | undefined> {
  const version = await withPatience(
    foreignPaths.take(() => versionOf(path)),
    lookLimitMs,
  )
  if (process.platform !== 'linux' || version === undefined) return undefined
  const key = `${version} ${path}`
  const known = packages.get(key)
  if (known) return known
  const asked = askForPackage(path).catch(() => undefined)
  remember(packages, key, asked)
  return asked
}

async function askForPackage(path: string): Promise<string | undefined> {
  const real = await withPatience(
    foreignPaths.take(() => realpath(path)),
    lookLimitMs,
  )
  if (real === undefined) return undefined
  const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }
  // dpkg takes what follows for a pattern. Files that came to /bin before it was a link to /usr/bin are listed there.
  const names = /[*?[\]\\]/.test(real)
    ? []
    : [real, ...(/^\/usr\/s?bin\//.test(real) ? [real.slice('/usr'.length)] : [])]
  for (const name of names) {
    const { status, stdout } = await runProgram('/usr/bin/dpkg-query', ['--search', name], {
      env,
      limitMs: packageLimitMs,
    })
    const found = status === 0 ? packageInSearch(stdout, name) : undefined
    if (found !== undefined) return found
  }
  const { status, stdout } = await runProgram('/usr/bin/rpm', ['-q', '--queryformat', '%{NAME}\\n', '-f', real], {
    env,
    limitMs: packageLimitMs,
  })
  return status === 0 ? stdout.split('\n')[0]?.trim() || undefined : undefined
}

/** From the lines of `dpkg-query --search`: `name[:architecture][, name…]: path`, and such about diversions. */
export function packageInSearch(lines: string, path: string): string | undefined {
  for (const line of lines.split('\n')) {
    const end = line.indexOf(`: ${path}`)
    if (end < 0 || line.length !== end + 2 + path.length || line.startsWith('diversion by ')) continue
    const [first = ''] = line.slice(0, end).split(', ')
    return first.replace(/:[a-z0-9-]+$/, '') || undefined
  }
  return undefined
}

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  known.set(key, value)
  const [oldest] = known.keys()
  if (oldest !== undefined && known.size > mostRemembered) known.delete(oldest)
}
