import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const suite = 'bookworm'
const dayMs = 24 * 3600_000
/** Debian mends what it ships: an old root would be none that anybody has. */
const freshForMs = 14 * dayMs

/**
 * `clean` is what Debian calls minimal. `workstation` has what an artist's machine has besides: a desktop's libraries, a session bus,
 * Python, and what the tests look with. Nothing of it is ours.
 */
const packagesOf = {
  clean: [],
  workstation: [
    'dbus,dbus-x11,xvfb,xauth,xdg-utils,python3,fontconfig,fonts-dejavu-core,ca-certificates,procps',
    'libgtk-3-0,libnss3,libasound2,libgbm1,libatk-bridge2.0-0,libxss1,libxtst6,libatspi2.0-0,libuuid1,libnotify4',
    'libsecret-1-0,libsecret-tools,gnome-keyring,libglib2.0-bin,libnss3-tools,rpm,systemd',
  ],
} as const

export type RootKind = keyof typeof packagesOf

/** Why no root can be made or entered here, or undefined when it can. */
export const rootMissing = ((): string | undefined => {
  if (process.platform !== 'linux') return 'Debian packages are installed on Linux'
  if (process.getuid?.() !== 0) return 'only root can make a Debian root and install into it'
  for (const program of ['unshare', 'nsenter', 'pivot_root', 'tar'])
    if (!has(program)) return `"${program}" is missing: apt-get install util-linux tar`
  if (!has('mmdebstrap') && !has('debootstrap')) return 'there is no mmdebstrap: apt-get install mmdebstrap'
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'])
  return status === 0 ? undefined : 'this machine gives nobody namespaces of their own'
})()

/**
 * The tarball of a Debian root, made from the mirror that this machine's apt asks, and kept for two weeks in the user's cache. Rejects
 * with what the program that makes it said.
 */
export async function debianRoot(kind: RootKind, say: (text: string) => void): Promise<string> {
  const include = packagesOf[kind].join(',')
  const recipe = createHash('sha256').update(`${suite} ${include} lists`).digest('hex').slice(0, 8)
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sg-session')
  const file = join(cache, `debian-${suite}-${kind}-${recipe}.tar`)
  const found = await stat(file).catch(() => undefined)
  if (found && Date.now() - found.mtimeMs < freshForMs) return file
  await mkdir(cache, { recursive: true })
  say(
    `Making a ${kind} Debian 12 root with ${has('mmdebstrap') ? 'mmdebstrap' : 'debootstrap'} (one to four minutes, kept for two weeks) …`,
  )
  const unfinished = `${file}.${process.pid}`
  try {
    await (has('mmdebstrap') ? withMmdebstrap(unfinished, include) : withDebootstrap(unfinished, include))
    await rename(unfinished, file)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return file
}

async function withMmdebstrap(file: string, include: string): Promise<void> {
  const sources = sourcesOfThisMachine()
  const options = ['--variant=minbase', '--format=tar', '--skip=cleanup/apt/lists', '--quiet', ...aptOptions()]
  const mirrors = sources === '' ? [] : sources.split('\n')
  await run('mmdebstrap', [...options, ...(include ? [`--include=${include}`] : []), suite, file, ...mirrors])
}

/** Slower; it knows one archive, so what was mended since the release comes with the first `apt-get upgrade`. */
async function withDebootstrap(file: string, include: string): Promise<void> {
  const folder = `${file}.folder`
  const mirror = /^deb (\S+) /.exec(sourcesOfThisMachine())?.[1]
  try {
    const options = ['--variant=minbase', ...(include ? [`--include=${include}`] : [])]
    await run('debootstrap', [...options, suite, folder, ...(mirror ? [mirror] : [])], { maxBuffer: 1 << 26 })
    const sources = sourcesOfThisMachine()
    if (sources !== '') await writeFile(join(folder, 'etc', 'apt', 'sources.list'), `${sources}\n`)
    await run('tar', ['-C', folder, '--numeric-owner', '-cf', file, '.'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Debian's part of what apt is configured with, one line an archive; none where this is another system, whose default serves. */
function sourcesOfThisMachine(): string {
  const format = '$(ORIGIN)|$(CODENAME)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)'
  const { stdout = '' } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const archives = (stdout ?? '').split('\n').map((line) => line.split('|'))
  const ours = archives.flatMap(([origin, name, line]) =>
    origin === 'Debian' && name?.startsWith(suite) && line ? [line] : [],
  )
  return [...new Set(ours)].join('\n')
}

/** How this machine reaches the archive: a proxy, say. */
function aptOptions(): string[] {
  const { stdout = '' } = spawnSync('apt-config', ['dump', '--format', '%f "%v";%n', 'Acquire'], { encoding: 'utf8' })
  const wanted = /^Acquire::(https?::Proxy|https?::Pipeline-Depth|Check-Valid-Until|Check-Date|Retries) "[^"]/
  return (stdout ?? '').split('\n').flatMap((line) => (wanted.test(line) ? [`--aptopt=${line}`] : []))
}

function has(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(join(folder, program)))
}
