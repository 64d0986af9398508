import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesInRepository, policyFiles } from './policy-files.ts'

/** `npm run policy`: writes `out/policy/` and what lies in the repository. The date is SOURCE_DATE_EPOCH's, where it is set. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const epoch = process.env['SOURCE_DATE_EPOCH']
const date = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)
for (const [name, text] of policyFiles(date)) write(join(root, 'out', 'policy', name), text)
for (const [path, text] of filesInRepository((page) => readFileSync(join(root, page), 'utf8')))
  write(join(root, path), text)

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
