// Plain JavaScript for Node 20: this runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'

export const root = new URL('..', import.meta.url).pathname
const modules = join(root, 'node_modules')

/** The Node that everything but this script runs on: a package like any other, so that the system's may be older. */
export const node = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

/** Debian packages by the program they bring. */
const debianPackages = {
  chromium: ['chromium'],
  Xvfb: ['xvfb', 'xauth'],
  python3: ['python3'],
  'fc-list': ['fontconfig', 'fonts-dejavu-core'],
}

/** Installs the npm packages of the lockfile unless they are there already. */
export function installPackages() {
  const stamp = join(modules, '.sg-session-lock')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(node)) return
  say('Installing the npm packages of package-lock.json (about half a minute) …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, wanted)
}

/**
 * Makes the named programs available on Debian and its like: as root without a question, with sudo after asking, else it
 * prints the line to run. Returns the programs that are still missing.
 */
export async function installPrograms(programs) {
  const missing = programs.filter((program) => !has(program))
  if (missing.length === 0) return []
  const packages = missing.flatMap((program) => debianPackages[program])
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.platform !== 'linux' || !has('apt-get')) {
    say(`Missing here: ${missing.join(', ')}. Please install them; on Debian: ${line}`)
    return missing
  }
  if (process.getuid() === 0) install('', line)
  else if (has('sudo') && process.stdin.isTTY && (await agrees(`Install ${packages.join(', ')} with sudo? [Y/n] `)))
    install('sudo ', line)
  else say(`Missing here: ${missing.join(', ')}. Please run: sudo ${line}`)
  return missing.filter((program) => !has(program))
}

function install(sudo, line) {
  say(`Installing Debian packages: ${line}`)
  const quiet = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['inherit', 'ignore', 'inherit'] }
  const once = () => spawnSync('sh', ['-c', `${sudo}${line} -qq`], quiet).status
  // The package lists of a fresh machine are often empty or old.
  if (once() !== 0) {
    spawnSync('sh', ['-c', `${sudo}apt-get update -qq`], quiet)
    once()
  }
}

async function agrees(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(question)
  terminal.close()
  return !/^n/i.test(answer)
}

function has(program) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)))
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

export function say(text) {
  process.stderr.write(`${text}\n`)
}
