import { missingUrl, type Operation, wrongClass } from './data-refusals.ts'
import { hashClasses } from './field-values.ts'
import { resolveLocalPath, resolveRelativePath } from './local-paths.ts'
import type { Tables, Value } from './rows.ts'

/** What a url field holds. Without `id` until the Attachment behind it is there. facts: SGT field_types/url */
export interface UrlValue {
  readonly [key: string]: unknown
  readonly link_type: 'upload' | 'web' | 'local'
  readonly name: string
}

/**
 * What was written to a url field: a web address `{url, name}`, a file `{local_path}` or `{relative_path,
 * local_storage}`, or null. Throws the site's refusal. facts: SGT field_types/url, recipes/004
 */
export function judgeUrl(tables: Tables, operation: Operation, owner: string, value: unknown): UrlValue | null {
  if (value === null) return null
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongClass(operation, owner, hashClasses, value)
  if ('local_path' in value && typeof value.local_path === 'string') return resolveLocalPath(tables, value.local_path)
  if ('relative_path' in value && typeof value.relative_path === 'string' && 'local_storage' in value) {
    return resolveRelativePath(tables, operation, {
      relative_path: value.relative_path,
      local_storage: value.local_storage,
    })
  }
  if (!('url' in value) || typeof value.url !== 'string' || value.url === '') throw missingUrl(operation, value)
  const name = 'name' in value && typeof value.name === 'string' && value.name !== '' ? value.name : value.url
  return { url: value.url, name, content_type: null, link_type: 'web' }
}

export function isUrlValue(value: Value): value is UrlValue {
  return typeof value === 'object' && value !== null && 'link_type' in value && 'name' in value
}
