// The notes of a release: `node build/release-notes.mjs v1.2.3` prints the section of CHANGELOG.md for that version, and refuses a tag that
// is not the version in package.json. Plain JavaScript for Node 20, without packages: it runs before anything is installed.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/**
 * The section of the changelog that a tag releases, without its heading. Throws an Error that says what is missing: a tag that is no
 * version, a version other than the manifest's, no section, an empty one, or two of the same version.
 */
export function notesOf(tag, version, changelog) {
  if (!/^v\d+\.\d+\.\d+$/.test(tag)) throw new Error(`"${tag}" is no version: a release's tag is vX.Y.Z`)
  if (tag !== `v${version}`) throw new Error(`the tag is "${tag}", and package.json says "${version}"`)
  const sections = changelog.split(/^## /m).slice(1)
  // "0.1.0" or "0.1.0 · 2026-01-31", and not "0.1.0-rc".
  const ours = sections.filter((section) => section.split(/[\s·]/, 1)[0] === version)
  if (ours.length === 0) throw new Error(`CHANGELOG.md has no section "## ${version}": rename "## Unreleased"`)
  if (ours.length > 1) throw new Error(`CHANGELOG.md has ${ours.length} sections "## ${version}"`)
  const notes = ours[0].slice(ours[0].indexOf('\n') + 1).trim()
  if (notes === '') throw new Error(`the section "## ${version}" of CHANGELOG.md is empty`)
  return `${notes}\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
  try {
    process.stdout.write(notesOf(process.argv[2] ?? '', JSON.parse(read('package.json')).version, read('CHANGELOG.md')))
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
