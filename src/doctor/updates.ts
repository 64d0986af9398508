import { type Feed, type FeedFinding, feedOf, lookAtFeed, metadataName } from '../update/look-at-feed.ts'
import { readUpdateRecord, type UpdateRecord } from '../update/update-record.ts'
import { version } from '../version.ts'
import type { Finding } from './finding.ts'
import type { Check } from './world.ts'

const fileEnds: Partial<Record<NodeJS.Platform, string>> = { win32: '.exe', darwin: '.zip' }

/** Whether newer versions come by themselves, and if so, whether their feed is to be believed; nothing is downloaded. */
export const checkUpdates: Check = async ({ setup, system, paths, clock, wayOut }, signal) => {
  const feed = feedOf(setup.effective.config.update)
  if (!feed) return [{ check: 'updates', state: 'skipped', found: 'off: newer versions come from IT' }]
  const record = await readUpdateRecord(paths.stateFolder)
  const { platform } = system
  const address = new URL(metadataName(feed.channel, platform, process.arch), feed.url).href
  const { newest } = record ?? {}
  const finding = await lookAtFeed(
    wayOut.fetch,
    feed,
    {
      platform,
      machine: { fileEnd: fileEnds[platform] ?? '.AppImage', arch: process.arch, bucket: record?.bucket ?? 0 },
      runningVersion: version,
      nowMs: clock.now(),
      newestIssuedAt: newest?.address === address ? newest.issuedAt : undefined,
    },
    signal,
  )
  return [{ check: 'updates', about: feed.url.href, ...judgeUpdates(feed, finding, record?.lastLook) }]
}

/** Judges what the feed says now, and what the app made of it last. Pure. */
export function judgeUpdates(
  { channel }: Pick<Feed, 'channel'>,
  finding: FeedFinding,
  lastLook: UpdateRecord['lastLook'],
): Pick<Finding, 'state' | 'found' | 'advice'> {
  if (finding.kind === 'unreachable') {
    const advice =
      'Nothing else depends on it. See that this machine may reach the feed, and that the metadata is there.'
    return { state: 'warning', found: `could not be asked: ${finding.detail}`, advice }
  }
  if (finding.kind === 'refused') {
    const advice =
      'Nothing of it is installed. Whoever runs the feed has to sign it, with the key whose public half is "update.publicKey", and again before it expires.'
    return { state: 'failed', found: `is refused: ${finding.because}: ${finding.detail}`, advice }
  }
  const offered = finding.kind === 'update' ? finding.release.version : finding.version
  const turn = finding.kind === 'none' && finding.because === 'staged' ? ', not for this machine yet' : ''
  const said = `${channel}: ${offered}${turn}, signed, until ${isoDay(finding.terms.expiresAt)}`
  const last =
    lastLook === undefined ? 'the app has not looked yet' : `last looked at ${new Date(lastLook.at).toISOString()}`
  if (lastLook?.kind === 'failed' || lastLook?.kind === 'refused') {
    const advice = 'The version that runs stays. The log has more; it is tried again at most once a day.'
    return { state: 'warning', found: `${said}; ${last}: ${lastLook.detail}`, advice }
  }
  return { state: 'ok', found: `${said}; ${last}` }
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
