import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { limits } from '../../src/socket/limits.ts'
import { untilAborted } from '../../src/waiting/until-aborted.ts'
import type { Bench, Figure } from './bench.ts'
import { Samples } from './samples.ts'
import {
  isInstalled,
  openSocketStage,
  type Peer,
  pythonProgram,
  type SocketStage,
  startSshAgent,
} from './socket-stage.ts'

interface Report {
  readonly connected: number
  readonly refused: number
  readonly why: string | null
  readonly times: readonly number[]
}

interface Load {
  readonly connected: number
  readonly why: string | null
  readonly perSecond: number
  readonly times: Samples
  /** Of one core, while they asked. */
  readonly coreShare: number
}

const crowds = [1, 10, 100, 1_000, 5_000]
/** For all of a crowd to be connected, and for it to report. */
const patienceMs = 180_000

/** Many tools at once, each on its own connection, which asks again as soon as it is answered. */
export const bench: Bench = {
  name: 'socket-crowd',
  what: 'session/get from many clients at once',
  missing: () => (isInstalled('python3') ? undefined : 'python3 is not installed'),
  async run({ quick, folder, progress }) {
    progress('site, broker, agent and sign-in …')
    const stage = await openSocketStage(['crowd.py'])
    const ssh = await startSshAgent(folder)
    const figures: Figure[] = []
    try {
      for (const clients of quick ? crowds.slice(0, 3) : crowds) {
        progress(`${clients} clients …`)
        const ours = await load(stage, 'agent', '', clients, stage.agent.pid, quick ? 1 : 3).catch((error: Error) => {
          // What was measured of smaller ones is worth having; of none there is nothing to tell.
          if (figures.length === 0) throw error
          progress(`  not measured: ${error.message}`)
        })
        if (!ours) break
        const theirs = ssh && (await loadSsh(stage, ssh, clients, quick ? 1 : 3).catch(() => undefined))
        for (const [name, { connected, why }] of Object.entries({ ours, ...(theirs ? { 'ssh-agent': theirs } : {}) }))
          if (connected < clients) progress(`  ${name}: ${connected} of ${clients} were let in: ${why}`)
        figures.push(...figuresOf(clients, ours, theirs && theirs.connected === clients ? theirs : undefined))
      }
      progress(
        `the agent's own limits: ${limits.connections} connections, ${limits.connectionsOfOneExecutable} of one program`,
      )
      return figures
    } finally {
      await Promise.all([stage.close(), ssh?.running.stop()])
    }
  },
}

function figuresOf(clients: number, ours: Load, theirs: Load | undefined): Figure[] {
  const what = `${clients.toLocaleString('en')} clients`
  const peer = (value: number, p99?: number) => ({ name: 'ssh-agent', value, ...(p99 === undefined ? {} : { p99 }) })
  const { p50, p99 } = ours.times
  return [
    {
      ...{ what: `${what}: calls`, unit: 'per second', value: ours.perSecond },
      ...(theirs ? { peer: peer(theirs.perSecond) } : {}),
    },
    {
      ...{ what: `${what}: each call`, unit: 'ms', value: p50 / 1000, p99: p99 / 1000 },
      ...(theirs ? { peer: peer(theirs.times.p50 / 1000, theirs.times.p99 / 1000) } : {}),
    },
    {
      what: `${what}: of a core`,
      unit: 'core',
      value: ours.coreShare,
      ...(theirs ? { peer: peer(theirs.coreShare) } : {}),
    },
  ]
}

async function loadSsh(stage: SocketStage, ssh: Peer, clients: number, seconds: number): Promise<Load> {
  return load(stage, 'ssh', ssh.place, clients, ssh.running.pid, seconds)
}

/** Connects all, has them ask for so many seconds, and lets them go. */
async function load(
  { scene }: SocketStage,
  target: 'agent' | 'ssh',
  place: string,
  clients: number,
  pid: number,
  seconds: number,
): Promise<Load> {
  const processes = Math.min(clients, 4 * cpus().length)
  const script = join(import.meta.dirname, 'peers', 'crowd.py')
  const crews = Array.from({ length: processes }, (_, index) => {
    const part = Math.floor(clients / processes) + (index < clients % processes ? 1 : 0)
    const spec = JSON.stringify({ target, place, clients: part, seconds })
    return new Crew(spawn(pythonProgram(), [script, spec], { env: scene.studio.env, stdio: 'pipe' }))
  })
  try {
    const late = AbortSignal.timeout(patienceMs)
    for (const crew of crews) await crew.line(late)
    const before = await processorTimeS(pid)
    const startedMs = performance.now()
    for (const crew of crews) crew.begin()
    const reports = await Promise.all(crews.map(async (crew) => JSON.parse(await crew.line(late)) as Report))
    const tookS = (performance.now() - startedMs) / 1000
    const times = reports.flatMap((report) => report.times)
    return {
      connected: reports.reduce((sum, { connected }) => sum + connected, 0),
      why: reports.find(({ why }) => why !== null)?.why ?? null,
      perSecond: times.length / tookS,
      times: new Samples(times),
      coreShare: ((await processorTimeS(pid)) - before) / tookS,
    }
  } finally {
    for (const crew of crews) crew.end()
  }
}

/** A process of clients. */
class Crew {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #complaint = ''

  constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    process.stdin.on('error', () => undefined)
    process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint += text
    })
  }

  /** The next that it says. Throws with what it complained of when it says nothing more, or nothing until `late`. */
  async line(late: AbortSignal): Promise<string> {
    const next = await untilAborted(this.#lines.next(), late)
    if (!next.done) return next.value
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
    throw new Error(`crowd.py ended: ${this.#complaint}`)
  }

  begin(): void {
    this.#process.stdin.write('\n')
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }
}

/** Linux: utime and stime, in hundredths of a second. proc(5) */
async function processorTimeS(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return Number.NaN
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
