import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/**
 * What a bundle says its version is: the one of package.json, or what SG_SESSION_BUILD_VERSION names for a test build. The module
 * itself reads package.json from the folder above its own, and a bundle lies elsewhere.
 */
export function versionOfManifest(): Plugin {
  const manifest = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }
  const version = process.env['SG_SESSION_BUILD_VERSION'] || manifest.version
  return {
    name: 'sg-session:version',
    load(id) {
      return id === inRepository('src/version.ts') ? `export const version = ${JSON.stringify(version)}` : null
    },
  }
}
