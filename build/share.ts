import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, run } from './dist-steps.ts'

export const share = join(root, 'out', 'share')

/** The policy's schema and example, and what people read, in `out/share`: it lies beside the app on every system. Man pages in `out/man`. */
export function makeShare(): void {
  rmSync(share, { recursive: true, force: true })
  mkdirSync(share, { recursive: true })
  run(process.execPath, [join('src', 'policy', 'generate.ts')])
  run(process.execPath, [join('build', 'man-pages.ts')])
  const generated = ['policy.schema.json', 'settings.schema.json', 'policy.json.example']
  const files = [...generated.map((name) => join('out', 'policy', name)), 'LICENSE', 'README.md', 'CHANGELOG.md']
  for (const file of files) copyFileSync(join(root, file), join(share, basename(file)))
}
