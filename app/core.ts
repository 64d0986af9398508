import { Agent, type AgentRules } from '../src/agent.ts'
import type { Config } from '../src/config/config.ts'
import type { TakenOver, TakeOver } from '../src/hand-over/take-over.ts'
import type { Log, Ports, SecretStore } from '../src/ports.ts'
import { sendingBytesThemselves } from '../src/secrets/send-bytes.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../src/socket/claim-endpoint.ts'
import { clearHeapAfterSignOut } from '../src/system/clear-heap.ts'
import { keepOutOfDumps } from '../src/system/keep-out-of-dumps.ts'
import type { Paths } from '../src/system/paths.ts'
import { systemClock } from '../src/system/system-clock.ts'
import { electronFetch } from './system/electron-fetch.ts'
import { installedCommand } from './system/installed-command.ts'
import { openOutside } from './system/open-outside.ts'

export interface CoreRules {
  readonly insecureLoopback: boolean
}

/** How the agent reaches the person at the screen. */
export type Desktop = Pick<AgentRules, 'askConsent' | 'isScreenLocked'>

/** The agent of one configuration, listening and announced. */
export interface Core {
  readonly agent: Agent
  readonly claimed: ClaimedEndpoint
  /** What somebody wanted of the app before, whose place this one took meanwhile. */
  readonly wants: string | undefined
  /** Withdraws the endpoint file, closes the socket, forgets every session; bounded in time. */
  close(): Promise<void>
}

/**
 * Starts the agent behind the tray. `prepare` is called before anybody can connect, to listen from the first moment on.
 * Throws `agent_already_running` when a headless agent, say, is there. With `takeOver` it takes the place of the app before.
 */
export async function openCore(
  config: Config,
  paths: Paths,
  log: Log,
  secretStore: SecretStore,
  rules: CoreRules,
  desktop: Desktop,
  prepare: (agent: Agent) => void,
  takeOver?: TakeOver,
): Promise<Core> {
  keepOutOfDumps(log)
  const fetch = await electronFetch(config.network)
  const ports: Ports = {
    fetch: (url, init) => fetch(url, sendingBytesThemselves(init)),
    clock: systemClock,
    openBrowser: (url) => openOutside(url, rules),
    log,
    secretStore,
  }
  const ownCommand = await installedCommand()
  const agent = new Agent(config, ports, {
    ...rules,
    ...desktop,
    ...(ownCommand === undefined ? {} : { ownCommand }),
    hasCredentialsWindow: true,
    stateFolder: paths.stateFolder,
  })
  const stopClearing = clearHeapAfterSignOut(agent, log)
  prepare(agent)
  const claim = async (): Promise<TakenOver> => {
    const claimed = await claimEndpoint(paths.endpointFiles, () => agent.listen()).catch(async (error: unknown) => {
      await agent.close()
      throw error
    })
    return { claimed, wants: undefined }
  }
  const { claimed, wants } = await (takeOver ? takeOver.run(agent, paths.endpointFiles) : claim())
  return {
    ...{ agent, claimed, wants },
    async close() {
      stopClearing()
      await claimed.release()
      await agent.close()
    },
  }
}
