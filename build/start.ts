// `npm start`: the app from its sources, built and started again whenever one of them changes.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { build } from 'electron-vite'

const sources = ['app', 'src', 'build/icons']
/** Editors write a file in several steps, and version control many files at once. */
const settleMs = 150
const stopLimitMs = 5_000

const electron = process.env['SG_SESSION_ELECTRON']
if (!electron) throw new Error('"SG_SESSION_ELECTRON" is not set: start this with npm start')
if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) {
  throw new Error('there is no display here; where there is none: xvfb-run -a npm start')
}
const args = [...switches(), '.', ...process.argv.slice(2)]

let app: ChildProcess | undefined
let stopping = false
let settling: NodeJS.Timeout | undefined
let watchers: FSWatcher[] = []
let turn = Promise.resolve()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave())
if (!(await bundled())) process.exit(1)
startApp()
watchSources()

/** Folder by folder: on Linux a recursive watch loses a file that an editor has put in the place of the old one. */
function watchSources(): void {
  for (const watcher of watchers) watcher.close()
  const folders = sources.flatMap((source) => [
    source,
    ...readdirSync(source, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  ])
  watchers = folders.map((folder) => watch(folder, onChange))
}

function onChange(): void {
  clearTimeout(settling)
  settling = setTimeout(() => {
    watchSources()
    turn = turn.then(restart)
  }, settleMs)
}

/** What does not build leaves the running app alone. */
async function restart(): Promise<void> {
  if (stopping || !(await bundled())) return
  say('A source has changed: starting the app again.')
  await stopApp()
  if (!stopping) startApp()
}

async function bundled(): Promise<boolean> {
  try {
    await build({ configFile: 'build/electron.vite.config.ts', logLevel: 'warn' })
    return true
  } catch (error) {
    say(`The app cannot be built: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

function startApp(): void {
  const child = spawn(electron as string, args, { stdio: 'inherit' })
  app = child
  child.once('error', (error) => {
    say(`${electron} cannot be started: ${error.message}`)
    process.exit(1)
  })
  child.once('close', (status) => {
    // Quit by its own menu: then there is nothing to reload.
    if (app === child) process.exit(status ?? 1)
  })
}

async function stopApp(): Promise<void> {
  const child = app
  app = undefined
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill()
  const giveUp = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
  await ended
  clearTimeout(giveUp)
}

async function leave(): Promise<void> {
  stopping = true
  await stopApp()
  process.exit()
}

/** Chromium's sandbox needs an ordinary user, who may make namespaces of their own. */
function switches(): string[] {
  if (process.platform !== 'linux') return []
  const why =
    process.getuid?.() === 0
      ? 'root cannot have it'
      : namespacesAreRefused()
        ? 'this system allows it to installed programs only'
        : undefined
  if (why === undefined) return []
  say(`Started without Chromium's sandbox (--no-sandbox): ${why}.`)
  return ['--no-sandbox']
}

/** Ubuntu since 23.10. */
function namespacesAreRefused(): boolean {
  const setting = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
  return existsSync(setting) && readFileSync(setting, 'utf8').trim() === '1'
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
