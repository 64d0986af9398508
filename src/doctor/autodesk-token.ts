import { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'
import { probeAutodeskToken } from '../shotgrid/autodesk-token.ts'
import { type Endpoint, readEndpointFile } from '../socket/endpoint-file.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { askAgent } from './ask-agent.ts'
import type { Finding } from './finding.ts'
import type { World } from './world.ts'

/** So long each of two: the agent's answer, and the site's. The other rows of a site do not wait longer for this one. */
const limitMs = 3_000
/** One with less left might end on the way to the site. */
const minValidityS = 30

const verdicts = {
  accepted: { state: 'ok', found: 'accepted: the site takes the Autodesk access token of this sign-in' },
  refused: { state: 'skipped', found: 'refused: the site does not take the Autodesk access token of this sign-in' },
  untold: { state: 'skipped', found: 'does not tell whether it takes the Autodesk access token of this sign-in' },
} as const satisfies Record<string, Pick<Finding, 'state' | 'found'>>

/**
 * Whether a site takes the Autodesk access token of whoever is signed in to it. It is asked only with a token that the agent may
 * hand out, and only the site that the sign-in is for gets to see it. Never throws, resolves at the latest with `signal`.
 */
export async function checkAutodeskToken(
  { paths, setup, wayOut }: Pick<World, 'paths' | 'setup' | 'wayOut'>,
  { site, authentication }: { readonly site: string; readonly authentication: string },
  signal: AbortSignal,
): Promise<Finding> {
  const row = { check: 'autodesk-token', about: site } as const
  if (authentication !== 'oxygen') {
    const found = 'not asked: the site does not sign people in through Autodesk Identity'
    return { ...row, state: 'skipped', found }
  }
  const isServed = setup.effective.config.identity.serveAccessToken
  const token = isServed ? await inTime(signal, (limited) => tokenOf(paths.endpointFiles, site, limited)) : undefined
  if (!token) {
    const found = 'not asked: whether the site takes an Autodesk access token needs a sign-in'
    return { ...row, state: 'skipped', found }
  }
  const verdict = await inTime(signal, (limited) => probeAutodeskToken(wayOut.fetch, site, token, limited))
  return { ...row, ...verdicts[verdict ?? 'untold'] }
}

/** Undefined when it takes longer. */
async function inTime<T>(signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const limited = anySignal([signal, AbortSignal.timeout(limitMs)])
  return untilAborted(ask(limited), limited).catch((error: unknown) => {
    if (limited.aborted) return undefined
    throw error
  })
}

/** Of the agent that answers; undefined where none does, nobody is signed in, or it has none to hand out. */
async function tokenOf(files: readonly string[], site: string, signal: AbortSignal): Promise<Secret | undefined> {
  for (const file of files) {
    try {
      const endpoint = await readEndpointFile(file)
      // Asked for what it has not, the tray app would ask the artist to sign in.
      if (!endpoint || !(await isSignedIn(endpoint, site, signal))) continue
      const { accessToken } = await askAgent(endpoint, 'autodesk/get', { site, minValidityS }, signal)
      return new Secret(accessToken)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
    }
  }
  return undefined
}

async function isSignedIn(endpoint: Endpoint, site: string, signal: AbortSignal): Promise<boolean> {
  const { sites } = await askAgent(endpoint, 'status', {}, signal)
  return sites.some((one) => one.site === site && one.state === 'signed_in')
}
