import { join } from 'node:path'
import type { Bench, Figure } from './bench.ts'
import { startKeyring } from './peers/keyring.ts'
import { inTurns, Samples } from './samples.ts'
import { isInstalled, openSocketStage, pythonProgram, type SocketStage, startBareEcho } from './socket-stage.ts'
import { storeInGit, timeProcess } from './time-process.ts'

/** A tool that asks once: it connects, says who it is, is looked up, gets the session and hangs up. */
export const bench: Bench = {
  name: 'socket-cold',
  what: 'connect, authenticate, caller identified, session/get; and a whole process that does it',
  missing: () => (isInstalled('python3') ? undefined : 'python3 is not installed'),
  async run({ quick, folder, progress }) {
    progress('site, broker, agent and sign-in …')
    const stage = await openSocketStage(['cold.py', 'get-once.py'])
    const echo = await startBareEcho(folder)
    try {
      progress('connecting …')
      const spec = { echo: echo.place, rounds: quick ? 2 : 40, calls: quick ? 10 : 25 }
      const taken = JSON.parse(await stage.python('cold.py', JSON.stringify(spec))) as Record<string, number[]>
      const [ours, bare] = [inMs(taken['agent'] ?? []), inMs(taken['echo'] ?? [])]
      const what = 'session/get, cold'
      const inProcess: Figure[] = [
        {
          ...{ what, unit: 'ms', value: ours.p50, p99: ours.p99, target: { most: 1.5 } },
          peer: { name: 'bare Node TLS, connect and echo', value: bare.p50, p99: bare.p99 },
        },
        { what: `${what}, p50`, unit: 'ms', value: ours.p50, target: { most: 2 } },
        { what: `${what}, p99`, unit: 'ms', value: ours.p99, target: { most: 5 } },
      ]
      progress('processes …')
      return [...inProcess, ...(await measureProcesses(stage, folder, quick ? 3 : 40, progress))]
    } finally {
      await Promise.all([stage.close(), echo.running.stop()])
    }
  },
}

function inMs(valuesUs: readonly number[]): Samples {
  return new Samples(valuesUs.map((value) => value / 1000))
}

/** A whole process of ours beside those of others that keep a secret for the user. */
async function measureProcesses(
  stage: SocketStage,
  folder: string,
  rounds: number,
  progress: (text: string) => void,
): Promise<Figure[]> {
  const python = pythonProgram()
  const script = join(import.meta.dirname, 'peers', 'get-once.py')
  const git = isInstalled('git') ? await storeInGit(folder) : undefined
  const keyring = await startKeyring(folder)
  if (!git) progress('git is not installed')
  if (!keyring) progress('no keyring here: secret-tool, gnome-keyring-daemon and dbus-run-session are needed')
  const runs: Record<string, () => Promise<number>> = {
    ours: () => timeProcess(python, ['-S', script], stage.scene.studio.env),
    'python3 that does nothing': () => timeProcess(python, ['-S', '-c', '0'], stage.scene.studio.env),
    ...(git ? { 'git credential-cache get': git.get } : {}),
    ...(keyring ? { 'secret-tool lookup': () => timeProcess('secret-tool', keyring.lookup, keyring.env) } : {}),
  }
  try {
    const { ours, ...peers } = await inTurns(rounds, runs)
    if (!ours) return []
    return Object.entries(peers).map(
      ([name, { p50, p99 }]): Figure => ({
        ...{ what: 'get as a Python process', unit: 'ms', value: ours.p50, p99: ours.p99 },
        peer: { name, value: p50, p99 },
      }),
    )
  } finally {
    await git?.close()
    keyring?.close()
  }
}
