import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

export interface OtherUser {
  readonly uid: number
  readonly gid: number
}

const nobody: OtherUser = { uid: 65_534, gid: 65_534 }

/** Why nothing can be run as another user here, or undefined when it can. */
export const otherUserMissing = ((): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can run a program as another user'
  const script = `require('node:fs').readFileSync(${JSON.stringify(resolve('package.json'))})`
  const { status } = spawnSync(process.execPath, ['-e', script], nobody)
  return status === 0 ? undefined : 'other users may not read this checkout'
})()

const namePrefix = 'sg-session-test-'

/** A user of this machine for one test file, or the one that is always there where none can be made. Give it back. */
export function addOtherUser(): OtherUser & { remove(): void } {
  removeLeftUsers()
  const name = `${namePrefix}${process.pid}`
  const options = ['--system', '--no-create-home', '--shell', '/bin/false', '--gid', 'nogroup']
  const { status } = spawnSync('useradd', [...options, name])
  const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  if (status !== 0 || !uid || !gid) return { ...nobody, remove: () => undefined }
  return { uid: Number(uid), gid: Number(gid), remove: () => void spawnSync('userdel', [name]) }
}

/** Those of runs that were killed. */
function removeLeftUsers(): void {
  for (const [, name = '', pid] of readFileSync('/etc/passwd', 'utf8').matchAll(/^(sg-session-test-(\d+)):/gm))
    if (!existsSync(`/proc/${pid}`)) spawnSync('userdel', [name])
}

/** Runs a script (TypeScript, as a module) as another user of this machine; resolves with what it printed. */
export function runAsOtherUser(script: string, user: OtherUser = nobody, input = ''): Promise<string> {
  return runScript(script, input, { uid: user.uid, gid: user.gid })
}

/** Runs a script, as us when not told otherwise, with `input` on its standard input; resolves with what it printed. */
export function runScript(script: string, input: string, user: Partial<OtherUser> = {}): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    ...user,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => undefined).end(input)
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
