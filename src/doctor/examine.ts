import { asAgentError } from '../errors.ts'
import { version } from '../version.ts'
import { checkAgent, checkEndpointFiles } from './agent.ts'
import { checkAudit } from './audit.ts'
import { checkBrowser } from './browser.ts'
import { checkClock } from './clock.ts'
import { type CheckName, type Finding, presentable } from './finding.ts'
import { checkBrokers, checkIdentity } from './identity.ts'
import { checkKeychain } from './keychain.ts'
import { checkAuthorities, checkProxies } from './network.ts'
import { checkPythons } from './pythons.ts'
import { checkRedirectPorts } from './redirect-ports.ts'
import { checkConfiguration } from './setup.ts'
import { checkSites } from './sites.ts'
import { checkUpdates } from './updates.ts'
import { checkVersions } from './versions.ts'
import type { Check, World } from './world.ts'

/** Everything that is looked at, in the order of the report; a name for each, should it fail as a whole. */
const checks: readonly (readonly [CheckName, Check])[] = [
  ['versions', checkVersions],
  ['agent', checkAgent],
  ['endpoint-file', checkEndpointFiles],
  ['audit', checkAudit],
  ['policy', checkConfiguration],
  ['keychain', checkKeychain],
  ['browser', checkBrowser],
  ['redirect-port', checkRedirectPorts],
  ['clock', checkClock],
  ['proxy', checkProxies],
  ['certificate-authorities', checkAuthorities],
  ['identity', checkIdentity],
  ['broker', checkBrokers],
  ['site', checkSites],
  ['python', checkPythons],
  ['updates', checkUpdates],
]

export interface Report {
  readonly version: string
  /** Nothing failed; there may be warnings. */
  readonly ok: boolean
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly findings: readonly Finding[]
}

export interface ExamineOptions {
  readonly checks?: typeof checks
  /** Hears, after each check, which ones are still under way. */
  readonly onProgress?: (underWay: readonly CheckName[]) => void
  /** When whatever waits is told to stop, and when nobody waits for it any more. */
  readonly limitMs?: number
  readonly hardLimitMs?: number
}

/**
 * Makes all checks at the same time, each by itself: one that throws or never ends is a row that says so. Resolves within
 * ten seconds and never throws.
 */
export async function examine(world: World, options: ExamineOptions = {}): Promise<Report> {
  const { checks: wanted = checks, onProgress, limitMs = 8_500, hardLimitMs = 9_500 } = options
  const underWay = new Set(wanted.map(([name]) => name))
  const tell = (): void => onProgress?.([...underWay])
  const at = world.clock.now()
  tell()
  const rows = wanted.map(async ([name, check]): Promise<Finding[]> => {
    const found = await examineOne(name, check, world, { limitMs, hardLimitMs })
    underWay.delete(name)
    tell()
    return found
  })
  const findings = (await Promise.all(rows)).flat().map(presentable)
  return { version, ok: !findings.some(({ state }) => state === 'failed'), at, findings }
}

async function examineOne(
  name: CheckName,
  check: Check,
  world: World,
  { limitMs, hardLimitMs }: { readonly limitMs: number; readonly hardLimitMs: number },
): Promise<Finding[]> {
  const stop = new AbortController()
  const late = new DOMException('the check took too long', 'TimeoutError')
  const soft = setTimeout(() => stop.abort(late), limitMs)
  let hard: NodeJS.Timeout | undefined
  const never = new Promise<never>((_resolve, reject) => {
    hard = setTimeout(() => reject(late), hardLimitMs)
  })
  try {
    return await Promise.race([Promise.resolve().then(() => check(world, stop.signal)), never])
  } catch (error) {
    if (error === late) {
      const found = `did not end within ${hardLimitMs / 1000} s`
      return [
        {
          check: name,
          state: 'failed',
          found,
          advice: 'Something it asked hangs: the disk, the desktop or the network.',
        },
      ]
    }
    const { code, message, advice } = asAgentError(error)
    const what = code === 'internal_error' && error instanceof Error ? describeForeign(error) : message
    return [{ check: name, state: 'failed', found: `could not be looked at: ${what}`, advice }]
  } finally {
    clearTimeout(soft)
    clearTimeout(hard)
    // Whatever of it is still waiting need not.
    stop.abort(late)
  }
}

/** Its kind only: the message of a foreign error may quote anything. */
function describeForeign(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
