import { AgentError, asAgentError } from '../errors.ts'
import type { Secret } from '../secrets/secret.ts'
import type { StallWatch } from '../system/stall-watch.ts'
import { version } from '../version.ts'
import type { Call, CallBook, TurnedAway } from './calls.ts'
import type { CallingTool } from './gate.ts'
import { JsonTextError, parseJsonText } from './json-text.ts'
import type { Limits } from './limits.ts'
import { answer, judgeParams, judgeRequest, type Params, type Request, refusal, refuseVersion } from './messages.ts'
import type { Identified } from './peer.ts'
import type { Met } from './peers/met.ts'
import { nameless, type Tool, toolFromClaim } from './tool-log.ts'
import type { Peers } from './who-is-calling.ts'

export interface GreetingSettings {
  readonly key: Secret
  readonly peers: Peers
  /** The other end, as it was met when the connection came. */
  readonly met: Met
  readonly calls: CallBook
  readonly limits: Limits
  /** The versions of the protocol that are served. */
  readonly protocols: readonly number[]
  readonly stalls: Pick<StallWatch, 'begin'>
  /** Called once, when the peer has shown the key. */
  readonly onKeyShown: () => void
  /** Throws `rate_limited` when the program has connections enough. */
  readonly demandPlace: (identified: Identified) => void
}

/** What may happen to the connection meanwhile. */
export interface Doorstep {
  isGone(): boolean
  cut(reason: string): void
}

/**
 * What became of a stranger: a tool; one that is answered and sent away; one that said something wrong, and is neither read nor
 * answered; one that is gone by itself or was cut.
 */
export type Greeted =
  | { readonly kind: 'let-in'; readonly tool: CallingTool; readonly reply: object }
  | { readonly kind: 'refused'; readonly reply: object }
  | { readonly kind: 'held'; readonly outcome: TurnedAway; readonly reason: string; readonly claim: Tool }
  | { readonly kind: 'gone' }

/** Judges a connection's first message: a `hello` with the run's key, from a program of this user. Never rejects. */
export async function greet(line: string, settings: GreetingSettings, doorstep: Doorstep): Promise<Greeted> {
  const { key, peers, met, calls, limits, protocols, stalls, onKeyShown, demandPlace } = settings
  let request: Request
  let hello: Params<'hello'>
  try {
    request = judgeRequest(parseJsonText(line, limits.jsonDepth))
    if (request.method !== 'hello') return noHello('the first message was not hello')
    hello = judgeParams('hello', request.params)
  } catch (error) {
    return noHello(error instanceof JsonTextError || error instanceof AgentError ? error.message : 'failure')
  }
  const claim = toolFromClaim(hello.client)
  if (!key.equals(hello.key)) return { kind: 'held', outcome: 'wrong_key', reason: 'wrong key', claim }
  onKeyShown()
  const identified = await identify(hello.client.pid)
  if (doorstep.isGone()) return { kind: 'gone' }
  const tool: CallingTool = { identified, claim }
  if (!isOfThisUser(identified)) {
    noteTurnedAway(calls, 'other_user', tool)
    doorstep.cut('not a program of this user')
    return { kind: 'gone' }
  }
  if (!protocols.includes(hello.protocol)) {
    noteTurnedAway(calls, 'unsupported_version', tool)
    return { kind: 'refused', reply: refuseVersion(request.id, hello.protocol, protocols) }
  }
  try {
    demandPlace(identified)
  } catch (thrown) {
    const error = asAgentError(thrown)
    noteTurnedAway(calls, error.code, tool)
    return { kind: 'refused', reply: refusal(request.id, error) }
  }
  // The client's own: what is said on this connection is said in that version.
  const reply = answer(request.id, { protocol: hello.protocol, agent: { version, pid: process.pid } })
  return { kind: 'let-in', tool, reply }

  async function identify(claimedPid: number): Promise<Identified> {
    const limit = setTimeout(() => {
      if (!doorstep.isGone()) doorstep.cut('nobody could say who calls')
    }, limits.identifyMs).unref()
    const greeted = stalls.begin('hello')
    try {
      return await peers.identify(met, claimedPid)
    } finally {
      greeted()
      clearTimeout(limit)
    }
  }
}

function noHello(reason: string): Greeted {
  return { kind: 'held', outcome: 'no_hello', reason, claim: nameless }
}

/** Keeps that a connection ended before it could ask for anything. */
export function noteTurnedAway(
  calls: CallBook,
  outcome: Call['outcome'],
  who: Pick<CallingTool, 'claim'> & Partial<CallingTool>,
): void {
  calls.note({ ...who, method: 'hello', scope: 'status', outcome, ms: 0 })
}

const ownUid = process.getuid?.() ?? -1

/** Whether it is a program of the user who runs the agent, known by name or not. */
export function isOfThisUser(identified: Identified): boolean {
  return (identified.kind === 'known' ? identified.peer.uid : identified.uid) === ownUid
}
