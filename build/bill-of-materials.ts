import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is in a release beside npm packages: Electron and Node themselves, and what they carry. */
export interface Runtime {
  readonly name: string
  readonly version: string
  readonly license: string
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/**
 * What is in the packages, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/): the npm packages of which code is bundled, not all that
 * are installed. The same content gives the same text, whenever it is made. `folders` are packages from the repository on; `at` is in seconds.
 */
export function billOfMaterials(
  version: string,
  folders: readonly string[],
  runtimes: readonly Runtime[],
  at: number,
  name = 'sg-session',
): string {
  const integrities = readIntegrities()
  const components = [
    ...runtimes.map((one) => ({ type: 'framework', ...identity(one, 'generic'), ...licenses(one.license) })),
    ...folders.map((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
      const integrity = /^sha512-(.+)$/.exec(integrities.get(folder) ?? '')?.[1]
      const content = integrity && Buffer.from(integrity, 'base64').toString('hex')
      return {
        type: 'library',
        ...identity(manifest, 'npm'),
        ...(content ? { hashes: [{ alg: 'SHA-512', content }] } : {}),
        ...licenses(manifest.license),
      }
    }),
  ]
  const metadata = {
    timestamp: new Date(at * 1000).toISOString(),
    lifecycles: [{ phase: 'build' }],
    component: {
      type: 'application',
      ...identity({ name, version }, 'npm'),
      ...licenses('Apache-2.0'),
    },
  }
  const content = { metadata, components }
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  // RFC 9562 §5.8: a UUID of one's own making.
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
  const head = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
  }
  return `${JSON.stringify({ ...head, ...content }, undefined, 2)}\n`
}

function identity({ name, version }: { name: string; version: string }, kind: 'npm' | 'generic'): object {
  // https://github.com/package-url/purl-spec: the scope's @ is escaped, its slash is not.
  const purl = `pkg:${kind}/${encodeURIComponent(name).replace('%2F', '/')}@${encodeURIComponent(version)}`
  return { 'bom-ref': purl, name, version, purl }
}

function licenses(license: string | undefined): object {
  if (license === undefined) return {}
  return { licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }] }
}

/** What the lockfile says the registry gave. */
function readIntegrities(): Map<string, string> {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>
  }
  return new Map(
    Object.entries(lock.packages).flatMap(([path, { integrity }]) => (integrity ? [[path, integrity]] : [])),
  )
}
