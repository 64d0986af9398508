import open from 'open'
import type { Config } from '../config/config.ts'
import type { Log, OpenBrowser, Ports } from '../ports.ts'
import { systemClock } from '../system/system-clock.ts'
import { useSystemNetwork } from '../system/system-network.ts'

/** The headless agent's way to the world: plain Node and the desktop's own opener. */
export function systemPorts(network: Config['network'], log: Log): Ports {
  return { fetch: useSystemNetwork(network), clock: systemClock, openBrowser, log }
}

/** An opener that lives this long has found its browser; some stay as long as the browser does. */
const openerLimitMs = 3_000

const openBrowser: OpenBrowser = async (url) => {
  const opener = await open(url.href)
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(resolve, openerLimitMs)
    opener.once('error', reject)
    opener.once('exit', (status) => {
      clearTimeout(limit)
      if (status) reject(new Error(`the browser opener ended with status ${status}`))
      else resolve()
    })
  })
}
