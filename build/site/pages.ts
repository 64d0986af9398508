import { globSync } from 'node:fs'

/** Pages that lie beside the code they are about: their file, and their name in the site. */
const besideTheCode: Readonly<Record<string, string>> = {
  'README.md': 'about.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'report-a-weakness.md',
  'src/README.md': 'contributors/code.md',
  'app/README.md': 'contributors/tray-app.md',
  'test/fuzz/README.md': 'contributors/fuzzing.md',
}

/** Every page of the site: its file in the repository, and its name in the site, which ends in `.md` too. */
export function sitePages(root: string): ReadonlyMap<string, string> {
  const inDocs = globSync('docs/**/*.md', { cwd: root }).map((file) => file.replaceAll('\\', '/'))
  return new Map([
    ...inDocs.toSorted().map((file) => [file, nameInSite(file)] as const),
    ...Object.entries(besideTheCode),
  ])
}

/** `docs/it/README.md` is `it/index.md`; a page `X.fr.md` is `fr/X.md`, where the site looks for French. */
function nameInSite(file: string): string {
  const name = file.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md')
  return name.replace(/^(.*)\.fr\.md$/, 'fr/$1.md').toLowerCase()
}
