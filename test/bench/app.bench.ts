import { setTimeout as pause } from 'node:timers/promises'
import { TrayRivals } from '../e2e/app/tray-rivals.ts'
import { pss } from '../sandbox/desktop/memory.ts'
import { sleepsOf, type ThreadSleeps, wakeUpsBetween } from '../sandbox/desktop/wake-ups.ts'
import type { Bench, BenchContext, Figure } from './bench.ts'
import { inTurns, Samples } from './samples.ts'
import { startBareEcho } from './socket-stage.ts'

const electron = process.env['SG_SESSION_ELECTRON']
const blankTray = 'blank Electron tray'

/** The tray app beside a tray of the same Electron with nothing in it, and the headless agent beside a TLS server of Node. */
export const bench: Bench = {
  name: 'app',
  what: 'start to tray, memory and wake-ups of the tray app and of the agent, idle',
  missing: () => {
    if (process.platform !== 'linux') return 'memory and wake-ups are read from /proc'
    return electron === undefined ? 'no Electron to run: SG_SESSION_ELECTRON names none' : undefined
  },
  async run(context) {
    const rivals = await TrayRivals.open(electron ?? '')
    try {
      return [await startFigure(rivals, context), ...(await idleFigures(rivals, context))]
    } finally {
      await rivals.close()
    }
  },
}

async function startFigure(rivals: TrayRivals, { quick, progress }: BenchContext): Promise<Figure> {
  progress('starting to the tray, in turns …')
  const start = (which: 'own' | 'blank') => async (): Promise<number> => {
    const { ms } = await rivals.startToTray(which)
    await rivals.stop()
    return ms
  }
  const { own, blank } = await inTurns(quick ? 2 : 20, { own: start('own'), blank: start('blank') })
  return {
    ...{ what: 'start to tray', unit: 'ms', value: own.p50, p99: own.p99 },
    ...{ peer: { name: blankTray, value: blank.p50, p99: blank.p99 }, target: { most: 1.25 } },
  }
}

interface Minute {
  readonly own: readonly ThreadSleeps[]
  readonly blank: readonly ThreadSleeps[]
  readonly agent: readonly ThreadSleeps[]
  readonly bare: readonly ThreadSleeps[]
}

/** Everybody signed in, then left alone: memory, then wake-ups, of all at the same time. */
async function idleFigures(rivals: TrayRivals, context: BenchContext): Promise<Figure[]> {
  const { progress, quick } = context
  const weights = { own: [] as number[], blank: [] as number[] }
  const rounds = quick ? 1 : 3
  for (let round = 1; round <= rounds; round += 1) {
    progress(`both at rest, ${round} of ${rounds} …`)
    const pids = await rivals.startBoth()
    const [own = 0, blank = 0] = await Promise.all([pids.own, pids.blank].map(pss))
    weights.own.push(own / 1024)
    weights.blank.push(blank / 1024)
    await rivals.stop()
  }
  const [ours, theirs] = [new Samples(weights.own).p50, new Samples(weights.blank).p50]
  return [
    {
      ...{ what: 'idle PSS of all processes', unit: 'MiB', value: ours },
      ...{ peer: { name: blankTray, value: theirs }, target: { most: 1.1 } },
    },
    ...wakeUpFigures(await watchWakeUps(rivals, context), context),
  ]
}

async function watchWakeUps(rivals: TrayRivals, { folder, quick, progress }: BenchContext): Promise<Minute> {
  const { scene } = rivals
  progress('signing in to the tray app …')
  await scene.studio.startBroker()
  const pids = await rivals.startBoth()
  await scene.signIn()
  progress('an agent of its own, beside a bare TLS server …')
  const echo = await startBareEcho(folder)
  try {
    const headless = await scene.studio.startAgent({ env: { XDG_RUNTIME_DIR: folder } })
    await pause(quick ? 2_000 : 30_000)
    const seconds = quick ? 10 : 60
    progress(`${seconds} s of doing nothing …`)
    const look = () => Promise.all([pids.own, pids.blank, headless.pid, echo.running.pid].map((pid) => sleepsOf(pid)))
    const before = await look()
    await pause(seconds * 1_000)
    const after = await look()
    const [own = [], blank = [], agent = [], bare = []] = after.map((now, index) =>
      wakeUpsBetween(before[index] ?? new Map(), now).map(({ name, sleeps }) => ({
        name,
        sleeps: (sleeps * 60) / seconds,
      })),
    )
    await headless.stop()
    return { own, blank, agent, bare }
  } finally {
    await echo.running.stop()
    await rivals.stop()
  }
}

function wakeUpFigures({ own, blank, agent, bare }: Minute, { progress }: BenchContext): Figure[] {
  for (const [name, threads] of Object.entries({ app: own, [blankTray]: blank, agent, 'bare TLS server': bare })) {
    progress(`${name}: ${threads.map((one) => `${one.name} ${Math.round(one.sleeps)}`).join(', ') || 'no wake-up'}`)
  }
  const unit = 'a minute'
  return [
    {
      ...{ what: 'idle wake-ups of the app', unit, value: sum(own) },
      // Polling once a second would be 60 more.
      ...{ peer: { name: blankTray, value: sum(blank) }, target: { most: 1.1 } },
    },
    {
      ...{ what: 'idle wake-ups of the agent', unit, value: sum(agent) },
      ...{ peer: { name: 'bare Node TLS server', value: sum(bare) }, target: { most: 1.5 } },
    },
  ]
}

function sum(threads: readonly ThreadSleeps[]): number {
  return threads.reduce((total, { sleeps }) => total + sleeps, 0)
}
