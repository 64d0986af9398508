import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/** The packages and our own files that a module has loaded before its first line: imports that are neither of types nor dynamic. */
function loadedBy(...entries: readonly string[]): { packages: string[]; files: string[] } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    const found = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\b(?! type\b)([^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm,
    )
    for (const [, names = '', what = ''] of found) {
      // { type A, type B } is nothing but types.
      const isTypes = /^\s*\{(\s*type\s+[\w$\s]+,?)+\s*\}\s*from$/.test(names)
      if (isTypes) continue
      if (what.startsWith('.')) visit(join(dirname(file), what))
      else packages.add(what)
    }
  }
  for (const entry of entries) visit(entry)
  return { packages: [...packages].sort(), files: [...files].sort() }
}

const ofPackages = ({ packages }: { packages: string[] }): string[] =>
  packages.filter((name) => !name.startsWith('node:'))
const entry = 'src/cli/sg-session.ts'

test('the command line itself loads what reads arguments, and no command', () => {
  const loaded = loadedBy(entry)
  // zod is for the version, which a bundle has as a text.
  expect(ofPackages(loaded)).toEqual(['commander', 'zod'])
  expect(loaded.files.filter((file) => /-command(s)?\.ts$/.test(file))).toEqual(['src/cli/policy-commands.ts'])
  expect(loaded.packages).not.toContain('node:tls')
})

test('status, get and watch load besides only what speaks with the agent', () => {
  const loaded = loadedBy(entry, 'src/cli/session-commands.ts', 'src/client/node/agent-client.ts')
  expect(ofPackages(loaded)).toEqual(['commander', 'zod'])
  expect(loaded.files).toContain('src/socket/dial.ts')
  expect(loaded.files.filter((file) => /^src\/(agent|config)/.test(file))).toEqual([])
})

test('and the agent would be seen to load more', () => {
  expect(ofPackages(loadedBy('src/cli/agent-command.ts'))).toContain('openid-client')
})
