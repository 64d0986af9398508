// What electron-builder calls while it packs. Plain JavaScript for Node 20.
import { chmodSync, existsSync, lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { FuseState, FuseV1Options, FuseVersion, flipFuses, getCurrentFuseWire } from '@electron/fuses'

/** What ../docs/decisions.md demands of Electron's program, by the fuses' own names. */
export const wishes = {
  RunAsNode: false,
  EnableCookieEncryption: true,
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: false,
  // Electron checks it on macOS and Windows; on Linux the owner and mode of /opt/sg-session are what protects the archive.
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false,
  // Younger than the Electron of a closed network: without it WebAssembly would be slower, and nothing safer.
  WasmTrapHandlers: true,
}
const mayBeMissing = ['WasmTrapHandlers']

/** No: electron-builder need not look for modules to compile or to copy. electron-builder.yml names what goes in. */
export function beforeBuild() {
  return false
}

/** The last hand on the unpacked app, before it is signed and goes into installers. */
export async function afterPack({ appOutDir, electronPlatformName, packager }) {
  const { executableName, appInfo } = packager
  const file = appInfo.productFilename
  const program = {
    linux: executableName,
    win32: `${file}.exe`,
    darwin: `${file}.app`,
    mas: `${file}.app`,
  }[electronPlatformName]
  await setFuses(join(appOutDir, program))
  if (electronPlatformName === 'linux') tidy(appOutDir)
}

/** Sets every fuse as wished and reads them back. Throws when the program has another, or one that nobody has decided about. */
export async function setFuses(program, wanted = wishes) {
  const before = await readFuses(program)
  const there = Object.fromEntries(Object.entries(wanted).filter(([name]) => before[name] !== undefined))
  await flipFuses(program, {
    version: FuseVersion.V1,
    // macOS runs no program on Apple silicon whose signature does not fit.
    resetAdHocDarwinSignature: program.endsWith('.app'),
    ...Object.fromEntries(Object.entries(there).map(([name, on]) => [FuseV1Options[name], on])),
  })
  const wrong = judgeFuses(await readFuses(program), wanted)
  if (wrong.length > 0) throw new Error(`the fuses of "${program}" are wrong: ${wrong.join('; ')}`)
}

/** Name → `on`, `off`, or what else it is; a fuse without a name has its number. Missing ones are not in it. */
export async function readFuses(program) {
  const wire = await getCurrentFuseWire(program)
  const states = { [FuseState.ENABLE]: 'on', [FuseState.DISABLE]: 'off', [FuseState.INHERIT]: 'inherited' }
  return Object.fromEntries(
    Object.entries(wire)
      .filter(([place, state]) => /^\d+$/.test(place) && state !== FuseState.REMOVED)
      .map(([place, state]) => [FuseV1Options[place] ?? place, states[state] ?? `unknown (${state})`]),
  )
}

/** What is not as wished, one sentence each. */
export function judgeFuses(fuses, wanted = wishes) {
  const unlike = Object.entries(wanted).flatMap(([name, on]) => {
    const wish = on ? 'on' : 'off'
    if (fuses[name] === undefined) return mayBeMissing.includes(name) ? [] : [`${name} is missing`]
    return fuses[name] === wish ? [] : [`${name} is ${fuses[name]}, not ${wish}`]
  })
  const undecided = Object.keys(fuses).filter((name) => wanted[name] === undefined)
  return [...unlike, ...undecided.map((name) => `nobody has decided about ${name}`)]
}

/** What belongs to building Electron or to running it from sources. */
const needless = [
  'version',
  'sg-session.json',
  join('resources', 'default_app.asar'),
  'vk_swiftshader_icd.json',
  'libvk_swiftshader.so',
  'libvulkan.so.1',
]

function tidy(folder) {
  for (const name of needless) rmSync(join(folder, name), { force: true })
  settle(folder)
  // Chromium's helper for machines where users may make no namespaces of their own: it must be root's and setuid.
  const sandbox = join(folder, 'chrome-sandbox')
  if (!existsSync(sandbox)) throw new Error(`"${sandbox}" is missing: this Electron could not start with its sandbox`)
  chmodSync(sandbox, 0o4755)
}

/** Independent of who builds and when: readable for all, writable for root alone, and as old as what it is built from. */
function settle(path) {
  const stat = lstatSync(path)
  if (stat.isSymbolicLink()) return
  const isProgram = stat.mode & 0o100 && !/\.(so(\.\d+)*|node)$/.test(path)
  chmodSync(path, stat.isDirectory() || isProgram ? 0o755 : 0o644)
  if (stat.isDirectory()) for (const name of readdirSync(path)) settle(join(path, name))
  const epoch = Number(process.env.SOURCE_DATE_EPOCH)
  if (epoch) utimesSync(path, epoch, epoch)
}
