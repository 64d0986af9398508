import { readWishes, type Wishes } from './arguments.ts'
import { buildSite, siteFolder } from './build-site.ts'
import { serveSite } from './serve-site.ts'

/** `npm run docs`: builds the site of docs/ into out/docs, and serves it until Ctrl-C. */
async function run(wishes: Wishes): Promise<void> {
  process.stdout.write('docs: building the site (about ten seconds) …\n')
  await buildSite(wishes.base)
  process.stdout.write(`docs: built in ${siteFolder}\n`)
  if (wishes.onlyBuild) return
  const site = await serveSite(wishes.base, wishes.port)
  process.stdout.write(`docs: ${site.address} (Ctrl-C ends it)\n`)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void site.close().finally(() => process.exit(0)))
}

try {
  await run(readWishes(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`docs: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
