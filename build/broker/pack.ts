import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { getFpmPath } from 'app-builder-lib/out/toolsets/linux.js'
import type { DistWishes } from '../dist-arguments.ts'
import { root, run } from '../dist-steps.ts'

const scripts = join(root, 'build', 'broker')
const tree = join(root, 'out', 'broker', 'root')

/** What the executable asks of the system, whose authorities it trusts; all else is in it. adduser is for the scripts. */
const depends = ['adduser', 'ca-certificates', 'libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6']

/** The deb of the broker in `folder`, for the system it is made on; its path. The executable and the manual pages are in `out/` already. */
export async function packBroker(
  wishes: Omit<DistWishes, 'version'>,
  version: string,
  folder: string,
): Promise<string> {
  makeTree()
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const name = wishes.testBuild ? 'sg-broker-test-build' : 'sg-broker'
  const made = join(folder, `${name}_${version}_${architecture}.deb`)
  // electron-builder's own, which it fetches; on a closed network what CUSTOM_FPM_PATH names.
  run(await getFpmPath(), [
    ...['-s', 'dir', '--force', '-t', 'deb', '--name', 'sg-broker', '--architecture', architecture],
    // A test build comes before its release: deb-version(7).
    ...['--version', version.replace('-', '~'), '--package', made],
    ...['--maintainer', wishes.maintainer ?? 'sg-session <root@localhost>', '--vendor', 'sg-session'],
    ...['--url', wishes.homepage ?? 'file:///usr/share/doc/sg-broker/broker.md', '--license', 'Apache-2.0'],
    ...['--category', 'net', '--description', description],
    ...depends.flatMap((one) => ['--depends', one]),
    ...['--after-install', join(scripts, 'after-install.sh'), '--before-remove', join(scripts, 'before-remove.sh')],
    ...['--after-remove', join(scripts, 'after-remove.sh'), '--deb-no-default-config-files'],
    ...['--deb-compression', wishes.fast ? 'gz' : 'xz', ...(wishes.fast ? ['--deb-compression-level=1'] : [])],
    `${tree}/=/`,
  ])
  return made
}

const description = `Identity broker of a ShotGrid studio
It turns an artist's Autodesk Identity sign-in into a ShotGrid session
of that very person, which sg-session asks for.`

function makeTree(): void {
  rmSync(tree, { recursive: true, force: true })
  const unit = 'sg-broker.service'
  put(join('out', 'bin', 'sg-broker'), 'usr/bin/sg-broker', 0o755)
  put(join('build', 'systemd', unit), `lib/systemd/system/${unit}`)
  put(join('docs', 'broker.schema.json'), 'usr/share/sg-broker/broker.schema.json')
  put(join('build', 'broker', 'broker.json.example'), 'usr/share/doc/sg-broker/examples/broker.json')
  for (const page of ['broker', 'broker-audit', 'broker-gateway', 'broker-operation', 'broker-people'])
    put(join('docs', `${page}.md`), `usr/share/doc/sg-broker/${page}.md`)
  put('CHANGELOG.md', 'usr/share/doc/sg-broker/CHANGELOG.md')
  put('LICENSE', 'usr/share/doc/sg-broker/copyright')
  // Without a time in it, as "gzip -n" does.
  write(
    gzipSync(readFileSync(join(root, 'out', 'man', 'sg-broker.8')), { level: 9 }),
    'usr/share/man/man8/sg-broker.8.gz',
  )
}

function put(from: string, to: string, mode = 0o644): void {
  mkdirSync(dirname(join(tree, to)), { recursive: true })
  copyFileSync(join(root, from), join(tree, to))
  chmodSync(join(tree, to), mode)
}

function write(bytes: Uint8Array, to: string): void {
  mkdirSync(dirname(join(tree, to)), { recursive: true })
  writeFileSync(join(tree, to), bytes)
}
