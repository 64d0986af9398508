import type { AgentClient } from '../client/node/agent-client.ts'
import { AgentError } from '../errors.ts'
import type { WireSiteStatus } from '../socket/messages.ts'
import { describeStatus, type Output } from './output.ts'
import { demandTerminal, named, type SignInOptions, SignInWait, type SiteOption } from './sign-in-wait.ts'

export interface GetOptions extends SiteOption {
  readonly interactive: boolean
  readonly minValidity: number
}

/** Nobody is signed in, or the question whether this command may have the session is on the screen. */
const waitsForPeople = new Set(['login_required', 'interaction_required'])

/** Prints the session token: the one command that prints a secret, because that is what it is asked for. */
export async function getCommand(client: AgentClient, output: Output, options: GetOptions): Promise<void> {
  const request = { ...named(options), minValidityS: options.minValidity }
  const session = await client.getSession(request).catch(async (error: unknown) => {
    if (!options.interactive || !(error instanceof AgentError) || !waitsForPeople.has(error.code)) throw error
    // What opens by itself needs no terminal; a login and passphrase have to be asked for here.
    const way = error.code === 'login_required' ? (await client.wayIn(options.site)).way : undefined
    if (way === 'legacy') await signInAt(client, output, { ...options, browser: true, switchUser: false })
    return client.getSession({ ...request, interactive: true })
  })
  output.result(session, session.sessionToken)
}

export async function statusCommand(client: AgentClient, output: Output): Promise<void> {
  const status = await client.status()
  const sites = status.sites.map((site) => describeStatus(site, Date.now()))
  const audit = status.audit ? [`${status.audit.problem}\n  ${status.audit.advice}`] : []
  output.result(status, [...sites, ...audit].join('\n'))
}

/** Signs in the way the site is signed in to, and says which way that is and why. Ctrl-C cancels, not only the waiting. */
export async function signInCommand(client: AgentClient, output: Output, options: SignInOptions): Promise<void> {
  const status = await signInAt(client, output, options)
  output.result(status, describeStatus(status, Date.now()))
}

/** What the ways in are called in a sentence; what a newer agent has besides goes by its name. */
const spoken: Readonly<Record<string, string>> = {
  broker: 'in your browser, through the studio’s broker',
  web: 'in your browser, at the site itself',
  legacy: 'with login and passphrase',
  'identity-direct': 'in your browser, at Autodesk',
}

async function signInAt(client: AgentClient, output: Output, options: SignInOptions): Promise<WireSiteStatus> {
  const { site, way, because } = await client.wayIn(options.site)
  output.remark(`Signing in to ${site} ${spoken[way] ?? `by "${way}"`}: ${because}.`)
  if (way === 'legacy') demandTerminal(site)
  else if (options.login !== undefined) output.remark('--login is for sites that ask for one; this one does not.')
  const waiting = new SignInWait(client, output, options)
  try {
    const request = { ...named(options), openBrowser: options.browser, switchUser: options.switchUser }
    return await waiting.until(client.signIn(request, waiting))
  } finally {
    waiting.stop()
  }
}

export async function signOutCommand(client: AgentClient, output: Output, options: SiteOption): Promise<void> {
  const status = await client.signOut(options.site)
  output.result(status, describeStatus(status, Date.now()))
}

/** Prints each change as it happens, until Ctrl-C. */
export async function watchCommand(client: AgentClient, output: Output): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  await client.watch((status) => {
    if (status) output.result(status, describeStatus(status, Date.now()))
    else output.result({ agent: 'agent_not_running' }, 'sg-session is not running; waiting for it')
  }, stop.signal)
}
