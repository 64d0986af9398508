import type { Config } from '../config/config.ts'
import type { Fetch } from '../ports.ts'
import { GatheredBytes } from '../secrets/gathered-bytes.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { untilAborted } from '../waiting/until-aborted.ts'
import { type FeedVerdict, judgeFeed, type Machine } from './feed-metadata.ts'

/** `unreachable`: nothing was read, which may be nobody's fault; `too_large` and the verdict's refusals are the feed's. */
export type FeedFinding =
  | FeedVerdict
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'refused'; readonly because: 'too_large'; readonly detail: string }

/** Both halves of what is configured. */
export interface Feed {
  readonly url: URL
  readonly publicKey: string
  readonly channel: Config['update']['channel']
}

export interface Looker {
  readonly platform: NodeJS.Platform
  readonly machine: Machine
  readonly runningVersion: string
  readonly nowMs: number
  readonly newestIssuedAt: number | undefined
}

const mostMetadataBytes = 64 * 1024
const mostSignatureBytes = 1024
const answerLimitMs = 20_000

/** The configured feed; undefined where updates are off. */
export function feedOf({ enabled, feedUrl, publicKey, channel }: Config['update']): Feed | undefined {
  if (!enabled || feedUrl === undefined || publicKey === undefined) return undefined
  return { url: new URL(feedUrl), publicKey, channel }
}

/** Its name as electron-builder gives it: `latest.yml` on Windows, `latest-mac.yml`, `latest-linux.yml`, `latest-linux-arm64.yml`. */
export function metadataName(channel: string, platform: NodeJS.Platform, arch: string): string {
  if (platform === 'win32') return `${channel}.yml`
  if (platform === 'darwin') return `${channel}-mac.yml`
  return `${channel}-linux${arch === 'x64' ? '' : `-${arch}`}.yml`
}

/** Reads metadata and signature, and judges them. Ends within twenty seconds; never throws. */
export async function lookAtFeed(fetch: Fetch, feed: Feed, looker: Looker, signal?: AbortSignal): Promise<FeedFinding> {
  const fileName = metadataName(feed.channel, looker.platform, looker.machine.arch)
  const stop = AbortSignal.timeout(answerLimitMs)
  const limit = signal === undefined ? stop : anySignal([signal, stop])
  try {
    const metadata = await untilAborted(read(fetch, new URL(fileName, feed.url), mostMetadataBytes, limit), limit)
    if (metadata === undefined) return { kind: 'unreachable', detail: `there is no "${fileName}"` }
    const signatures = await untilAborted(
      read(fetch, new URL(`${fileName}.sig`, feed.url), mostSignatureBytes, limit),
      limit,
    )
    return judgeFeed(metadata, signatures?.toString('latin1'), {
      ...looker,
      fileName,
      publicKey: feed.publicKey,
      feedUrl: feed.url,
      takesPreReleases: feed.channel === 'beta',
    })
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'refused', because: 'too_large', detail: error.message }
    const why = limit.aborted ? 'it did not answer in time' : error instanceof Error ? error.message : 'unknown error'
    return { kind: 'unreachable', detail: why }
  }
}

class TooLarge extends Error {}

/** Undefined where there is no such file. Throws what `fetch` throws, for any other status, and for more than `mostBytes`. */
async function read(fetch: Fetch, url: URL, mostBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
  const response = await fetch(url.href, { redirect: 'manual', signal })
  if (response.status !== 200) {
    await response.body?.cancel().catch(() => undefined)
    if (response.status === 404) return undefined
    throw new Error(`it answered ${response.status}`)
  }
  const gathered = new GatheredBytes()
  const reader = response.body?.getReader()
  while (reader) {
    const { done, value } = await reader.read()
    if (done) break
    if (gathered.length + value.length > mostBytes) {
      await reader.cancel().catch(() => undefined)
      throw new TooLarge(`"${url.pathname}" is longer than ${mostBytes} bytes`)
    }
    gathered.add(value)
  }
  return gathered.take()
}
