import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeReference } from './node-reference.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The reference pages that lie in the repository, by their path there; a test compares. */
export function referencePages(): ReadonlyMap<string, string> {
  const script = join(root, 'build', 'reference', 'python-reference.py')
  return new Map([
    ['docs/reference/python.md', execFileSync('python3', [script], { encoding: 'utf8', timeout: 60_000 })],
    ['docs/reference/node.md', nodeReference(root)],
  ])
}

/** `npm run reference`. */
if (import.meta.main) {
  for (const [path, text] of referencePages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    process.stdout.write(`reference: ${path}\n`)
  }
}
