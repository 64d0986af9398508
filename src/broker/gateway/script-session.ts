import { z } from 'zod'
import { AgentError } from '../../errors.ts'
import { Secret } from '../../secrets/secret.ts'
import { SiteFault } from '../../shotgrid/faults.ts'
import { SingleFlight } from '../../waiting/single-flight.ts'
import type { ScriptedSite } from '../scripted-site.ts'

const sessionSchema = z.object({ session_id: z.string().min(1) })
const siteLimitMs = 30_000

/** The script's own session at each site, for the one thing that takes nothing else: fetching files. It never leaves. */
export class ScriptSessions {
  readonly #sites = new Map<string, { readonly flight: SingleFlight<Secret>; token?: Secret }>()

  /** `refused`: the one the site did not take. Throws `temporarily_unavailable`, `site_unreachable`. */
  async get(site: ScriptedSite, refused?: Secret): Promise<Secret> {
    const entry = this.#sites.get(site.url) ?? { flight: new SingleFlight<Secret>() }
    this.#sites.set(site.url, entry)
    if (entry.token && entry.token !== refused) return entry.token
    entry.token = await entry.flight.run(() => makeSession(site))
    return entry.token
  }
}

async function makeSession(site: ScriptedSite): Promise<Secret> {
  const signal = AbortSignal.timeout(siteLimitMs)
  try {
    const made = sessionSchema.safeParse(await site.callRpc({ method: 'get_session_token', signal }))
    if (made.success) return new Secret(made.data.session_id)
  } catch (cause) {
    if (!(cause instanceof SiteFault)) throw cause
    const said = `"${site.url}" does not let the broker fetch files: ${cause.message}`
    throw new AgentError('temporarily_unavailable', said, { cause })
  }
  throw new AgentError('site_unreachable', `"${site.url}" answered get_session_token in an unknown form`)
}
