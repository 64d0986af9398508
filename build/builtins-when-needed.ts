import { createRequire, isBuiltin } from 'node:module'
import type { Plugin } from 'vite'

const mark = '\0when-needed:'
const require = createRequire(import.meta.url)

/** Imported by what every command loads, for what few commands do: each takes a score of others along. */
const loadedAtFirstUse: ReadonlySet<string> = new Set(['node:child_process', 'node:readline'])

/**
 * For a bundle in one CommonJS file: each of Node's own modules is loaded by the first of ours that needs it and is run. Otherwise all
 * of them are at the start, whatever the program was started for: 33 ms of processor time for `sg-session --version`, of 88.
 */
export function builtinsWhenNeeded(): Plugin {
  return {
    name: 'sg-session:builtins-when-needed',
    enforce: 'pre',
    resolveId(id, importer) {
      if (!isBuiltin(id)) return null
      return importer?.startsWith(mark) ? { id, external: true } : `${mark}${id}`
    },
    load(id) {
      if (!id.startsWith(mark)) return null
      const builtin = id.slice(mark.length)
      const load = `require(${JSON.stringify(builtin)})`
      if (!loadedAtFirstUse.has(builtin)) return `module.exports = ${load}`
      const names = Object.keys(require(builtin) as object)
      return `module.exports = {${names.map((name) => `get ${name}() { return ${load}.${name} }`).join(', ')}}`
    },
  }
}
