import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { getConfig } from 'app-builder-lib/out/util/config/config.js'
import { Arch, build, type Configuration, Platform } from 'electron-builder'
import type { DistWishes } from '../dist-arguments.ts'
import type { ElectronHere } from '../dist-electron.ts'
import { packages, root, run, say } from '../dist-steps.ts'
import { makeLinuxTree } from './tree.ts'

/** deb, rpm, tar.gz and, where its tools can be had, AppImage, from what was built into `out/`. */
export async function packLinux(wishes: DistWishes, version: string, electron: ElectronHere): Promise<void> {
  makeLinuxTree()
  const given = (await getConfig(root, 'electron-builder.yml', null)) as Configuration
  const withAppImage = !electron.closed || Boolean(process.env['APPIMAGE_TOOLS_PATH'])
  if (!withAppImage)
    say('No AppImage: its tools cannot be fetched on a closed network. APPIMAGE_TOOLS_PATH can name them.')
  if (electron.closed) useLocalTools()
  const name = wishes.testBuild ? 'sg-session-test-build' : 'sg-session'
  const level = (format: string): string[] => (wishes.fast ? [`--${format}-compression-level=1`] : [])
  const config: Configuration = {
    extends: 'electron-builder.yml',
    electronDist: electron.folder,
    electronVersion: electron.version,
    // A package names a home page. There is none but what lies beside the app.
    extraMetadata: { version, homepage: wishes.homepage ?? 'file:///opt/sg-session/share/README.md' },
    ...(wishes.maintainer === undefined ? {} : { linux: { maintainer: wishes.maintainer } }),
    deb: {
      artifactName: `${name}_\${version}_\${arch}.\${ext}`,
      compression: wishes.fast ? 'gz' : 'xz',
      fpm: [...level('deb'), ...(given.deb?.fpm ?? [])],
    },
    rpm: {
      artifactName: `${name}-\${version}.\${arch}.\${ext}`,
      compression: wishes.fast ? 'gzip' : 'xzmt',
      fpm: [...level('rpm'), ...(given.rpm?.fpm ?? [])],
    },
    appImage: { artifactName: `${name}-\${version}-\${arch}.\${ext}` },
  }
  const targets = Platform.LINUX.createTarget(
    ['deb', 'rpm', ...(withAppImage ? ['AppImage'] : [])],
    process.arch === 'arm64' ? Arch.arm64 : Arch.x64,
  )
  await build({ projectDir: root, targets, config, publish: 'never' })
  makeTarball(`sg-session-${version}`, `${name}-${version}-linux-${process.arch}.tar.gz`, wishes.fast)
}

/** What electron-builder would fetch from its release host. */
function useLocalTools(): void {
  process.env['CUSTOM_FPM_PATH'] ??= join(root, 'build', 'fpm-stand-in.mjs')
  process.env['ELECTRON_BUILDER_7ZIP_PATH'] ??= '/usr/bin/7za'
}

/** The deb's tree in a folder of its own, for machines that have neither deb nor rpm. */
function makeTarball(folder: string, name: string, fast: boolean): void {
  const deb = join(packages, readdirSync(packages).find((one) => one.endsWith('.deb')) ?? '')
  const tree = join(packages, '.tree')
  run('dpkg-deb', ['-x', deb, tree])
  run('tar', [
    ...['--create', '--sort=name', '--owner=root:0', '--group=root:0', '--numeric-owner', '--format=gnu'],
    // A link's target stays as it is.
    ...[`--mtime=@${process.env['SOURCE_DATE_EPOCH']}`, `--transform=flags=rSH;s,^\\.,${folder},`, '--directory', tree],
    ...[`--use-compress-program=gzip -n -${fast ? 1 : 9}`, '--file', join(packages, name), '.'],
  ])
  rmSync(tree, { recursive: true })
}
