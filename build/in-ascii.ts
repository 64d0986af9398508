import type { Plugin } from 'vite'

/**
 * Writes every other character of a bundle as its escape, which strings, templates, patterns and names all allow. Node then takes the
 * file as it is; one single “…” in it, and each start decodes all of it: 17 of 275 million instructions of `sg-session get`.
 */
export function inAscii(): Plugin {
  return {
    name: 'sg-session:in-ascii',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk') continue
        // What String.raw takes is not read for escapes.
        const raw = /String\.raw`[^`]*[^\0-\x7f`][^`]*`/.exec(file.code)
        if (raw) this.error(`"${file.fileName}": ${raw[0]} would change its meaning`)
        file.code = file.code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      }
    },
  }
}
