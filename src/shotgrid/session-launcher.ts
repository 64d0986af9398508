import { z } from 'zod'
import type { Fetch } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { wasNeverSent } from '../transport-failure.ts'
import { SiteTrouble, translateSiteTrouble } from './faults.ts'
import { askSite, askSiteOnce, type SiteAnswer } from './http.ts'

/** A request of ours that waits at the site for the person's answer. */
export interface Launch {
  readonly id: string
  /** Where the person answers it. */
  readonly url: URL
}

/** What one question how a launch stands came to. */
export type LaunchState =
  | { readonly is: 'waiting' }
  /** The token is handed out once: afterwards the site knows nothing of the launch. */
  | { readonly is: 'approved'; readonly sessionToken: Secret }
  /** Declined, forgotten for its age, or its token was handed out: the site does not say which. */
  | { readonly is: 'gone' }
  /** The site refuses to talk about it; `said` is its own sentence. */
  | { readonly is: 'refused'; readonly status: number; readonly said: string }
  /**
   * No answer to go by: worth asking again. `mayHaveArrived`: the site may have answered all the same, with the token. `error`
   * is an AgentError `site_unreachable`.
   */
  | { readonly is: 'unknown'; readonly error: unknown; readonly mayHaveArrived: boolean }

/** The site has the App Session Launcher switched off, or has none. */
export class LauncherOff extends Error {
  override readonly name = 'LauncherOff'
}

const createdBody = z.object({ sessionRequestId: z.string().regex(/^[\w-]{1,200}$/), url: z.url().max(2_000) })
const polledBody = z.union([
  z.object({ approved: z.literal(true), sessionToken: z.string().min(1), userLogin: z.string() }),
  z.object({ approved: z.literal(false) }),
])
const messageBody = z.object({ message: z.string().max(300) })

const path = '/internal_api/app_session_request'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const doing = 'signing in through the browser'

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
  try {
    const answer = await askSite(fetch, { method: 'POST', url: `${site}${path}`, headers: form, body, signal })
    // 403: switched off; 404: a site from before there was one. A web page with either status is somebody in between.
    if (answer.status === 403 || answer.status === 404) throw new LauncherOff(sayingOf(answer))
    if (answer.status !== 200) throw new SiteTrouble(sayingOf(answer), answer.status)
    const created = createdBody.safeParse(answer.body)
    if (!created.success) throw unknownForm(answer)
    const url = new URL(created.data.url)
    // The address goes to the system's opener, which would do more than browse.
    if (url.origin !== site) throw new SiteTrouble(`answered with an address on "${url.origin}"`, answer.status)
    if (url.username || url.password) throw new SiteTrouble('answered with a user name in an address', answer.status)
    return { id: created.data.sessionRequestId, url }
  } catch (error) {
    if (error instanceof LauncherOff) throw error
    throw translateSiteTrouble(error, site, doing)
  }
}

/**
 * Asks once how it stands; to be asked from one place only, one question at a time. Trouble on the way is a state like any
 * other; throws nothing but the reason of `signal`.
 */
export async function pollLaunch(fetch: Fetch, site: string, id: string, signal: AbortSignal): Promise<LaunchState> {
  try {
    const request = {
      method: 'PUT',
      url: `${site}${path}/${id}`,
      headers: form,
      body: '',
      signal,
      secretAt: ['sessionToken'],
    } as const
    return judgePoll(await askSiteOnce(fetch, request))
  } catch (thrown) {
    // Also where the answer came in that very moment: what it brought is thrown away.
    signal.throwIfAborted()
    return {
      is: 'unknown',
      error: translateSiteTrouble(thrown, site, doing),
      mayHaveArrived: !wasNeverSent(thrown),
    }
  }
}

function judgePoll(answer: SiteAnswer): LaunchState {
  if (answer.status === 404) return { is: 'gone' }
  if (answer.status !== 200) return { is: 'refused', status: answer.status, said: sayingOf(answer) }
  const polled = polledBody.safeParse(answer.body)
  if (!polled.success) throw unknownForm(answer)
  if (!polled.data.approved) return { is: 'waiting' }
  if (!answer.secret) throw unknownForm(answer)
  return { is: 'approved', sessionToken: answer.secret }
}

function sayingOf({ status, body }: SiteAnswer): string {
  const said = messageBody.safeParse(body)
  return said.success ? `answered ${status}: ${said.data.message}` : `answered ${status}`
}

function unknownForm({ status }: SiteAnswer): SiteTrouble {
  return new SiteTrouble(`answered ${status} in an unknown form`, status)
}
