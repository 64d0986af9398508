import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError, asAgentError } from '../errors.ts'
import { type Endpoint, readEndpointFile } from '../socket/endpoint-file.ts'
import type { Result } from '../socket/messages.ts'
import { version } from '../version.ts'
import { askAgent } from './ask-agent.ts'
import type { Finding } from './finding.ts'
import type { Check } from './world.ts'

/** Each place an agent may have announced itself in: what lies there may be believed only if nobody else can have put it there. */
export const checkEndpointFiles: Check = async ({ paths, system }) => {
  const found = (await Promise.all(paths.endpointFiles.map((file) => checkEndpointFile(file, system.platform)))).flat()
  if (found.length > 0) return found
  return [{ check: 'endpoint-file', state: 'skipped', found: `there is none in ${paths.endpointFiles.join(' or ')}` }]
}

async function checkEndpointFile(file: string, platform: NodeJS.Platform): Promise<Finding[]> {
  const row = { check: 'endpoint-file', about: file } as const
  try {
    if (!(await readEndpointFile(file))) return []
  } catch (error) {
    const found = asAgentError(error).message.replace(`"${file}" `, 'it ')
    return [{ ...row, state: 'failed', found, advice: await adviceFor(file) }]
  }
  if (platform === 'win32')
    return [{ ...row, state: 'ok', found: 'is of this format; its access list is not looked at' }]
  const [folder, own] = await Promise.all([lstat(dirname(file)), lstat(file)])
  const modes = `${(own.mode & 0o777).toString(8)} in a folder of ${(folder.mode & 0o777).toString(8)}`
  return [{ ...row, state: 'ok', found: `belongs to this user, is no link, and is closed to others (${modes})` }]
}

async function adviceFor(file: string): Promise<string> {
  const folder = dirname(file)
  const ours = (await lstat(folder).catch(() => undefined))?.uid === process.getuid?.()
  return ours
    ? `No tool believes it. Quit sg-session, remove "${folder}", start sg-session again, and find out who opened it.`
    : `No tool believes it. Tell IT: "${folder}" is this user's place, and somebody else made it.`
}

/** Whether an agent answers, and whether it is the one that belongs to this program and this configuration. */
export const checkAgent: Check = async ({ paths, setup, clock }, signal) => {
  const read = await Promise.all(paths.endpointFiles.map((file) => tryToRead(file)))
  const announced = read.flatMap(({ file, endpoint }) => (endpoint ? [{ file, endpoint }] : []))
  const asked = await Promise.all(
    announced.map(async ({ file, endpoint }) => ({ file, endpoint, answer: await ask(endpoint, signal) })),
  )
  const rows = asked.map(({ file, endpoint, answer }): Finding => {
    if (answer instanceof AgentError) return judgeSilence(file, endpoint, answer)
    const sites = setup.effective.config.sites.map(({ url }) => url)
    return judgeAgent(file, answer, { version, sites, nowMs: clock.now() })
  })
  const serves = rows.some(({ state }) => state === 'ok' || state === 'warning')
  // What a killed agent left in one place is in nobody's way while one answers in another.
  if (serves) return rows.filter(({ state }) => state !== 'failed')
  if (rows.length > 0) return rows
  if (read.some(({ refused }) => refused)) {
    return [{ check: 'agent', state: 'skipped', found: 'not asked: its endpoint file cannot be believed' }]
  }
  return [{ check: 'agent', state: 'warning', found: 'none is running', advice: 'Start sg-session.' }]
}

async function tryToRead(file: string): Promise<{ file: string; endpoint?: Endpoint; refused: boolean }> {
  try {
    const endpoint = await readEndpointFile(file)
    return { file, ...(endpoint ? { endpoint } : {}), refused: false }
  } catch {
    return { file, refused: true }
  }
}

type Status = Result<'status'>

async function ask(endpoint: Endpoint, signal: AbortSignal): Promise<Status | AgentError> {
  try {
    return await askAgent(endpoint, 'status', {}, signal)
  } catch (error) {
    return asAgentError(error)
  }
}

/** Judges what the agent says of itself. */
export function judgeAgent(
  file: string,
  { agent, sites }: Status,
  expected: {
    readonly version: string
    readonly sites: readonly string[]
    readonly nowMs: number
  },
): Finding {
  const up = duration(Math.max(0, expected.nowMs / 1000 - agent.startedAt))
  const found = `version ${agent.version}, process ${agent.pid}, up ${up}; announced in ${file}`
  const row = { check: 'agent', found } as const
  if (agent.handOver) {
    const said = `${found}; the program on the disk is another one and has not taken over: ${agent.handOver.because}`
    return { ...row, found: said, state: 'warning', advice: 'Quit sg-session and start it again.' }
  }
  if (agent.version !== expected.version) {
    const advice = `This is ${expected.version}. Quit sg-session and start it again; if they stay different, two are installed.`
    return { ...row, state: 'warning', advice }
  }
  const served = new Set(sites.map(({ site }) => site))
  const isSame = served.size === expected.sites.length && expected.sites.every((site) => served.has(site))
  if (!isSame) {
    const advice = `It serves ${[...served].join(', ') || 'no site'}, and the configuration has changed since it started: start it again.`
    return { ...row, state: 'warning', advice }
  }
  return judgeStall(row, agent.lastStall, expected.nowMs)
}

/** A client gives up after five seconds: what took that long somebody has seen. */
const noticedMs = 5_000
const stallIsNewsMs = 24 * 3600_000

function judgeStall(
  row: Pick<Finding, 'check'> & { readonly found: string },
  stall: Status['agent']['lastStall'],
  nowMs: number,
): Finding {
  if (!stall || nowMs - stall.endedAt * 1000 > stallIsNewsMs) return { ...row, state: 'ok' }
  const { lastedMs, because, during } = stall
  const ago = duration(Math.max(0, nowMs / 1000 - stall.endedAt))
  const what = during.length > 0 ? ` during ${during.join(', ')}` : ''
  const found = `${row.found}; stood still for ${(lastedMs / 1000).toFixed(1)} s${what}, ${ago} ago`
  if (lastedMs < noticedMs) return { ...row, found, state: 'ok' }
  const advice =
    because === 'busy'
      ? 'Its own work kept it busy: send its log to whoever looks after sg-session.'
      : 'It was not running: something stopped the process, or the machine had no time or memory for it.'
  return { ...row, found, state: 'warning', advice }
}

function judgeSilence(file: string, { pid }: Endpoint, error: AgentError): Finding {
  const row = { check: 'agent', state: 'failed' } as const
  if (error.code === 'agent_not_running' || error.code === 'not_your_agent') {
    const found = `${file} announces process ${pid}, which does not answer: ${error.message}`
    return { ...row, found, advice: 'It was killed, perhaps. Start sg-session: it replaces the file.' }
  }
  const found = `${file} announces process ${pid}: ${error.message}`
  return { ...row, found, advice: error.advice }
}

/** `45 s`, `3 min`, `2 h 5 min`, `3 d 2 h`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
