// The search for secrets beside and after `npm test`. Plain JavaScript for Node 20; the search runs on the pinned Node.
import { spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, root } from './bootstrap.mjs'

/**
 * Starts what watches a run: `env` is for the run, `run` starts a program whose output is kept, and `finish` resolves with the
 * report's lines and whether no secret was found.
 */
export async function watchForSecrets() {
  // Short: sockets lie below it, and their paths may have 107 characters.
  const folder = mkdtempSync(join(tmpdir(), 'sgc-'))
  const watcher = spawn(node, [join(root, 'test', 'canaries', 'watch.ts'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  const ended = new Promise((resolve) => watcher.once('close', resolve))
  await new Promise((resolve) => {
    watcher.stdout.setEncoding('utf8').on('data', (text) => {
      said += text
      resolve()
    })
    watcher.once('close', resolve)
  })
  watcher.stdin.on('error', () => undefined)
  const output = createWriteStream(join(folder, 's', 'output'))
  return {
    env: {
      TMPDIR: join(folder, 't'),
      SG_CANARY_LEDGER: join(folder, 'l', 'ledger'),
      SG_CANARY_ATTIC: join(folder, 'a'),
      SG_CANARY_SAID: join(folder, 's'),
    },
    run(command, args, options) {
      const child = spawn(command, args, { ...options, stdio: ['inherit', 'pipe', 'pipe'] })
      for (const stream of ['stdout', 'stderr']) {
        child[stream].on('data', (chunk) => {
          process[stream].write(chunk)
          output.write(chunk)
        })
      }
      return new Promise((resolve) => {
        child.once('error', resolve)
        child.once('close', resolve)
        // What a test has left running holds our pipes open, for ever perhaps.
        child.once('exit', () => setTimeout(resolve, 1_000))
      }).finally(() => {
        for (const stream of ['stdout', 'stderr']) child[stream]?.destroy()
      })
    },
    /** `isWhole`: all tests ran, so that there must be secrets. */
    async finish(isWhole) {
      await new Promise((resolve) => output.end(resolve))
      const startedMs = performance.now()
      watcher.stdin.end()
      await ended
      const { ok, lines } = judge(said, { seconds: (performance.now() - startedMs) / 1000, isWhole })
      if (ok) rmSync(folder, { recursive: true, force: true })
      else lines.push(`  what was looked through is in ${folder}`)
      return { ok, lines }
    },
  }
}

function judge(said, { seconds, isWhole }) {
  let report
  try {
    report = JSON.parse(said.slice(said.indexOf('\n') + 1))
  } catch {
    return { ok: false, lines: ['secrets: the search has failed'] }
  }
  const { secrets, files, bytes, hits, known } = report
  const looked = `${secrets} in ${files} files and streams of ${Math.round(bytes / 1024 ** 2)} MiB, ${Math.round(seconds)} s`
  const lines = [`secrets: ${hits.length === 0 ? 'none found' : `${hits.length} FOUND`}: looked for ${looked}`]
  for (const [because, count] of Object.entries(known)) lines.push(`  where it must be, ${count}: ${because}`)
  for (const { what, encoding, place } of hits) lines.push(`  FOUND: ${what}, ${encoding}, in ${place}`)
  const hasLooked = secrets > 0 || !isWhole
  if (!hasLooked) lines.push('  there was no secret to look for: the ledger is not written any more')
  return { ok: hits.length === 0 && hasLooked, lines }
}
