import { Agent, type AgentRules } from '../../src/agent.ts'
import { type Config, mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import type { OpenBrowser, Ports } from '../../src/ports.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { nodeFetch, rules, silentLog } from './world.ts'

type SignIn = NonNullable<PartialConfig['sites']>[number]['signIn']

/** A site without a broker, and agents that sign in to it. Close it when done. */
export interface SiteStage {
  readonly site: Site
  /** `tools`: what IT says about programs; every program of this user when not said. */
  config(signIn?: SignIn, session?: PartialConfig['session'], tools?: PartialConfig['tools']): Config
  /** An agent that is not listening yet; closed with the stage. `person`: who answers the site's question in the browser. */
  agent(
    person: string,
    signIn?: SignIn,
    ports?: Partial<Ports>,
    session?: PartialConfig['session'],
    more?: Partial<AgentRules>,
    tools?: PartialConfig['tools'],
  ): Agent
  /** Somebody who is signed in to the site in a browser, and says yes or no to what wants a session. */
  answers(decision: 'approve' | 'deny', person: string): OpenBrowser
  close(): Promise<void>
}

export async function startSiteStage(
  switches: Partial<SiteSwitches> = {},
  identity: PartialConfig['identity'] = {},
): Promise<SiteStage> {
  const site = await startSite({ switches })
  const config = (
    signIn: SignIn = 'auto',
    session: PartialConfig['session'] = {},
    tools: PartialConfig['tools'] = { consent: 'allow-all' },
  ): Config => {
    const content: PartialConfig = { sites: [{ url: site.url, signIn }], identity, session, tools }
    return mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules).config
  }
  const answers = (decision: 'approve' | 'deny', person: string): OpenBrowser => {
    return async (url) => {
      const id = /^\/app_session_request\/(\w+)$/.exec(url.pathname)?.[1]
      const body = JSON.stringify(decision === 'approve' ? { decision, person } : { decision })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${site.url}/sandbox/launches/${id}`, { method: 'POST', headers, body })
      if (!answer.ok) throw new Error(`the site answered ${answer.status}: ${await answer.text()}`)
    }
  }
  const agents: Agent[] = []
  return {
    site,
    config,
    agent(person, signIn, ports = {}, session = {}, more = {}, tools = undefined) {
      const openBrowser = answers('approve', person)
      const all: Ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser, ...ports }
      const agent = new Agent(config(signIn, session, tools), all, { ...rules, ...more })
      agents.push(agent)
      return agent
    },
    answers,
    async close() {
      await Promise.all(agents.map((agent) => agent.close()))
      await site.close()
    },
  }
}
