import type { Agent } from './agent.ts'
import { type Config, findSite, knownSite } from './config/config.ts'
import type { Desk } from './socket/methods.ts'
import type { ToolsDesk } from './socket/tools-desk.ts'
import type { StallWatch } from './system/stall-watch.ts'

export interface DeskParts {
  readonly config: Config
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number
  readonly stalls: Pick<StallWatch, 'last'>
  readonly tools: ToolsDesk
}

/** What of the agent the socket sees, and its methods are made of. */
export function deskOf(agent: Agent, { config, startedAt, stalls, tools }: DeskParts): Desk {
  return {
    startedAt,
    session: ({ site, minValidityMs, interactive }) => agent.session(site, minValidityMs, interactive),
    restToken: (site) => agent.restToken(site),
    autodeskToken: (site, minValidityMs) => agent.autodeskToken(site, minValidityMs),
    reportRejected: (site, generation) => agent.reportRejected(site, generation),
    signIn: ({ site, ...options }) => agent.signIn(site, options),
    wayIn: async (wanted) => ({ site: findSite(config, wanted).url, ...(await agent.wayIn(wanted)) }),
    submitCredentials: (site, credentials) => agent.submitCredentials(site, credentials),
    pasteRedirect: async (site, address) => agent.pasteRedirect(site, address),
    cancelSignIn: (site) => agent.cancelSignIn(site),
    signOut: (site) => agent.signOut(site),
    status: () => agent.status(),
    tools,
    siteMeant: (wanted) => findSite(config, wanted).url,
    siteNamed: (wanted) => knownSite(config, wanted),
    lastStall: () => stalls.last,
    auditProblem: () => agent.audit.problem,
    handOverProblem: () => agent.handOverProblem,
  }
}
