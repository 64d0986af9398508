import { examine, type Report } from '../src/doctor/examine.ts'
import { readSetupInTime } from '../src/doctor/setup.ts'
import type { World } from '../src/doctor/world.ts'
import { AgentError } from '../src/errors.ts'
import { thisSystem } from '../src/system/paths.ts'
import { systemClock } from '../src/system/system-clock.ts'
import type { ShellOptions } from './shell.ts'
import type { Situation } from './situation.ts'
import { electronFetch, electronProxyFor } from './system/electron-fetch.ts'

/** The doctor's report as of this app: with Chromium's way out and the keychain the app has met. Ends within fifteen seconds. */
export async function examineHere(
  { paths, rules }: Pick<ShellOptions, 'paths' | 'rules'>,
  { problems }: Pick<Situation, 'problems'>,
  runtime: string,
): Promise<Report> {
  const setup = await readSetupInTime(paths, rules)
  const { network } = setup.effective.config
  const store = problems.find(({ code }) => code === 'secret_store_unavailable')
  const world: World = {
    program: {
      kind: 'tray-app',
      runtime,
      keychainProblem: store && new AgentError('secret_store_unavailable', store.detail),
    },
    system: thisSystem(),
    paths,
    rules,
    setup,
    clock: systemClock,
    // Its own way out: what the files say now is not what the agent was started with, and looking changes nothing.
    wayOut: {
      fetch: await electronFetch(network, 'doctor'),
      proxyFor: (url) => electronProxyFor(url, 'doctor'),
    },
  }
  return examine(world)
}
