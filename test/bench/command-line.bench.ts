import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setScene } from '../e2e/scene.ts'
import type { Bench, Figure } from './bench.ts'
import { inTurns, type Measure } from './samples.ts'
import { isInstalled, plainEnvironment, startSshAgent } from './socket-stage.ts'
import { storeInGit, timeProcess } from './time-process.ts'

const root = resolve(import.meta.dirname, '..', '..')
const executable = join(root, 'out', 'bin', process.platform === 'win32' ? 'sg-session.exe' : 'sg-session')
const script = join(root, 'dist', 'cli', 'sg-session.js')
const bareGet = join(import.meta.dirname, 'peers', 'bare-get.cjs')

/** What a person or a shell script waits for: whole processes, from the start to the exit. */
export const bench: Bench = {
  name: 'command-line',
  what: 'sg-session get as a process, signed in; the single executable, and the script of an npm install',
  async run({ quick, folder, progress }) {
    progress('the executable …')
    execFileSync(process.execPath, [join(root, 'build', 'single-executable.ts'), 'sg-session'], { stdio: 'pipe' })
    progress('site, broker, agent and sign-in …')
    const scene = await setScene()
    const sshAgent = await startSshAgent(folder)
    const git = isInstalled('git') ? await storeInGit(folder) : undefined
    if (!sshAgent) progress('ssh-agent and ssh-keygen are not installed')
    if (!git) progress('git is not installed')
    if (!existsSync(script)) progress('dist/ is not built: npm run build')
    try {
      await scene.studio.startBroker()
      await scene.studio.startAgent()
      await scene.signIn()
      const { NODE_COMPILE_CACHE: _, ...env } = scene.studio.env
      const endpointFile = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
      const node = (...args: string[]): Measure => {
        return () => timeProcess(process.execPath, args, env)
      }
      progress('processes …')
      const { ours, version, ...peers } = await inTurns(quick ? 3 : 40, {
        ours: () => timeProcess(executable, ['get'], env),
        [nothing]: node('-e', '0'),
        version: () => timeProcess(executable, ['--version'], env),
        [bare]: node('--use-openssl-ca', bareGet, endpointFile),
        ...(git ? { 'git credential-cache get': git.get } : {}),
        ...(sshAgent
          ? {
              'ssh-add -l': () =>
                timeProcess('ssh-add', ['-l'], { ...plainEnvironment(), SSH_AUTH_SOCK: sshAgent.place }),
            }
          : {}),
        ...(existsSync(script) ? { [installed]: node(script, 'get') } : {}),
      } as Record<string, Measure>)
      if (!ours || !version) return []
      const figures = Object.entries(peers).map(([name, { p50, p99 }]): Figure => {
        const target = name === nothing ? { target: { most: 1.3 } } : {}
        const what = 'sg-session get, a process'
        return { what, unit: 'ms', value: ours.p50, p99: ours.p99, peer: { name, value: p50, p99 }, ...target }
      })
      const least = peers[nothing]
      const peer = least && { peer: { name: nothing, value: least.p50, p99: least.p99 } }
      return [...figures, { what: 'sg-session --version', unit: 'ms', value: version.p50, p99: version.p99, ...peer }]
    } finally {
      await Promise.all([scene.close(), sshAgent?.running.stop(), git?.close()])
    }
  },
}

const nothing = 'node -e 0'
const bare = 'the least Node can do'
const installed = 'the same of an npm install'
