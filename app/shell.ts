import { app, nativeTheme } from 'electron'
import type { Agent, Credentials } from '../src/agent.ts'
import { AgentError, asAgentError } from '../src/errors.ts'
import type { TakeOver } from '../src/hand-over/take-over.ts'
import type { Log } from '../src/ports.ts'
import type { SiteStatus } from '../src/session/changes.ts'
import type { Paths } from '../src/system/paths.ts'
import { judgeSecondLaunch, type Launch, type LaunchWish } from './command-line.ts'
import { Configuration } from './configuration.ts'
import { type Core, type CoreRules, type Desktop, openCore } from './core.ts'
import { Notices } from './notifications/notices.ts'
import { ProgramWatch } from './program-watch.ts'
import { SignInWatch } from './sign-in-watch.ts'
import { type Command, minutesToEnd, type SiteSituation, type Situation } from './situation.ts'
import { situationOf } from './situation-of.ts'
import { Succession, type SuccessionHost, type SuccessionOptions } from './succession.ts'
import { nobody, type Surroundings } from './surroundings.ts'
import { Keychain } from './system/keychain.ts'
import { ScreenLock } from './system/screen-lock.ts'
import { SystemEvents } from './system/system-events.ts'
import type { Tray } from './tray/tray.ts'
import { trayView } from './tray/tray-view.ts'

export interface ShellOptions {
  readonly paths: Paths
  readonly rules: CoreRules
  readonly log: Log
  readonly succession?: SuccessionOptions
}

const soonMs = 150

/**
 * The app between the agent and the desktop: it knows the situation, and keeps tray, notifications and windows true to it.
 */
export class Shell {
  readonly #options: ShellOptions
  readonly #tray: Tray
  readonly #notices: Notices
  readonly #lock: ScreenLock
  readonly #system: SystemEvents
  /** The programs at the door. */
  readonly programs: ProgramWatch
  readonly configuration: Configuration
  /** Who takes this app's place. */
  readonly succession: Succession
  #surroundings: Surroundings = nobody
  #core: Core | undefined
  #signIns: SignInWatch | undefined
  #problem: AgentError | undefined
  #isSucceeded = false
  #collecting = false
  #refreshTimer: NodeJS.Timeout | undefined
  #soonTimer: NodeJS.Timeout | undefined

  constructor(options: ShellOptions, tray: Tray) {
    this.#options = options
    this.#tray = tray
    this.configuration = new Configuration(options.paths, options.rules, options.log)
    const run = (command: Command): void => this.#surroundings.run(command)
    tray.onCommand(run)
    this.#notices = new Notices(() => this.configuration.language, run)
    this.#lock = new ScreenLock((locked) => this.#onLock(locked))
    this.#system = new SystemEvents({
      onAwake: (sleptMs) => this.#onAwake(sleptMs),
      onOnline: () => void this.#onOnline(),
    })
    this.programs = new ProgramWatch({
      onChange: () => this.refresh(),
      tell: (notice) => this.#notices.tell(notice),
      takeBack: (does) => this.#notices.takeBack(does),
    })
    const host = {
      interruptible: () => this.#interruptible(),
      changed: () => this.refresh(),
      giveUpPlace: () => this.#giveUpPlace(),
    }
    this.succession = new Succession(options.succession ?? {}, host, options.log)
    nativeTheme.on('updated', () => this.refresh())
  }

  /** Reads the configuration, starts the agent, shows the tray. What goes wrong is shown and does not end the app. */
  async start({ wants, wantsOfRunning }: Launch, surroundings: Surroundings): Promise<void> {
    this.#surroundings = surroundings
    const { paths, log } = this.#options
    const { takeOver } = this.succession
    if (takeOver) {
      await this.#openCore(takeOver)
      // Nobody heard it while the agent was on its way.
      if (this.#lock.isLocked) this.#onLock(true)
      if (!app.requestSingleInstanceLock({ wants: 'tray' }))
        log.warn('another app was started meanwhile, without an agent')
      this.#tray.appear()
    } else await this.openCore()
    await this.succession.openUpdates(this.configuration.effective?.config, paths)
    await this.#findPanel()
    if (takeOver) this.#grant(judgeSecondLaunch({ wants: this.#core?.wants ?? 'tray' }))
    if (this.#problem) this.#surroundings.run({ does: 'showStatus' })
    else if (this.configuration.sites.length === 0) this.#surroundings.run({ does: 'showFirstRun' })
    // Where no icon shows, starting by hand shows the window; starting at login never does.
    else this.#grant(this.#tray.isInPanel ? wants : wantsOfRunning)
    void this.#resume()
  }

  /** A second launch: a person's way in where there is no tray. */
  onSecondLaunch(wish: LaunchWish): void {
    if (!this.#tray.isInPanel) void this.#findPanel()
    this.#grant(wish)
  }

  #interruptible(): ReturnType<SuccessionHost['interruptible']> {
    const { anyWindow } = this.#surroundings
    const isBusy = this.#core?.agent.isBusy ?? false
    return { sites: this.#siteSituations(), question: this.programs.waiting, anyWindow, isBusy }
  }

  async stop(): Promise<void> {
    const closed = this.succession.close()
    this.#stopWatching()
    await closed
    await this.#core?.close()
    this.#core = undefined
    this.#tray.close()
  }

  #stopWatching(): void {
    clearTimeout(this.#refreshTimer)
    clearTimeout(this.#soonTimer)
    this.#system.close()
    this.#lock.close()
    this.programs.close()
    this.#notices.close()
  }

  /** Another app is about to serve: gives it the icon, the screen and the lock. Resolves with what a person waits for at this one. */
  async #giveUpPlace(): Promise<LaunchWish> {
    this.#isSucceeded = true
    this.#stopWatching()
    this.#core = undefined
    this.#tray.close()
    const showsStatus = this.#surroundings.closeWindows()
    app.releaseSingleInstanceLock()
    return showsStatus ? 'status' : 'tray'
  }

  /** (Re)starts the agent on the configuration as it is now. */
  async openCore(): Promise<void> {
    await this.succession.leaveProgram()
    await this.#core?.close()
    this.#core = undefined
    this.#problem = undefined
    try {
      await this.#openCore()
    } catch (thrown) {
      const error = asAgentError(thrown)
      this.#options.log.error({ err: error }, 'the agent could not be started')
      this.#problem = error
    }
  }

  async #openCore(takeOver?: TakeOver): Promise<void> {
    const { paths, rules, log } = this.#options
    const config = await this.configuration.read()
    this.#notices.begin(config.session.remindBeforeMinutes)
    if (config.session.endOnScreenLock) this.#lock.watchAlways()
    if (config.sites.length === 0) {
      if (takeOver) throw new AgentError('site_unknown', 'no site is configured any more')
      return
    }
    const desktop: Desktop = {
      isScreenLocked: () => this.#lock.isLocked,
      askConsent: (question, signal) => this.#surroundings.askConsent(question, signal),
    }
    const prepare = (agent: Agent): void => this.#listenTo(agent)
    this.#core = await openCore(config, paths, log, new Keychain(), rules, desktop, prepare, takeOver)
    this.succession.watchProgram(this.#core)
  }

  /** The agent. Throws what kept it from starting, else `site_unknown` when nothing is configured yet. */
  get agent(): Agent {
    if (this.#core) return this.#core.agent
    throw this.#problem ?? new AgentError('site_unknown')
  }

  situation(): Situation {
    return situationOf(this.#core?.agent, this.configuration.effective, {
      sites: this.#siteSituations(),
      question: this.programs.waiting,
      online: this.#system.online || this.configuration.needsNoNetwork,
      screenLocked: this.#lock.isLocked,
      startAtLogin: this.configuration.startAtLogin,
      trayShown: this.#tray.isInPanel,
      collecting: this.#collecting,
      update: this.succession.readyUpdate,
      problem: this.#problem,
    })
  }

  #siteSituations(): SiteSituation[] {
    const signIns = this.#signIns
    if (!this.#core || !signIns) return []
    return this.#core.agent.status().map((status) => ({
      url: status.site,
      name: this.configuration.nameOf(status.site),
      status,
      ...signIns.factsOf(status.site),
    }))
  }

  /** Tries what the artist typed. Throws why it was not taken; the sign-in goes on waiting then. */
  async submitCredentials(site: string, credentials: Credentials): Promise<void> {
    await this.#signIns?.submitCredentials(site, credentials)
  }

  /** Whether the diagnosis is being collected: the tray says so. */
  setCollecting(collecting: boolean): void {
    this.#collecting = collecting
    this.refresh()
  }

  /** Makes tray and windows true to the situation. */
  refresh(): void {
    if (this.#isSucceeded) return
    this.#system.lookAtNetwork()
    const situation = this.situation()
    this.#tray.show(trayView(situation, this.configuration.language))
    this.#surroundings.refresh()
    this.#refreshLater(situation)
    this.succession.advance()
  }

  /** For what comes often: a flood of calls is shown a few times a second. */
  #refreshSoon(): void {
    this.#soonTimer ??= setTimeout(() => {
      this.#soonTimer = undefined
      this.refresh()
    }, soonMs)
  }

  /** Writes one of the artist's settings and acts on it. Throws `config_invalid`; a value that IT locked stays. */
  async changeSetting(...setting: Parameters<Configuration['change']>): Promise<void> {
    await this.configuration.change(...setting)
    this.refresh()
  }

  #grant(wish: LaunchWish): void {
    const [site] = this.configuration.sites
    if (wish === 'sign-in' && site) this.#surroundings.run({ does: 'signIn', site: site.url })
    else if (wish !== 'tray') this.#surroundings.run({ does: 'showStatus' })
  }

  #listenTo(agent: Agent): void {
    this.#signIns = new SignInWatch(agent, () => this.refresh())
    agent.onChange((status) => this.#onChange(status))
    agent.onSignInStep((site, step) => {
      // Asked once more, for a code, is asked of who is at it already.
      if (step.kind === 'credentials' && !step.wantsCode) this.#surroundings.askForCredentials(site)
    })
    agent.calls.tools.uses.listen(() => this.#refreshSoon())
    agent.calls.entries.listen((entry) => {
      if (entry.outcome === 'consent_denied' && !this.#lock.isLocked) this.programs.onDenied(entry)
      this.#refreshSoon()
    })
    agent.consent.allowedNow.listen(() => this.refresh())
    agent.consent.revokedNow.listen(() => this.refresh())
    agent.audit.problems.listen(() => this.refresh())
    agent.calls.tools.refusals.listen(({ name, site, code }) => {
      if (code !== 'login_required' || this.#lock.isLocked) return
      const at = site ?? this.configuration.sites[0]?.url
      if (at === undefined || agent.signInStep(at)) return
      this.#notices.tell((ladder, language) => ladder.onRefusal({ tool: name, site: at }, language))
    })
  }

  #onChange(status: SiteStatus): void {
    const { site } = status
    if (this.#lock.isLocked) this.#notices.onLock()
    this.#notices.onChange(status, this.#signIns?.factsOf(site).waitedFor, this.#surroundings.showsSignIn(site))
    if (status.reason === 'signed_in') {
      this.#surroundings.signedIn(site)
      this.succession.onEvent()
    }
    this.refresh()
  }

  #onLock(locked: boolean): void {
    if (locked) {
      this.#notices.onLock()
      if (this.configuration.effective?.config.session.endOnScreenLock)
        void this.#core?.agent.endSessions('screen_locked')
    } else {
      this.#notices.onUnlock()
    }
    this.refresh()
  }

  #onAwake(sleptMs: number): void {
    const limitHours = this.configuration.effective?.config.session.endOnSuspendHours
    const tooLong = limitHours !== undefined && sleptMs >= limitHours * 3600_000
    if (tooLong) void this.#core?.agent.endSessions('slept_too_long')
    else this.#core?.agent.checkClock()
    this.succession.onEvent()
    this.refresh()
  }

  async #onOnline(): Promise<void> {
    this.refresh()
    if (this.#system.online) await this.#resume()
  }

  /** Where nobody ever chose to remember sign-ins, the keychain is left alone: it might ask for its password. */
  async #resume(): Promise<void> {
    const chosen = this.configuration.effective?.sources.get('session.rememberSignIn')?.source !== 'built-in'
    if (chosen) await this.#core?.agent.resume()
  }

  #findPanel(): Promise<void> {
    return this.#tray.findPanel((isThere) => {
      if (!isThere)
        this.#options.log.warn('this desktop shows no tray icons; starting sg-session again shows its window')
      this.refresh()
    })
  }

  /** While minutes are counted down, or a window is open, the clock is part of the situation; else only midnight is. */
  #refreshLater(situation: Situation): void {
    clearTimeout(this.#refreshTimer)
    const counting = situation.sites.some((site) => minutesToEnd(site, situation) !== undefined)
    const midnight = new Date(situation.now).setHours(24, 0, 1, 0) - situation.now
    const delayMs = counting || this.#surroundings.anyWindow ? 30_000 : midnight
    this.#refreshTimer = setTimeout(() => this.refresh(), delayMs)
    this.#refreshTimer.unref()
  }
}
