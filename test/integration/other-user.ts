import { spawn, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const nobody = { uid: 65_534, gid: 65_534 }

/** Why nothing can be run as another user here, or undefined when it can. */
export const otherUserMissing = ((): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can run a program as another user'
  const script = `require('node:fs').readFileSync(${JSON.stringify(resolve('package.json'))})`
  const { status } = spawnSync(process.execPath, ['-e', script], nobody)
  return status === 0 ? undefined : 'other users may not read this checkout'
})()

/** Runs a script (TypeScript, as a module) as another user of this machine; resolves with what it printed. */
export function runAsOtherUser(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    ...nobody,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
  }
  return new Promise((done, reject) => {
    child.once('error', reject)
    child.once('close', () => done(said))
  })
}
