import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultStage } from '../e2e/fault-stage.ts'
import { openFaultStage } from '../e2e/fault-stage.ts'
import type { Running } from '../sandbox/processes.ts'
import { fitLine, type LineFit } from './line-fit.ts'
import { ProcessSamples, type Sample, tellHeap } from './process-samples.ts'
import { askOnce, cutClient, type Expected, injectUpstream, Tally } from './traffic.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Of all requests, how many meet a fault. */
  readonly faultShare: number
  /** How long a session lasts at the first site, so that it is renewed again and again. */
  readonly sessionLifetimeS: number
  readonly say?: (line: string) => void
}

export interface SoakReport {
  readonly seconds: number
  readonly answers: number
  readonly faultsInjected: number
  readonly typedErrors: ReadonlyMap<string, number>
  readonly wrong: readonly string[]
  readonly renewals: number
  readonly medianMs: number
  readonly p99Ms: number
  /** After full collections, without the warm-up; MiB an hour. Undefined when there were too few. */
  readonly heapSlope: LineFit | undefined
  readonly collections: number
  /** MiB of the whole process in each tenth of the run, in the middle. */
  readonly rssMiB: readonly number[]
  readonly before: Sample
  readonly after: Sample
  readonly stalls: number
  /** Why the agent cut connections, and how often; those of injected faults are among them. */
  readonly cuts: ReadonlyMap<string, number>
}

/** Faults come in the first half of each cycle; the second half begins with what recovery may take, and knows no error. */
const cycleMs = 20_000
const recoveryMs = 5_000
const pythons = 4
const pythonShare = 0.4
const clients = 6
/** A shorter run says nothing about an hour. */
const leastHeapMs = 4 * 60_000
/** Share of the run whose heap does not count: caches fill, and V8 finds its sizes. */
const warmUpShare = 0.2

/** A studio's day in short: Node and Python tools ask the real agent process, services and tools fail, each answer is checked. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { sessionLifetimeS } = options
  const stage = await openFaultStage({
    sessionLifetimeS,
    site: { sessionWindowS: sessionLifetimeS },
    exchangesPerPerson: 1_000_000,
  })
  try {
    // Else a reply that is lost to a refresh would rightly end the sign-in.
    stage.identity.switches.refreshGraceMs = 10_000
    await stage.studio.startBroker()
    const agent = await stage.studio.startAgent({ nodeFlags: tellHeap })
    const first = stage.client(20_000)
    await stage.signInAtFirst(first, 'artist')
    await stage.signInAtSecond(first, 'supervisor')
    return await soak(stage, agent, options)
  } finally {
    await stage.close()
  }
}

async function soak(stage: FaultStage, agent: Running, options: SoakOptions): Promise<SoakReport> {
  const { seconds, requestsPerSecond, faultShare, say = () => undefined } = options
  const expected = await whoIsWhere(stage)
  const samples = new ProcessSamples(agent)
  await sleep(1_000)
  const before = await samples.take()
  samples.start()
  const refreshes = () => stage.identity.calls.get('token:refresh_token') ?? 0
  const refreshesBefore = refreshes()
  const begunMs = performance.now()
  const cycleAtMs = (): number => (performance.now() - begunMs) % cycleMs
  const isFaulty = (): boolean => cycleAtMs() < cycleMs / 2
  const tally = new Tally(expected, () => cycleAtMs() < cycleMs / 2 + recoveryMs)

  const tools = Array.from({ length: pythons }, () =>
    startPython(stage, (requestsPerSecond * pythonShare) / pythons, tally),
  )
  const nodes = Array.from({ length: clients }, () => stage.client(20_000))
  const underWay = new Set<Promise<unknown>>()
  const track = (work: Promise<unknown>): void => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }
  const perSecond = requestsPerSecond * (1 - pythonShare)
  let killed = 0
  for (let sent = 0; performance.now() - begunMs < seconds * 1_000; sent += 1) {
    const [client, wanted] = [nodes[sent % clients], expected[sent % expected.length]]
    if (client && wanted) track(askOnce(client, wanted, tally))
    // All faults of a cycle in its first half, and they count against the requests of the Pythons too.
    if (isFaulty() && Math.random() < (2 * faultShare) / (1 - pythonShare)) {
      tally.faultsInjected += 1
      if (Math.random() < 0.5 || !injectUpstream(stage)) track(cutClient(stage))
    }
    if (performance.now() - begunMs > (killed + 0.25) * cycleMs) {
      // A tool that crashes, whatever it was doing; the artist starts it again.
      killed += 1
      tally.faultsInjected += 1
      track(tools.shift()?.stop('SIGKILL') ?? Promise.resolve())
      tools.push(startPython(stage, (requestsPerSecond * pythonShare) / pythons, tally))
    }
    if (!isFaulty()) for (const { faults } of [stage.site, stage.second, stage.identity]) faults.clear()
    if (sent % Math.round(perSecond * 30) === 0)
      say(`${Math.round((performance.now() - begunMs) / 1_000)} s: ${tally.answers} answers`)
    await sleep(Math.max(0, begunMs + ((sent + 1) * 1_000) / perSecond - performance.now()))
  }
  for (const { faults } of [stage.site, stage.second, stage.identity]) faults.clear()
  const tookS = (performance.now() - begunMs) / 1_000
  await Promise.all(underWay)
  await Promise.all(tools.map((tool) => tool.stop()))
  samples.stop()
  for (const client of nodes) client.close()
  // Strangers are given two seconds, connections to the services stay open for five.
  await sleep(7_000)
  const after = await samples.take()
  return {
    seconds: tookS,
    answers: tally.answers,
    faultsInjected: tally.faultsInjected,
    typedErrors: tally.typedErrors,
    wrong: [...tally.wrong, ...unasked(agent)],
    renewals: refreshes() - refreshesBefore,
    medianMs: share(tally.tookMs, 0.5),
    p99Ms: share(tally.tookMs, 0.99),
    ...judgeHeap(samples),
    rssMiB: Array.from({ length: 10 }, (_, tenth) => {
      const part = samples.samples.slice(
        (samples.samples.length * tenth) / 10,
        (samples.samples.length * (tenth + 1)) / 10,
      )
      return share(
        part.map(({ rssMiB }) => rssMiB),
        0.5,
      )
    }),
    before,
    after,
    stalls: agent.stderr().split('the agent stood still').length - 1,
    cuts: reasonsOf(agent),
  }
}

async function whoIsWhere(stage: FaultStage): Promise<Expected[]> {
  const { sites } = await stage.client().status()
  return [stage.site, stage.second].map((site) => {
    const login = sites.find((one) => one.site === site.url)?.login
    if (login === undefined) throw new Error(`nobody is signed in at ${site.url}`)
    return { site, login }
  })
}

function reasonsOf(agent: Running): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, reason = ''] of agent.stderr().matchAll(/"reason":"([^"]+)","msg":"connection cut"/g))
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return counts
}

/** What the agent wrote down about itself that no fault excuses. */
function unasked(agent: Running): string[] {
  return agent
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"level":"error"') || line.includes('Uncaught') || line.includes('Warning:'))
    .map((line) => `the agent said: ${line.slice(0, 300)}`)
}

function startPython(stage: FaultStage, rate: number, tally: Tally): Running {
  const script = resolve(import.meta.dirname, 'ask.py')
  const tool = stage.studio.startPython('python3', '-u', script, String(rate), stage.site.url, stage.second.url)
  let read = 0
  const look = setInterval(() => {
    const whole = tool.stdout().lastIndexOf('\n') + 1
    for (const line of tool.stdout().slice(read, whole).split('\n').filter(Boolean)) {
      const said = JSON.parse(line) as {
        site: string
        answerSite: string
        login: string
        sessionToken: string
        code?: string
        message: string
      }
      if (said.code === undefined) tally.session(said.site, { ...said, site: said.answerSite })
      else tally.error(said.code, said.message)
    }
    read = whole
  }, 20)
  void tool.ended.finally(() => {
    clearInterval(look)
    const trouble = tool.stderr().trim()
    if (trouble) tally.error('untyped', trouble.slice(-300))
  })
  return tool
}

function judgeHeap(samples: ProcessSamples): Pick<SoakReport, 'heapSlope' | 'collections'> {
  const heap = samples.heap()
  const [from, to] = [heap.at(0)?.atMs ?? 0, heap.at(-1)?.atMs ?? 0]
  const settled = heap.filter(({ atMs }) => atMs >= from + (to - from) * warmUpShare)
  const collections = settled.length
  if (collections < 10 || to - from < leastHeapMs) return { heapSlope: undefined, collections }
  return { heapSlope: fitLine(settled.map(({ atMs, usedMiB }) => ({ x: atMs / 3_600_000, y: usedMiB }))), collections }
}

function share(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0
}
