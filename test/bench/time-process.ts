import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { plainEnvironment } from './socket-stage.ts'

/** How long a process lives, from the moment that it is asked for; ms. Throws when it fails. */
export function timeProcess(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(program, args, { env: { ...env }, stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stdin.on('error', () => undefined).end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status) => {
      if (status === 0) resolve(performance.now() - startedMs)
      else reject(new Error(`${program} ended with ${status}: ${said}`))
    })
  })
}

/** What `git credential-cache` keeps for an artist. */
export interface CredentialCache {
  /** How long it takes to get it, as a process; ms. */
  get(): Promise<number>
  close(): Promise<void>
}

export async function storeInGit(folder: string): Promise<CredentialCache> {
  const home = join(folder, 'git')
  await mkdir(home, { mode: 0o700 })
  const env = { ...plainEnvironment(), HOME: home, XDG_CACHE_HOME: join(home, 'cache') }
  const run = (action: string, input = ''): Promise<number> =>
    timeProcess('git', ['credential-cache', '--socket', join(home, 'socket'), action], env, input)
  const wanted = 'protocol=https\nhost=studio.example\n'
  await run('store', `${wanted}username=artist\npassword=0123456789abcdef\n\n`)
  return { get: () => run('get', `${wanted}\n`), close: async () => void (await run('exit')) }
}
