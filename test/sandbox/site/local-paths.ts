import { invalidRelativePath, noStorageForPath, type Operation } from './data-refusals.ts'
import { isLink, type Link, linkTo, type Row, type Tables } from './rows.ts'

const rootFields = { linux: 'linux_path', mac: 'mac_path', windows: 'windows_path' } as const

/** A file on a storage, as a url field keeps it before it has an id. facts: SGT entity_types/PublishedFile */
export interface LocalPath {
  readonly [key: string]: unknown
  readonly link_type: 'local'
  readonly name: string
  readonly local_storage: Link & { readonly name: string }
  readonly relative_path: string
}

/**
 * Splits a path at the root of a storage and joins what is left to every root of that storage. The deepest root wins,
 * and of equal ones the higher id. Throws when no root holds it. facts: SGT 058
 */
export function resolveLocalPath(tables: Tables, path: string): LocalPath {
  const roots = tables.live('LocalStorage').flatMap((storage) => {
    return rootsOf(storage).map((root) => ({ storage, root: root.replaceAll('\\', '/').replace(/\/+$/, '') }))
  })
  const [found] = roots
    .filter(({ root }) => path.startsWith(`${root}/`))
    .sort((a, b) => b.root.length - a.root.length || b.storage.id - a.storage.id)
  if (!found) throw noStorageForPath(path)
  return describe(found.storage, path.slice(found.root.length + 1))
}

/** The path of a file on a storage that was named. Throws for backslashes and for a storage that is none. facts: SGT recipes/004 */
export function resolveRelativePath(
  tables: Tables,
  operation: Operation,
  value: { relative_path: string; local_storage: unknown },
): LocalPath {
  const { relative_path: path, local_storage: link } = value
  const storage = isLink(link) && link.type === 'LocalStorage' ? tables.get(link) : undefined
  if (path.includes('\\') || !storage || storage.retired) throw invalidRelativePath(operation, value)
  return describe(storage, path.replace(/^\/+/, ''))
}

function describe(storage: Row, relativePath: string): LocalPath {
  const at = (platform: keyof typeof rootFields): string | null => {
    const root = storage.values.get(rootFields[platform])
    if (typeof root !== 'string') return null
    const path = `${root.replace(/[\\/]+$/, '')}/${relativePath}`
    // a Windows path comes back with backslashes, whatever was sent (SGT 058)
    return platform === 'windows' ? path.replaceAll('/', '\\') : path
  }
  return {
    content_type: null,
    link_type: 'local',
    name: relativePath.split('/').at(-1) ?? relativePath,
    local_storage: { ...linkTo(storage), name: String(storage.values.get('code') ?? '') },
    relative_path: relativePath,
    local_path_linux: at('linux'),
    local_path_mac: at('mac'),
    local_path_windows: at('windows'),
  }
}

function rootsOf(storage: Row): string[] {
  return Object.values(rootFields)
    .map((field) => storage.values.get(field))
    .filter((root) => typeof root === 'string' && root !== '')
    .map(String)
}
