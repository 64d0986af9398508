import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import { Secret } from '../secret.ts'
import { SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite, type SiteAnswer } from './http.ts'

/** A request of ours that waits at the site for the person's answer. */
export interface Launch {
  readonly id: string
  /** Where the person answers it. */
  readonly url: URL
}

/** How a launch stands. The token is handed out once: afterwards, and when refused or forgotten, the site knows nothing of it. */
export type LaunchState =
  | { readonly is: 'waiting' }
  | { readonly is: 'approved'; readonly sessionToken: Secret }
  | { readonly is: 'gone' }

/** The site has the App Session Launcher switched off. */
export class LauncherOff extends Error {
  override readonly name = 'LauncherOff'
}

const createdBody = z.object({ sessionRequestId: z.string().regex(/^[\w-]{1,200}$/), url: z.url() })
const polledBody = z.union([
  z.object({ approved: z.literal(true), sessionToken: z.string().min(1), userLogin: z.string() }),
  z.object({ approved: z.literal(false) }),
])

const path = '/internal_api/app_session_request'
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/**
 * The App Session Launcher: a program asks the site for a session, and the person who is signed in there in a browser says
 * yes. `appName` and `machineId` are what they see. facts: shotgrid §3. Throws LauncherOff, else `site_unreachable`.
 */
export async function requestLaunch(
  fetch: Fetch,
  site: string,
  label: { readonly appName: string; readonly machineId: string },
  signal: AbortSignal,
): Promise<Launch> {
  const body = new URLSearchParams(label).toString()
  return talking(site, async () => {
    const answer = await askSite(fetch, { method: 'POST', url: `${site}${path}`, headers: form, body, signal })
    if (answer.status === 403) throw new LauncherOff('the site answered 403')
    const created = createdBody.safeParse(answer.body)
    if (answer.status !== 200 || !created.success) throw unknownForm(answer)
    const url = new URL(created.data.url)
    // The address goes to the system's opener, which would do more than browse.
    if (url.origin !== site) throw new SiteTrouble(`answered with an address on "${url.origin}"`, answer.status)
    return { id: created.data.sessionRequestId, url }
  })
}

/** Asks how it stands; to be asked from one place only. Throws `site_unreachable`. */
export async function pollLaunch(fetch: Fetch, site: string, id: string, signal: AbortSignal): Promise<LaunchState> {
  return talking(site, async () => {
    const answer = await askSite(fetch, { method: 'PUT', url: `${site}${path}/${id}`, headers: form, body: '', signal })
    if (answer.status === 404) return { is: 'gone' }
    const polled = polledBody.safeParse(answer.body)
    if (answer.status !== 200 || !polled.success) throw unknownForm(answer)
    if (!polled.data.approved) return { is: 'waiting' }
    return { is: 'approved', sessionToken: new Secret(polled.data.sessionToken) }
  })
}

async function talking<T>(site: string, talk: () => Promise<T>): Promise<T> {
  try {
    return await talk()
  } catch (error) {
    if (error instanceof LauncherOff) throw error
    throw translateSiteTrouble(error, site, 'signing in through the browser')
  }
}

function unknownForm({ status }: SiteAnswer): SiteTrouble {
  return new SiteTrouble(`answered ${status} in an unknown form`, status)
}
