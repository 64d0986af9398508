import { Agent } from '../../src/agent.ts'
import { mergeConfig } from '../../src/config/config.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { rules, silentLog } from './world.ts'

/** An agent of one site to which nobody is signed in, and without a network: for tests of the socket alone. */
export function signedOutAgent(tools: { readonly consent?: 'allow-all' } = {}): Agent {
  const content = {
    sites: [{ url: 'https://studio.example', broker: 'https://broker.example' }],
    identity: { clientId: 'x' },
    tools,
  }
  const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
  const fetch = () => new Promise<Response>(() => undefined)
  return new Agent(config, { fetch, clock: systemClock, log: silentLog, openBrowser: async () => undefined }, rules)
}
