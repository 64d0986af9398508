import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { AgentError, asAgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import { PassedSecrets, type PutSecret } from '../secrets/passed-secrets.ts'
import type { ClaimedEndpoint } from '../socket/claim-endpoint.ts'
import type { Turnstile } from '../socket/turnstile.ts'
import { version } from '../version.ts'
import { withPatience } from '../waiting/with-patience.ts'
import { judgeAnnounced, judgeReady, say } from './document.ts'
import { HandOverPipe } from './hand-over-pipe.ts'
import { type Program, takeOverDescriptor, takeOverSwitch } from './program.ts'

/** What of the agent a hand-over needs. */
export interface Predecessor {
  readonly turnstile: Turnstile
  readonly isBusy: boolean
  onAnyChange(listener: () => void): () => void
  passOn(put: PutSecret): Promise<object>
  stopServing(): Promise<void>
  letGo(taken: readonly string[]): Promise<void>
  status(): readonly { readonly site: string; readonly state: string }[]
}

export interface HandOverSettings {
  readonly program: Program
  readonly agent: Predecessor
  readonly claimed: Pick<ClaimedEndpoint, 'announceAgain'>
  readonly log: Log
  readonly limits?: Partial<HandOverLimits>
  /** This process is told to end: then nobody takes over any more. */
  readonly signal?: AbortSignal
  /**
   * Called when the successor is announced and nobody is served here any more, before it serves: what there is only one of is to be
   * given up. Resolves with what somebody who started the program meanwhile wanted of it.
   */
  readonly giveUpPlace?: () => Promise<string | undefined>
}

export interface HandOverLimits {
  /** From its start until the successor is ready for what is handed over; a machine in an upgrade is busy, and nobody waits. */
  readonly startMs: number
  /** How long requests that are being answered may take to their end, and then what is on its way to the disk. */
  readonly emptyMs: number
  /** From when requests wait until the successor is announced, all in all. Their clients do so for five seconds. */
  readonly takeMs: number
}

const handOverLimits: HandOverLimits = { startMs: 30_000, emptyMs: 1_500, takeMs: 4_000 }

/** It is not the moment: something else came first. Worth another try. */
export class CalledOff extends Error {}

const itEnds = 'this process ends'
const killLimitMs = 5_000
const endLimitMs = 1_000

/**
 * Starts the program that lies on the disk, hands it everything, and ends what is here. When it resolves, this process serves nobody,
 * holds nothing, and is to end. Throws `CalledOff` or why the successor could not take over; then everything is as it was, unless
 * `signal` came when the door was closed already.
 */
export async function handOver(settings: HandOverSettings): Promise<void> {
  const { agent, signal } = settings
  demandToGoOn(signal)
  const successor = start(settings.program)
  const callingOff = new AbortController()
  const callOff = (because: string): void => callingOff.abort(new CalledOff(because))
  const stopListening = agent.onAnyChange(() => callOff('something has changed meanwhile'))
  const onEnd = (): void => callOff(itEnds)
  signal?.addEventListener('abort', onEnd)
  let taken: readonly string[]
  try {
    taken = await pass(settings, successor, callingOff, callOff)
    callingOff.signal.throwIfAborted()
    if (agent.isBusy) throw new CalledOff('something has begun meanwhile')
    stopListening()
    await agent.stopServing()
    // Who ends this process wants no other in its place, as long as that one has not the last word.
    demandToGoOn(signal)
  } catch (error) {
    await takeBack(settings, successor)
    throw error
  } finally {
    stopListening()
    signal?.removeEventListener('abort', onEnd)
  }
  await leave(settings, successor, taken)
}

function demandToGoOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CalledOff(itEnds)
}

interface Started {
  readonly process: ChildProcess
  readonly pipe: HandOverPipe
  /** Rejects when it ends. */
  readonly failed: Promise<never>
}

function start({ command, args, env }: Program): Started {
  const child = spawn(command, [...args, takeOverSwitch], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    ...(env ? { env } : {}),
  })
  const stream = child.stdio[takeOverDescriptor]
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (cause) => reject(ended(`it cannot be started (${codeOf(cause)})`)))
    child.once('exit', (status, signal) => reject(ended(`it ended with ${signal ?? status}`)))
  })
  failed.catch(() => undefined)
  // One that could not be started at all has none.
  return { process: child, failed, pipe: new HandOverPipe(stream instanceof Duplex ? stream : new Duplex()) }
}

/** Resolves with the sites that the successor holds, when it is announced. */
async function pass(
  { agent, limits }: HandOverSettings,
  { pipe, failed }: Started,
  { signal }: AbortController,
  callOff: (because: string) => void,
): Promise<readonly string[]> {
  const { startMs, emptyMs, takeMs } = { ...handOverLimits, ...limits }
  const calledOff = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  calledOff.catch(() => undefined)
  const hear = async (limitMs: number): Promise<unknown> => {
    const leftMs = countDown(limitMs)
    const said = await Promise.race([pipe.receive(limitMs), failed, calledOff])
    // One that hangs up is about to end, and how it does is the better reason.
    if (said === undefined) await Promise.race([withPatience(failed, Math.min(endLimitMs, leftMs())), calledOff])
    return said
  }
  const { format } = judgeReady(await hear(startMs))
  // Who wants to sign in goes first; everybody else can wait, or ask the successor.
  agent.turnstile.close((method) => method === 'signIn' && callOff('somebody is signing in'))
  const emptyLeftMs = countDown(emptyMs)
  const takeLeftMs = countDown(takeMs)
  if (!(await agent.turnstile.isEmptyWithin(emptyLeftMs())) || agent.isBusy) throw new CalledOff('the agent is busy')
  const secrets = new PassedSecrets()
  const state = await Promise.race([withPatience(agent.passOn(secrets.put), emptyLeftMs()), failed, calledOff])
  if (!state) throw new CalledOff('what is to be kept is still on its way to the disk')
  await pipe.send(say.document(format, version, state, secrets), takeLeftMs())
  await pipe.send(say.secrets(secrets), takeLeftMs())
  return judgeAnnounced(await hear(takeLeftMs()))
}

/** How much is left of so long from now on. */
function countDown(limitMs: number): () => number {
  const end = performance.now() + limitMs
  return () => Math.max(0, end - performance.now())
}

/** There is no way back: what fails here must not end the one that serves from now on. */
async function leave(
  { agent, log, giveUpPlace }: HandOverSettings,
  { process: child, pipe }: Started,
  taken: readonly string[],
): Promise<void> {
  const noted = (what: string) => (error: unknown) => void log.error({ err: error }, what)
  const wants = await giveUpPlace?.().catch(noted('a place was not given up'))
  // What ended on the way, with the screen's lock say, is told instead of called off.
  const held = new Set(agent.status().flatMap(({ site, state }) => (state === 'signed_in' ? [site] : [])))
  const over = say.over(
    wants,
    taken.filter((site) => !held.has(site)),
  )
  await pipe.send(over, handOverLimits.takeMs)
  pipe.close()
  child.unref()
  await agent.letGo(taken).catch(noted('what was handed over is still held here'))
  log.info({ successor: child.pid }, 'the program on the disk has taken over')
}

/** As if nothing had happened. */
async function takeBack({ agent, claimed, log }: HandOverSettings, { process: child, pipe }: Started): Promise<void> {
  let gone: Promise<void> | undefined
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    // Before the pipe ends: an announced one takes that for our death, and would serve.
    child.kill('SIGKILL')
  }
  pipe.close()
  // One that was killed serves nobody, however long the system takes to be done with it; and the disk of the file may hang.
  agent.turnstile.open()
  if (gone) await withPatience(gone, killLimitMs)
  await claimed.announceAgain().catch((error: unknown) => log.error({ err: error }, 'the endpoint file is not written'))
}

function ended(because: string): AgentError {
  return new AgentError('temporarily_unavailable', because)
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : error.message
}

/** Why a hand-over failed, for people: a sentence that can follow a colon. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof CalledOff ? thrown.message : asAgentError(thrown).message
}
