import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from '../dist-steps.ts'
import { appDrawing, renderAppIcon } from '../icons/render.ts'
import { share } from '../share.ts'

/** Of the hicolor theme: what panels, menus, docks and software centres ask for. */
export const iconSizes = [16, 22, 24, 32, 48, 64, 96, 128, 256, 512] as const

const made = join(root, 'out', 'linux')
const tree = join(made, 'root')
/** Where the generators of man pages put them. */
const manFolders = [join(root, 'out', 'man'), join(root, 'out', 'policy', 'man')]

/** What the Linux packages hold outside /opt/sg-session, as a tree in `out/linux/root`, and the icons in all sizes in `out/linux/icons`. */
export function makeLinuxTree(): void {
  rmSync(made, { recursive: true, force: true })
  const icons = join(made, 'icons')
  mkdirSync(icons, { recursive: true })
  for (const size of iconSizes) writeFileSync(join(icons, `${size}x${size}.png`), renderAppIcon(size))

  const ours = join(root, 'build', 'linux')
  put(appDrawing, 'usr/share/icons/hicolor/scalable/apps/sg-session-app.svg')
  put(join(ours, 'autostart.desktop'), 'etc/xdg/autostart/sg-session.desktop')
  put(join(ours, 'org.sg-session.app.metainfo.xml'), 'usr/share/metainfo/org.sg-session.app.metainfo.xml')
  put(join(root, 'LICENSE'), 'usr/share/doc/sg-session/copyright')
  put(join(share, 'policy.json.example'), 'etc/sg-session/policy.json.example')
  mkdirSync(join(tree, 'usr', 'bin'), { recursive: true })
  symlinkSync('/opt/sg-session/bin/sg-session', join(tree, 'usr', 'bin', 'sg-session'))
  for (const page of manFolders.flatMap(manPages)) putManPage(page)
}

function put(from: string, to: string): void {
  mkdirSync(dirname(join(tree, to)), { recursive: true })
  copyFileSync(from, join(tree, to))
  chmodSync(join(tree, to), 0o644)
}

function manPages(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^sg-session.*\.[1-8]$/.test(name))
  return names.sort().map((name) => join(folder, name))
}

function putManPage(page: string): void {
  const folder = join(tree, 'usr', 'share', 'man', `man${page.at(-1)}`)
  mkdirSync(folder, { recursive: true })
  // Without a time in it, as "gzip -n" does.
  writeFileSync(join(folder, `${page.split('/').at(-1)}.gz`), gzipSync(readFileSync(page), { level: 9 }))
}
