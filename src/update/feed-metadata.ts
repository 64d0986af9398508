import { z } from 'zod'
import { isSignedBy } from './feed-signature.ts'
import { compareVersions, parseVersion } from './release-version.ts'

/** A newer version, and the one file of it that is for this machine. */
export interface Release {
  readonly version: string
  readonly url: URL
  /** Base64 of the 64 bytes. */
  readonly sha512: string
  /** Bytes. */
  readonly size: number
}

/** What is wrong with a feed. Each keeps everything as it is. */
export type FeedRefusal =
  | 'unsigned'
  | 'wrong_signature'
  | 'malformed'
  | 'other_metadata'
  | 'not_yet_valid'
  | 'expired'
  | 'replayed'
  | 'pre_release'
  | 'foreign_address'
  | 'no_file'

export type FeedVerdict =
  | { readonly kind: 'update'; readonly release: Release; readonly terms: Terms }
  /** `staged`: this machine's turn has not come yet. */
  | {
      readonly kind: 'none'
      readonly because: 'same' | 'older' | 'staged'
      readonly version: string
      readonly terms: Terms
    }
  | { readonly kind: 'refused'; readonly because: FeedRefusal; readonly detail: string }

/** Between when the metadata counts, ms since the epoch. */
export interface Terms {
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface FeedExpectations {
  readonly publicKey: string
  readonly feedUrl: URL
  /** `latest-linux.yml`: whose content it must say it is, so that one of a feed's files cannot stand for another. */
  readonly fileName: string
  readonly takesPreReleases: boolean
  readonly runningVersion: string
  readonly machine: Machine
  readonly nowMs: number
  /** When the newest metadata that this machine has taken from here was issued. */
  readonly newestIssuedAt: number | undefined
}

export interface Machine {
  /** What this system's updates end with: `.AppImage`, `.exe`, `.zip`. */
  readonly fileEnd: string
  /** As Node names it: `x64`, `arm64`. */
  readonly arch: string
  /** 0 to 99: a release for 30 % of the machines is for those below 30. */
  readonly bucket: number
}

/** How far a machine's clock may be behind the one that signed. */
const clockToleranceMs = 24 * 3600_000
const mostBytesOfFile = 1024 * 1024 * 1024

const moment = z.iso.datetime().transform((text) => Date.parse(text))
const schema = z.object({
  metadataOf: z.string(),
  version: z.string(),
  issued: moment,
  expires: moment,
  stagingPercentage: z.number().int().min(0).max(100).default(100),
  files: z
    .array(
      z.object({
        url: z.string().min(1).max(2_048),
        sha512: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
        size: z.number().int().positive().max(mostBytesOfFile),
      }),
    )
    .min(1)
    .max(50),
})

/**
 * Judges what a feed says, its signature first: not a byte is parsed before the key's owner is known to have written it. `signatures` is
 * undefined where the feed has none. Pure.
 */
export function judgeFeed(bytes: Uint8Array, signatures: string | undefined, expected: FeedExpectations): FeedVerdict {
  if (signatures === undefined) return refused('unsigned', `there is no "${expected.fileName}.sig"`)
  if (!isSignedBy(expected.publicKey, bytes, signatures))
    return refused('wrong_signature', 'no signature is the configured key’s over these bytes')
  const parsed = schema.safeParse(jsonOf(bytes))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return refused('malformed', `"${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`)
  }
  const { metadataOf, version: text, issued: issuedAt, expires: expiresAt, stagingPercentage, files } = parsed.data
  const { fileName, nowMs, newestIssuedAt, runningVersion, machine } = expected
  if (metadataOf !== fileName) return refused('other_metadata', `it is "${metadataOf}", not "${fileName}"`)
  if (issuedAt > nowMs + clockToleranceMs) return refused('not_yet_valid', `it is of ${dayOf(issuedAt)}`)
  if (expiresAt <= nowMs) return refused('expired', `it counted until ${dayOf(expiresAt)}`)
  if (newestIssuedAt !== undefined && issuedAt < newestIssuedAt)
    return refused('replayed', `it is of ${dayOf(issuedAt)}; there was one of ${dayOf(newestIssuedAt)}`)
  const [version, running] = [parseVersion(text), parseVersion(runningVersion)]
  if (!version || !running) return refused('malformed', `"${version ? runningVersion : text}" is no version`)
  const terms = { issuedAt, expiresAt }
  const order = compareVersions(version, running)
  if (order <= 0) return { kind: 'none', because: order === 0 ? 'same' : 'older', version: text, terms }
  if (version.preRelease.length > 0 && !expected.takesPreReleases) return refused('pre_release', `"${text}"`)
  const file = fileFor(machine, files)
  if (!file) return refused('no_file', `none of them ends with "${machine.fileEnd}" and is for ${machine.arch}`)
  const url = addressOf(file.url, expected.feedUrl)
  if (!url) return refused('foreign_address', `"${file.url}" is not the feed's`)
  if (machine.bucket >= stagingPercentage) return { kind: 'none', because: 'staged', version: text, terms }
  return { kind: 'update', release: { version: text, url, sha512: file.sha512, size: file.size }, terms }
}

function refused(because: FeedRefusal, detail: string): FeedVerdict {
  return { kind: 'refused', because, detail }
}

/** JSON is YAML, so what is signed needs no parser of YAML. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** How files say which processor they are for, by what Node calls it: electron-builder has a name of its own for each kind of package. */
const archNames: Readonly<Record<string, readonly string[]>> = {
  x64: ['x64', 'x86_64', 'amd64'],
  arm64: ['arm64', 'aarch64'],
  ia32: ['ia32', 'i386', 'i686'],
  arm: ['armv7l', 'armhf'],
}

/** The one that names this architecture, else one that names none. */
function fileFor<File extends { readonly url: string }>(machine: Machine, files: readonly File[]): File | undefined {
  const fit = files.filter(({ url }) => url.endsWith(machine.fileEnd))
  const names = (url: string, known: readonly string[]): boolean => known.some((name) => url.includes(name))
  const named = fit.find(({ url }) => names(url, archNames[machine.arch] ?? [machine.arch]))
  return named ?? fit.find(({ url }) => !names(url, Object.values(archNames).flat()))
}

/** Resolved against the feed; undefined where that leads anywhere else than to the feed's own origin. */
function addressOf(text: string, feedUrl: URL): URL | undefined {
  if (!URL.canParse(text, feedUrl.href)) return undefined
  const url = new URL(text, feedUrl)
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return url.origin === feedUrl.origin && isPlain ? url : undefined
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString()
}
