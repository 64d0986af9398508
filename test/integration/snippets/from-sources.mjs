import { registerHooks } from 'node:module'
import { resolve as join } from 'node:path'
import { pathToFileURL } from 'node:url'

// `sg-session/dist/….js`, which `npm pack` makes, is `src/….ts` here.
registerHooks({
  resolve(specifier, context, next) {
    const [, path] = /^sg-session\/dist\/(.+)\.js$/.exec(specifier) ?? []
    return next(path ? pathToFileURL(join(import.meta.dirname, '../../../src', `${path}.ts`)).href : specifier, context)
  },
})
