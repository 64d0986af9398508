import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Where a bundle's list lies: an array of the folders of packages, from the repository on. */
export function bundledPackagesFile(name: string): string {
  return join(root, 'out', 'bundled', `${name}.json`)
}

/** Writes down of which npm packages a bundle holds code: for the list of what is in a release. */
export function listBundledPackages(name: string): Plugin {
  return {
    name: 'sg-session:bundled-packages',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
      const folders = modules.flatMap((id) => packageFolder(id) ?? [])
      mkdirSync(join(root, 'out', 'bundled'), { recursive: true })
      writeFileSync(bundledPackagesFile(name), JSON.stringify([...new Set(folders)].sort()))
    },
  }
}

/** `node_modules/@scope/name`, also of a package inside another's; undefined for what is no package's. */
export function packageFolder(moduleId: string): string | undefined {
  const path = moduleId.replaceAll('\\', '/').replace(/^\0/, '').replace(/\?.*$/, '')
  const found = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]
  const here = root.replaceAll('\\', '/')
  return found?.startsWith(here) ? found.slice(here.length) : undefined
}

/** The packages of these bundles together, sorted; throws for a bundle that was not built with its list. */
export function bundledPackages(names: readonly string[]): string[] {
  const folders = names.flatMap((name) => JSON.parse(readFileSync(bundledPackagesFile(name), 'utf8')) as string[])
  return [...new Set(folders)].sort()
}
