import type { Fetch, Log } from '../../src/ports.ts'
import type { StateFile } from '../../src/system/state-file.ts'
import type { Machine, Release } from '../../src/update/feed-metadata.ts'
import { type Feed, type FeedFinding, lookAtFeed, metadataName } from '../../src/update/look-at-feed.ts'
import type { UpdateRecord } from '../../src/update/update-record.ts'
import { SingleFlight } from '../../src/waiting/single-flight.ts'
import { delayBeforeLook, isTimeToLook } from './look-times.ts'
import { mayRestart, type Obstacle } from './obstacle.ts'

/** A newer version that lies on this machine and is what the signed metadata says. */
export interface DownloadedUpdate {
  /** Makes it the program that starts next, while this one goes on running; absent where an installer has to wait for our end. */
  putInPlace?(): Promise<void>
  /** The last thing this program does. `restart`: the new one is started. */
  finish(restart: boolean): Promise<void>
}

/** What downloads, for one system. */
export interface Artefacts {
  readonly fileEnd: string
  /** Rejects with `ArtefactRefused` where the file is not what the metadata says, else with why it did not come. */
  download(release: Release, signal: AbortSignal): Promise<DownloadedUpdate>
  /** Removes what was downloaded and is not needed any more. */
  discard(): Promise<void>
}

export class ArtefactRefused extends Error {}

/** The app around the updates. */
export interface UpdateHost {
  /** What stands in the way of a restart, as things are now. */
  obstacle(): Obstacle | undefined
  /** There is something new to show. */
  changed(): void
  /** Whether what is put in this program's place takes over from it, with its sessions, when told by `handOver`. */
  handsOver(): boolean
  handOver(): void
  /** Ends the app in good order; `finish` is called last. */
  quit(): void
}

export interface UpdatesOptions {
  readonly feed: Feed
  readonly feedIsHere: boolean
  readonly fetch: Fetch
  readonly artefacts: Artefacts
  readonly record: Pick<StateFile<UpdateRecord>, 'read' | 'write'>
  readonly host: UpdateHost
  readonly log: Log
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly runningVersion: string
  readonly now: () => number
  readonly random: () => number
  /** How long nothing must have been in the way of a restart. */
  readonly quietMs: number
}

interface ReadyUpdate {
  readonly version: string
  readonly downloaded: DownloadedUpdate
  isInPlace: boolean
}

const downloadLimitMs = 3600_000
/** A version that is in place this often and still not the one that runs is left alone. */
const mostTries = 2

/**
 * Looks for newer versions, at the start and then at most once a day when something happens anyway; downloads one, and puts it in
 * place when nobody is interrupted by it. What goes wrong keeps everything as it is, and is in the log only.
 */
export class Updates {
  readonly #options: UpdatesOptions
  readonly #looking = new SingleFlight<void>()
  readonly #stop = new AbortController()
  #record: UpdateRecord | undefined
  #timer: NodeJS.Timeout | undefined
  #quiet: NodeJS.Timeout | undefined
  #ready: ReadyUpdate | undefined
  #isAdvancing = false
  #restarts = false

  constructor(options: UpdatesOptions) {
    this.#options = options
  }

  /** The version that is ready to be put in place. */
  get ready(): string | undefined {
    return this.#ready?.version
  }

  /** Whether that one is the program that starts next. */
  get isInPlace(): boolean {
    return this.#ready?.isInPlace ?? false
  }

  /** Looks, after a while that is different on every machine. */
  start(): void {
    this.#lookLater()
  }

  /** Somebody has signed in, or the machine woke up: looks if the last time was yesterday. */
  onEvent(): void {
    if (isTimeToLook(this.#record?.lastLook, this.#options.now())) this.#lookLater()
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#stop.signal.aborted) return
    const { random, feedIsHere } = this.#options
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        void this.look()
      },
      delayBeforeLook(random(), feedIsHere),
    )
    this.#timer.unref()
  }

  /** Looks now. Never rejects. */
  look(): Promise<void> {
    return this.#looking.run(() => this.#look())
  }

  async #look(): Promise<void> {
    const { feed, fetch, artefacts, platform, arch, runningVersion, now } = this.#options
    this.#record ??= await this.#options.record.read()
    const { bucket, newest } = this.#record
    const machine: Machine = { fileEnd: artefacts.fileEnd, arch, bucket }
    const address = new URL(metadataName(feed.channel, platform, arch), feed.url).href
    const newestIssuedAt = newest?.address === address ? newest.issuedAt : undefined
    const looker = { platform, machine, runningVersion, nowMs: now(), newestIssuedAt }
    const finding = await lookAtFeed(fetch, feed, looker, this.#stop.signal)
    if (this.#stop.signal.aborted) return
    const issuedAt = 'terms' in finding ? finding.terms.issuedAt : undefined
    await this.#note(finding.kind, wordsOf(finding), issuedAt === undefined ? {} : { newest: { address, issuedAt } })
    if (finding.kind === 'update') await this.#get(finding.release)
    // What was offered yesterday was withdrawn today.
    else if (finding.kind === 'none') await this.#drop()
  }

  async #get(release: Release): Promise<void> {
    const { version } = release
    const { log, artefacts, host } = this.#options
    if (this.#ready?.version === version) return
    const { tried } = this.#record ?? {}
    if (tried?.version === version && tried.times >= mostTries) {
      return this.#note('failed', `${version} was put in place ${tried.times} times, and is not what runs`)
    }
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(downloadLimitMs)])
    try {
      const downloaded = await artefacts.download(release, signal)
      if (this.#stop.signal.aborted) return
      this.#ready = { version, downloaded, isInPlace: false }
      log.info({ version }, 'a newer version is ready')
      host.changed()
    } catch (error) {
      if (this.#stop.signal.aborted) return
      const why = error instanceof Error ? error.message : 'unknown error'
      await this.#note(error instanceof ArtefactRefused ? 'refused' : 'unreachable', `${version}: ${why}`)
    }
  }

  async #drop(): Promise<void> {
    if (this.#ready?.isInPlace || this.#isAdvancing) return
    const had = this.#ready !== undefined
    this.#ready = undefined
    await this.#options.artefacts.discard().catch(() => undefined)
    if (had) this.#options.host.changed()
  }

  /**
   * To be called whenever something has changed: restarts once nothing has stood in the way for a while. Who has just signed out still
   * waits for the answer, and may be about to sign in as somebody else.
   */
  advance(): void {
    const { host, quietMs } = this.#options
    const obstacle = host.obstacle()
    const isWaiting = obstacle !== undefined && obstacle !== 'work'
    if (!this.#ready || this.#isAdvancing || this.#stop.signal.aborted || isWaiting || this.#isHandingOver) {
      clearTimeout(this.#quiet)
      this.#quiet = undefined
      return
    }
    this.#quiet ??= setTimeout(() => {
      this.#quiet = undefined
      if (host.obstacle() === undefined) void this.restart()
      // Nothing may tell when it is over.
      else this.advance()
    }, quietMs)
  }

  /** The artist wants it now. Does nothing where more than an open window stands in the way. Never rejects. */
  async restart(): Promise<void> {
    const ready = this.#ready
    const { host, log } = this.#options
    if (!ready || this.#isAdvancing || this.#stop.signal.aborted || !mayRestart(host.obstacle())) return
    this.#isAdvancing = true
    try {
      await this.#place(ready)
      // Somebody may have begun to sign in meanwhile: then it is the next one's turn.
      if (!mayRestart(host.obstacle())) return
      if (host.handsOver()) {
        log.info({ version: ready.version }, 'handing over to the newer version')
        return host.handOver()
      }
      log.info({ version: ready.version }, 'restarting as the newer version')
      this.#restarts = true
      host.quit()
    } catch (error) {
      this.#ready = undefined
      await this.#note('failed', `${ready.version} could not be put in place: ${String(error)}`)
      host.changed()
    } finally {
      this.#isAdvancing = false
    }
  }

  /** When the app ends, after everything else: puts in place what is ready, and starts it where this is a restart. Never rejects. */
  async finish(): Promise<void> {
    this.close()
    const ready = this.#ready
    if (!ready) return
    try {
      await this.#place(ready)
      await ready.downloaded.finish(this.#restarts)
    } catch (error) {
      await this.#note('failed', `${ready.version} could not be put in place: ${String(error)}`)
    }
  }

  /** It was asked for. One that does not take over is not asked again, and this program goes on: it is known to run. */
  get #isHandingOver(): boolean {
    return this.isInPlace && this.#options.host.handsOver()
  }

  /** Another process goes on: removes what was downloaded, where that is it. Never rejects. */
  async handedOver(): Promise<void> {
    this.close()
    if (this.isInPlace) await this.#ready?.downloaded.finish(false).catch(() => undefined)
  }

  /** Looks and downloads no more. */
  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#quiet)
    this.#stop.abort()
  }

  async #place(ready: ReadyUpdate): Promise<void> {
    if (ready.isInPlace) return
    const { version, downloaded } = ready
    const before = this.#record?.tried
    const times = before?.version === version ? before.times + 1 : 1
    // Before, not after: what makes the next start fail is counted as well.
    await this.#write({ tried: { version, times } })
    await downloaded.putInPlace?.()
    ready.isInPlace = true
  }

  async #note(
    kind: NonNullable<UpdateRecord['lastLook']>['kind'],
    detail: string,
    more: Partial<UpdateRecord> = {},
  ): Promise<void> {
    const { log, now } = this.#options
    if (kind === 'refused' || kind === 'failed') log.warn({ detail }, 'a newer version was not taken')
    else
      log.info({ detail }, kind === 'unreachable' ? 'the update feed could not be asked' : 'looked for a newer version')
    await this.#write({ ...more, lastLook: { at: now(), kind, detail: detail.slice(0, 1_000) } })
  }

  async #write(change: Partial<UpdateRecord>): Promise<void> {
    if (!this.#record) return
    this.#record = { ...this.#record, ...change }
    await this.#options.record.write(this.#record)
  }
}

/** What a look found, for the log and the doctor. */
function wordsOf(finding: FeedFinding): string {
  switch (finding.kind) {
    case 'update':
      return `${finding.release.version} is there`
    case 'none':
      return {
        same: 'this is the newest',
        older: `it has ${finding.version} only`,
        staged: `${finding.version} is not for this machine yet`,
      }[finding.because]
    case 'refused':
      return `${finding.because}: ${finding.detail}`
    case 'unreachable':
      return finding.detail
  }
}
