// Plain JavaScript for Node 20: this runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')

/** The Node that everything but this script runs on: a package like any other, so that the system's may be older. */
export const node = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

/**
 * What the machine itself must bring, by the way we look for it (a program, a shared library, a header), and the Debian
 * packages that bring it. Some are called differently since Debian 13 and Ubuntu 24.04.
 */
export const debianPackages = {
  chromium: 'chromium | chromium-browser',
  Xvfb: 'xvfb',
  xauth: 'xauth',
  python3: 'python3',
  'fc-list': 'fontconfig, fonts-dejavu-core',
  'libgtk-3.so.0': 'libgtk-3-0t64 | libgtk-3-0',
  'libnss3.so': 'libnss3',
  'libasound.so.2': 'libasound2t64 | libasound2',
  'libgbm.so.1': 'libgbm1',
  'libatk-bridge-2.0.so.0': 'libatk-bridge2.0-0t64 | libatk-bridge2.0-0',
  'libXss.so.1': 'libxss1',
  'libXtst.so.6': 'libxtst6',
  'libsecret-1.so.0': 'libsecret-1-0',
  'libnotify.so.4': 'libnotify4',
  'xdg-open': 'xdg-utils',
  'dbus-run-session': 'dbus',
  gdbus: 'libglib2.0-bin',
  'dbus-launch': 'dbus-x11',
  'gnome-keyring-daemon': 'gnome-keyring',
  'secret-tool': 'libsecret-tools',
  make: 'make',
  'g++': 'g++',
  'pkg-config': 'pkg-config',
  'libsecret-1/libsecret/secret.h': 'libsecret-1-dev',
  postgres: 'postgresql',
  'redis-server': 'redis-server',
  strace: 'strace',
  faketime: 'faketime',
  prlimit: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mmdebstrap: 'mmdebstrap',
  'dpkg-deb': 'dpkg',
  rpmbuild: 'rpm',
  '7za': 'p7zip-full',
  strip: 'binutils',
  git: 'git',
  'ssh-agent': 'openssh-client',
  makensis: 'nsis',
  wine: 'wine, wine64',
  'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-win32',
  'i686-w64-mingw32-gcc': 'gcc-mingw-w64-i686-win32',
  '7z': 'p7zip-full',
  shellcheck: 'shellcheck',
  icotool: 'icoutils',
  icns2png: 'icnsutils',
  mandoc: 'mandoc',
  'desktop-file-validate': 'desktop-file-utils',
  appstreamcli: 'appstream',
  apparmor_parser: 'apparmor',
  setfacl: 'acl',
  buildah: 'buildah',
}

/** What Debian starts when it installs it, and whenever the machine starts. */
const debianServices = { postgres: 'postgresql', 'redis-server': 'redis-server' }

/** As in test/sandbox/chromium.ts. */
const chromiumPrograms = ['chromium', 'chromium-browser', 'google-chrome']

const onLinux = (names) => (process.platform === 'linux' ? names : [])

/** What each part needs of the machine. What keytar needs must be there before `installPackages`. */
export const needs = {
  electron: onLinux([
    'libgtk-3.so.0',
    'libnss3.so',
    'libasound.so.2',
    'libgbm.so.1',
    'libatk-bridge-2.0.so.0',
    'libXss.so.1',
    'libXtst.so.6',
    // Notifications, and whether there is a panel.
    'libnotify.so.4',
    'gdbus',
    'xdg-open',
    'fc-list',
  ]),
  keytar: onLinux(['libsecret-1.so.0', 'libsecret-1/libsecret/secret.h', 'make', 'g++', 'pkg-config', 'python3']),
  browser: ['chromium', 'Xvfb', 'fc-list', 'python3'],
  desktop: onLinux(['Xvfb', 'xauth', 'dbus-run-session', 'dbus-launch', 'gnome-keyring-daemon', 'secret-tool']),
  databases: onLinux(['postgres', 'redis-server']),
  faults: onLinux(['strace', 'faketime', 'prlimit', 'unshare']),
  soak: ['python3'],
  /** What ours is measured against. */
  bench: ['python3', ...onLinux(['ssh-agent', 'git', 'dbus-run-session', 'gnome-keyring-daemon', 'secret-tool'])],
  /** A Debian of their own for the packages to be installed into. */
  roots: onLinux(['mmdebstrap', 'unshare', 'nsenter']),
  executables: onLinux(['strip']),
  packages: onLinux(['dpkg-deb', 'rpmbuild', '7za', 'strip', 'git']),
  // To try the Windows installer.
  windows: onLinux(['makensis', 'wine', 'x86_64-w64-mingw32-gcc', 'i686-w64-mingw32-gcc', '7z']),
  /** What judges the files that we make for others' programs. */
  checkers: onLinux([
    'shellcheck',
    'mandoc',
    'desktop-file-validate',
    'appstreamcli',
    'apparmor_parser',
    'setfacl',
    'icotool',
    'icns2png',
  ]),
  images: onLinux(['buildah']),
}

/**
 * Installs the npm packages of the lockfile unless they are there already. `keytar` has no binary to fetch: npm compiles it
 * where it can and leaves it out where it cannot. Whoever wants it gets it later, when what it needs has come.
 */
export function installPackages({ wantKeytar = false } = {}) {
  const stamp = join(modules, '.sg-session-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const withKeytar = `${lock} keytar`
  const canKeytar = needs.keytar.every(has)
  const there = existsSync(stamp) && existsSync(node) ? readFileSync(stamp, 'utf8') : ''
  if (there === withKeytar || (there === lock && !(wantKeytar && canKeytar))) return
  const status = runShown(
    'the npm packages of package-lock.json (about half a minute)',
    ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    { env: { ...process.env, ...compilerSettings() } },
  )
  if (status !== 0) {
    say(
      'npm could not install the packages. Look at its words above, and at the registry it asks: npm config get registry',
    )
    process.exit(status)
  }
  // Said even when compiling it failed, or it would be tried again at every start.
  writeFileSync(stamp, canKeytar ? withKeytar : lock)
}

/** Compiles from what is here: a closed network has neither keytar's release host nor Node's headers to offer. */
function compilerSettings() {
  const system = dirname(dirname(process.execPath))
  const headers = existsSync(join(system, 'include', 'node', 'node_version.h')) ? { npm_config_nodedir: system } : {}
  return { npm_config_build_from_source: 'keytar', ...headers }
}

/**
 * Makes what is needed available on Debian and its like: as root without a question, with sudo after asking, else it
 * prints the line to run. On a CI machine (`CI`) nobody can be asked, and a sudo that asks for no password is what it is for.
 * Returns what is still missing.
 */
export async function installFromSystem(names) {
  const missing = [...new Set(names)].filter((name) => !has(name))
  if (missing.length === 0) return []
  const wanted = missing.map((name) => debianPackages[name]).join(', ')
  // `satisfy` knows alternatives, `install` does not.
  const line = ['apt-get', 'satisfy', '-y', '--no-install-recommends', wanted]
  const shown = `${line.slice(0, -1).join(' ')} "${wanted}"`
  if (process.platform !== 'linux' || !has('apt-get')) {
    say(`Missing here: ${missing.join(', ')}. Please install them; on Debian: ${shown}`)
    return missing
  }
  if (process.getuid() === 0) install([], line, shown, missing)
  else if (has('sudo') && (sudoIsGiven() || (await agrees(`Install ${wanted} with sudo? [Y/n] `))))
    install(['sudo'], line, shown, missing)
  else say(`Missing here: ${missing.join(', ')}. Please run: sudo ${shown}`)
  return missing.filter((name) => !has(name))
}

function install(sudo, line, shown, names) {
  say(`Installing Debian packages: ${shown}`)
  // It asks for the password now, and not across the line that runs.
  if (sudo.length > 0 && spawnSync('sudo', ['-v'], { stdio: 'inherit' }).status !== 0) return
  const quietly = (what, command) =>
    runShown(what, [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command, '-qq'])
  // The package lists of a fresh machine are often empty or old.
  if (quietly('Debian packages', line) !== 0) {
    quietly('Debian’s lists of packages', ['apt-get', 'update'])
    // What this system calls otherwise, or does not have, must not keep the rest away.
    if (quietly('Debian packages again', line) !== 0) {
      for (const name of names) quietly(debianPackages[name], [...line.slice(0, -1), debianPackages[name]])
    }
  }
  for (const name of names) if (has(name) && debianServices[name]) switchOff(sudo, debianServices[name])
}

/**
 * The tests start servers of their own. To keep Debian from starting one that it installs takes a setting for the whole
 * machine, which would also hold for what its owner installs later: this one, just installed, is switched off instead.
 */
function switchOff(sudo, service) {
  for (const command of [
    ['service', service, 'stop'],
    ['update-rc.d', service, 'disable'],
  ]) {
    const [program, ...rest] = [...sudo, ...command]
    spawnSync(program, rest, { stdio: 'ignore' })
  }
}

function sudoIsGiven() {
  return Boolean(process.env.CI) && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
}

/** No where nobody can be asked. */
async function agrees(question) {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(question)
  terminal.close()
  return !/^n/i.test(answer)
}

function has(name) {
  if (name.endsWith('.h')) return existsSync(join('/usr/include', name))
  if (name.includes('.so')) return knownLibraries().includes(`\t${name} `)
  const programs = name === 'chromium' ? chromiumPrograms : [name]
  // As for libraries: not everybody has these on the PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  if (name === 'postgres') folders.push(...postgresFolders())
  return folders.some((folder) => programs.some((program) => existsSync(join(folder, program))))
}

/** As in test/sandbox/postgres.ts: Debian keeps PostgreSQL off the PATH, a folder a version. */
function postgresFolders() {
  const versions = '/usr/lib/postgresql'
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []
}

function knownLibraries() {
  // Not everybody has /sbin on the PATH.
  return spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? ''
}

/** Runs a command in the repository; ends this process with its status when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    ...options,
  })
  if (error) say(`${command} cannot be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** Runs a command that takes a while and shows that it goes on; its output only when it fails. Returns its exit status. */
export function runShown(what, [command, ...args], options = {}) {
  const progress = fileURLToPath(new URL('progress.mjs', import.meta.url))
  return (
    spawnSync(process.execPath, [progress, what, command, ...args], { cwd: root, stdio: 'inherit', ...options })
      .status ?? 1
  )
}

export function say(text) {
  process.stderr.write(`${text}\n`)
}
