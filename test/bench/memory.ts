import { type Copies, copiesIn, copiesInCore } from '../e2e/memory-of.ts'
import { type Used, useThroughBroker, useWithPassphrase } from '../e2e/memory-stage.ts'

/**
 * `node test/bench/memory.ts [times] [app]`: how often each secret stands in the memory of a real agent while it is signed in,
 * and ten seconds after the sign-out; tools ask `times` (default 100) for everything. `app`: of the main process of the tray
 * app that `SG_SESSION_ELECTRON` runs. `gcore`: counted in the core that it makes (1.2 GB) and not in `/proc/PID/mem`.
 */
const [times = '100', ...more] = process.argv.slice(2)
const electron = more.includes('app') ? process.env['SG_SESSION_ELECTRON'] : undefined

await report('through the broker', await useThroughBroker(Number(times), {}, electron))
if (electron === undefined) await report('with a passphrase', await useWithPassphrase(Number(times)))

async function report(way: string, used: Used): Promise<void> {
  const signedIn = await count(used)
  await used.signOut()
  await new Promise((wake) => setTimeout(wake, 10_000))
  const signedOut = await count(used)
  await used.close()
  process.stdout.write(`\n${way}, asked ${times} times\n`)
  for (const name of Object.keys(used.secrets)) {
    process.stdout.write(`  ${name.padEnd(24)} ${written(signedIn[name])}   signed out: ${written(signedOut[name])}\n`)
  }
}

async function count({ agent, secrets }: Used): Promise<Record<string, Copies>> {
  return more.includes('gcore') ? (await copiesInCore(agent.pid, secrets, true)).found : copiesIn(agent.pid, secrets)
}

function written(found: Copies | undefined): string {
  return `${found?.utf8} as UTF-8, ${found?.utf16} as UTF-16, ${found?.base64} as base64`
}
