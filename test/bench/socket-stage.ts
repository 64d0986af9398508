import { execFileSync, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Scene, setScene } from '../e2e/scene.ts'
import { type Running, startProcess, untilSaid } from '../sandbox/processes.ts'
import type { How } from '../sandbox/studio.ts'

/** An agent as an artist has it: signed in, with the gate that asks, and an audit. */
export interface SocketStage {
  readonly scene: Scene
  readonly agent: Running
  readonly endpointFile: string
  /** Runs a program of `peers/` that the artist has allowed; resolves with what it printed. */
  python(script: string, ...args: string[]): Promise<string>
  close(): Promise<void>
}

const peers = resolve(import.meta.dirname, 'peers')
const startLimitMs = 20_000

/** The file of the interpreter that all Python peers run on: what `python3` leads to may be a script. */
export function pythonProgram(): string {
  const told = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' })
  return realpathSync(told.trim())
}

/** Starts site, Autodesk, broker and agent, signs in, and has the artist allow `scripts` of `peers/`. */
export async function openSocketStage(
  scripts: readonly string[],
  { tls = false, ...how }: How & { readonly tls?: boolean } = {},
): Promise<SocketStage> {
  const scene = await setScene({ tools: { consent: 'prompt' }, tls })
  try {
    const { studio } = scene
    const interpreter = pythonProgram()
    await studio.startBroker()
    const agent = await studio.startAgent(how)
    await scene.signIn()
    for (const script of scripts) {
      const allowing = ['tools', 'allow', interpreter, '--script', join(peers, script), '--yes']
      const { status, stderr } = await studio.sgSession(...allowing)
      if (status !== 0) throw new Error(`sg-session tools allow ended with ${status}: ${stderr}`)
    }
    return {
      scene,
      agent,
      endpointFile: join(studio.folder, 'run', 'sg-session', 'endpoint.json'),
      async python(script, ...args) {
        const { status, stdout, stderr } = await studio.python(interpreter, join(peers, script), ...args)
        if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`)
        return stdout
      },
      close: () => scene.close(),
    }
  } catch (error) {
    await scene.close()
    throw error
  }
}

export interface Peer {
  /** What a client must know: the file with a server's address, or the path of its socket. */
  readonly place: string
  readonly running: Running
}

/** A bare TLS server of Node; its place is a file with its address. */
export async function startBareEcho(folder: string): Promise<Peer> {
  const place = join(folder, 'bare-echo.json')
  const running = startProcess(process.execPath, [join(peers, 'bare-echo.ts'), place], plainEnvironment())
  await untilSaid(running, 'listening', startLimitMs)
  return { place, running }
}

/** ssh-agent with one key in it; its place is its socket. Undefined where there is none. */
export async function startSshAgent(folder: string): Promise<Peer | undefined> {
  if (!isInstalled('ssh-agent') || !isInstalled('ssh-keygen')) return undefined
  const place = join(folder, 'ssh-agent')
  const running = startProcess('ssh-agent', ['-D', '-a', place], plainEnvironment())
  await untilSaid(running, 'SSH_AUTH_SOCK', startLimitMs)
  const key = join(folder, 'ssh-key')
  const said = { stdio: 'pipe', env: { ...plainEnvironment(), SSH_AUTH_SOCK: place } } as const
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], said)
  execFileSync('ssh-add', ['-q', key], said)
  return { place, running }
}

/** Whether a program of that name is on the PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** Nothing of the person's own agents and settings. */
export function plainEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C.UTF-8' }
}
