import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Where the site lies when it is built. */
export const siteFolder = join(root, 'out', 'docs')

/**
 * Builds the site for the path `base` into `siteFolder`, or `folder`. Rejects with what the generator said when it fails: a
 * dead link, a page that cannot be read.
 */
export async function buildSite(base: string, folder = siteFolder): Promise<void> {
  // In a process of its own: the generator keeps the language of its pages, its paths and its caches in globals.
  const generator = join(root, 'node_modules', 'vitepress', 'bin', 'vitepress.js')
  const env = { ...process.env, NODE_ENV: 'production', SG_DOCS_BASE: base, NO_COLOR: '1' }
  const building = spawn(process.execPath, [generator, 'build', 'docs', '--outDir', folder], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  })
  let said = ''
  for (const stream of [building.stdout, building.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text))
  const status = await new Promise((resolve, reject) => {
    building.once('error', reject)
    building.once('close', resolve)
  })
  if (status !== 0) throw new Error(`the site could not be built:\n${said}`)
}
