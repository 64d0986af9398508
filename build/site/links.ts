import { statSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Where a link of a page leads in the site: to a page, by its name there, or to a file that lies beside the pages. */
export type Destination = { readonly page: string; readonly anchor: string } | { readonly file: string }

/** The folder of the site in which files lie that pages link to and that are no pages: `docs/policy.schema.json`. */
export const filesFolder = 'files'

/**
 * Where a relative link leads that stands in the page `source` (its file in the repository), so that the same link serves a
 * code host and the site. A folder means its README.md, or the nearest above it in docs/. Throws when it leads nowhere: that
 * fails the build.
 */
export function resolveLink(
  root: string,
  pages: ReadonlyMap<string, string>,
  source: string,
  target: string,
): Destination {
  const [path = '', anchor] = target.split('#')
  const named = posix.normalize(posix.join(posix.dirname(source), decodeURIComponent(path)))
  const kind = statSync(join(root, named), { throwIfNoEntry: false })
  if (kind === undefined || named.startsWith('..'))
    throw new Error(`dead link in "${source}": "${target}" is not there`)
  const page = kind.isDirectory() ? pageOfFolder(pages, named) : pages.get(named)
  if (page !== undefined) return { page, anchor: anchor === undefined ? '' : `#${anchor}` }
  if (kind.isDirectory()) throw new Error(`dead link in "${source}": "${target}" is a folder without a README.md`)
  return { file: named }
}

function pageOfFolder(pages: ReadonlyMap<string, string>, folder: string): string | undefined {
  const page = pages.get(posix.join(folder, 'README.md'))
  return page ?? (folder.startsWith('docs/') ? pageOfFolder(pages, posix.dirname(folder)) : undefined)
}

/** Whether a link names another file of the repository: it has no scheme, and is no mere anchor. */
export function isRelative(target: string): boolean {
  return target !== '' && !/^(#|[a-z][a-z+.-]*:|\/\/)/i.test(target)
}

/** The anchor of a heading, as code hosts make it; a second one of the name gets `-1` from the site's generator. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')
}
