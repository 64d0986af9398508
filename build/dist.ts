// `npm run dist:linux`, `dist:mac`, `dist:win`: what is installed on this system, in out/packages, with checksums and a list of what is in it.
//   --test-build         may use the Electron of a closed network, and is called a test in its version and in each file's name
//   --fast               little compression
//   --version V          another version than package.json's; test builds only
//   --maintainer "NAME <ADDRESS>", --homepage URL    who answers for the Linux packages
import { createHash } from 'node:crypto'
import { createReadStream, lstatSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { build as buildPackages, type Configuration, Platform } from 'electron-builder'
import { billOfMaterials } from './bill-of-materials.ts'
import { packBroker } from './broker/pack.ts'
import { bundledPackages } from './bundled-packages.ts'
import { type DistWishes, judgeDistArguments } from './dist-arguments.ts'
import { type ElectronHere, judgeElectron } from './dist-electron.ts'
import { packages, readManifest, root, run, say } from './dist-steps.ts'
import { packLinux } from './linux/pack.ts'
import { makeShare } from './share.ts'
import { signingOf } from './sign-installers.ts'

const startedAt = performance.now()

await dist(process.argv.slice(2)).catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})

async function dist(args: readonly string[]): Promise<void> {
  const wishes = judgeDistArguments(args)
  const { system } = wishes
  const electron = judgeElectron(process.env['SG_SESSION_ELECTRON'], wishes.testBuild)
  const version = wishes.testBuild ? `${wishes.version ?? readManifest().version}-test` : readManifest().version
  // The bundles say it too.
  process.env['SG_SESSION_BUILD_VERSION'] = version
  // https://reproducible-builds.org/specs/source-date-epoch/
  process.env['SOURCE_DATE_EPOCH'] ??= run('git', ['log', '-1', '--format=%ct'])

  rmSync(packages, { recursive: true, force: true })
  mkdirSync(packages, { recursive: true })
  step('bundle')
  run('electron-vite', ['build', '--config', join('build', 'electron.vite.config.ts'), '--logLevel', 'warn'])
  step('command line')
  run(process.execPath, [
    join('build', 'single-executable.ts'),
    'sg-session',
    ...(system === 'linux' ? ['sg-broker'] : []),
  ])
  step('policy files, man pages, icons')
  makeShare()
  step(`packages of ${version} with Electron ${electron.version}${electron.closed ? ' of a closed network' : ''}`)
  if (system === 'linux') await packLinux(wishes, version, electron)
  else await packInstallers(system, wishes, version, electron)
  writeFileSync(
    join(packages, `sg-session${wishes.testBuild ? '-test-build' : ''}-${version}-${system}.cdx.json`),
    bill(version, electron),
  )
  if (system === 'linux') {
    step('package of the broker')
    const file = await packBroker(wishes, version, packages)
    writeFileSync(`${file.slice(0, -'.deb'.length)}.cdx.json`, billOfBroker(version))
  }
  step('checksums')
  await writeChecksums()
  report()
}

/** The targets that electron-builder.yml names. */
async function packInstallers(
  system: 'mac' | 'win',
  wishes: DistWishes,
  version: string,
  electron: ElectronHere,
): Promise<void> {
  run(process.execPath, [join('build', 'icons', 'write.ts')])
  const config: Configuration = {
    ...signingOf(system, wishes.testBuild, process.env),
    extends: 'electron-builder.yml',
    electronDist: electron.folder,
    electronVersion: electron.version,
    extraMetadata: { version },
  }
  await buildPackages({
    projectDir: root,
    targets: { mac: Platform.MAC, win: Platform.WINDOWS }[system].createTarget(),
    config,
    publish: 'never',
  })
}

/** npm packages of which code is in the bundles, keytar, which lies beside them, and what they run on. */
function bill(version: string, electron: ElectronHere): string {
  const folders = [...bundledPackages(['app', 'app-preload', 'app-pages', 'sg-session']), 'node_modules/keytar']
  const runtimes = [
    { name: 'electron', version: electron.version, license: 'MIT' },
    ...electron.carries,
    { name: 'node', version: process.versions.node, license: 'MIT' },
  ]
  return billOfMaterials(version, folders.sort(), runtimes, Number(process.env['SOURCE_DATE_EPOCH']))
}

function billOfBroker(version: string): string {
  const runtimes = [{ name: 'node', version: process.versions.node, license: 'MIT' }]
  const at = Number(process.env['SOURCE_DATE_EPOCH'])
  return billOfMaterials(version, bundledPackages(['sg-broker']), runtimes, at, 'sg-broker')
}

async function writeChecksums(): Promise<void> {
  const lines: string[] = []
  for (const name of artefacts()) lines.push(`${await sha256(join(packages, name))}  ${name}\n`)
  writeFileSync(join(packages, 'SHA256SUMS'), lines.join(''))
}

function artefacts(): string[] {
  return readdirSync(packages)
    .filter((name) => /\.(deb|rpm|AppImage|tar\.gz|dmg|pkg|zip|exe|msi|cdx\.json)$/.test(name))
    .sort()
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function report(): void {
  const sizes = artefacts().map((name) => [statSync(join(packages, name)).size, name] as const)
  const trees = readdirSync(packages).filter((name) => /^(linux|win|mac)[^.]*$/.test(name))
  const installed = trees.map((name) => [sizeOf(join(packages, name)), `installed (${name})`] as const)
  for (const [size, name] of [...sizes, ...installed])
    process.stdout.write(`${(size / 1e6).toFixed(1).padStart(7)} MB  ${name}\n`)
  step('done')
}

function sizeOf(path: string): number {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function step(name: string): void {
  say(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${name}`)
}
