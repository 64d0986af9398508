import { app, nativeTheme } from 'electron'
import type { Agent, Credentials } from '../src/agent.ts'
import { type EffectiveConfig, isLoopback } from '../src/config.ts'
import { readConfig, writeSettings } from '../src/config-files.ts'
import { AgentError, asAgentError } from '../src/errors.ts'
import type { Paths } from '../src/paths.ts'
import type { Log } from '../src/ports.ts'
import type { SiteStatus } from '../src/session/changes.ts'
import type { Launch, LaunchWish } from './command-line.ts'
import { type Core, type CoreRules, type Desktop, openCore } from './core.ts'
import { type Notice, NotificationLadder } from './notifications/ladder.ts'
import { Notifications } from './notifications/notifications.ts'
import { ProgramWatch } from './program-watch.ts'
import { settingDocument } from './settings.ts'
import { SignInWatch } from './sign-in-watch.ts'
import { type Command, minutesToEnd, type SiteSituation, type Situation } from './situation.ts'
import { situationOf } from './situation-of.ts'
import { chooseLanguage, type Language } from './strings/catalogue.ts'
import { nobody, type Surroundings } from './surroundings.ts'
import { Keychain } from './system/keychain.ts'
import { ScreenLock } from './system/screen-lock.ts'
import { setStartAtLogin, startsAtLogin } from './system/start-at-login.ts'
import { SystemEvents } from './system/system-events.ts'
import type { Tray } from './tray/tray.ts'
import { trayView } from './tray/tray-view.ts'
import type { SettingKey } from './windows/calls.ts'

export interface ShellOptions {
  readonly paths: Paths
  readonly rules: CoreRules
  readonly log: Log
}

const soonMs = 150

/**
 * The app between the agent and the desktop: it knows the situation, and keeps tray, notifications and windows true to it.
 */
export class Shell {
  readonly #options: ShellOptions
  readonly #tray: Tray
  readonly #notifications: Notifications
  readonly #lock: ScreenLock
  readonly #system: SystemEvents
  /** The programs at the door. */
  readonly programs: ProgramWatch
  #surroundings: Surroundings = nobody
  #ladder: NotificationLadder | undefined
  #core: Core | undefined
  #signIns: SignInWatch | undefined
  #effective: EffectiveConfig | undefined
  #problem: AgentError | undefined
  #startAtLogin = false
  #collecting = false
  #refreshTimer: NodeJS.Timeout | undefined
  #soonTimer: NodeJS.Timeout | undefined

  constructor(options: ShellOptions, tray: Tray) {
    this.#options = options
    this.#tray = tray
    const run = (command: Command): void => this.#surroundings.run(command)
    tray.onCommand(run)
    this.#notifications = new Notifications(run)
    this.#lock = new ScreenLock((locked) => this.#onLock(locked))
    this.#system = new SystemEvents({
      onAwake: (sleptMs) => this.#onAwake(sleptMs),
      onOnline: () => void this.#onOnline(),
    })
    this.programs = new ProgramWatch({
      onChange: () => this.refresh(),
      tell: (notice) => this.#tell(notice),
      takeBack: (does) => this.#notifications.takeBack(does),
    })
    nativeTheme.on('updated', () => this.refresh())
  }

  /** Reads the configuration, starts the agent, shows the tray. What goes wrong is shown and does not end the app. */
  async start({ wants, wantsOfRunning }: Launch, surroundings: Surroundings): Promise<void> {
    this.#surroundings = surroundings
    this.#startAtLogin = await startsAtLogin()
    await this.openCore()
    await this.#findPanel()
    if (this.#problem) this.#surroundings.run({ does: 'showStatus' })
    else if (this.sites.length === 0) this.#surroundings.run({ does: 'showFirstRun' })
    // Where no icon shows, starting by hand shows the window; starting at login never does.
    else this.#grant(this.#tray.isInPanel ? wants : wantsOfRunning)
    void this.#resume()
  }

  /** A second launch: a person's way in where there is no tray. */
  onSecondLaunch(wish: LaunchWish): void {
    if (!this.#tray.isInPanel) void this.#findPanel()
    this.#grant(wish)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#refreshTimer)
    clearTimeout(this.#soonTimer)
    this.#system.close()
    this.#lock.close()
    this.programs.close()
    this.#notifications.close()
    await this.#core?.close()
    this.#core = undefined
    this.#tray.close()
  }

  /** (Re)starts the agent on the configuration as it is now. */
  async openCore(): Promise<void> {
    const { paths, rules, log } = this.#options
    await this.#core?.close()
    this.#core = undefined
    this.#problem = undefined
    try {
      this.#effective = await readConfig(paths, rules)
      const { config } = this.#effective
      this.#ladder = new NotificationLadder(() => Date.now(), config.session.remindBeforeMinutes * 60_000)
      if (config.session.endOnScreenLock) this.#lock.watchAlways()
      if (config.network.extraCa)
        log.warn('"network.extraCa" is for the headless agent: the app asks the certificate store of Chromium')
      if (this.#effective.sources.get('app.startAtLogin')?.source !== 'built-in') {
        await this.#setStartAtLogin(config.app.startAtLogin).catch((error: unknown) => {
          log.warn({ err: error }, 'starting at login could not be changed')
        })
      }
      if (config.sites.length === 0) return
      const desktop: Desktop = {
        isScreenLocked: () => this.#lock.isLocked,
        askConsent: (question, signal) => this.#surroundings.askConsent(question, signal),
      }
      this.#core = await openCore(config, paths, log, new Keychain(), rules, desktop, (agent) => this.#listenTo(agent))
    } catch (thrown) {
      const error = asAgentError(thrown)
      log.error({ err: error }, 'the agent could not be started')
      this.#problem = error
    }
  }

  /** The agent. Throws what kept it from starting, else `site_unknown` when nothing is configured yet. */
  get agent(): Agent {
    if (this.#core) return this.#core.agent
    throw this.#problem ?? new AgentError('site_unknown')
  }

  get effective(): EffectiveConfig | undefined {
    return this.#effective
  }

  get sites(): EffectiveConfig['config']['sites'] {
    return this.#effective?.config.sites ?? []
  }

  /** What people call a site. */
  nameOf(site: string): string {
    return this.sites.find(({ url }) => url === site)?.name ?? new URL(site).host
  }

  get language(): Language {
    return chooseLanguage(this.#effective?.config.app.language ?? 'auto', app.getPreferredSystemLanguages())
  }

  situation(): Situation {
    return situationOf(this.#core?.agent, this.#effective, {
      sites: this.#siteSituations(),
      question: this.programs.waiting,
      online: this.#system.online || this.#needsNoNetwork,
      screenLocked: this.#lock.isLocked,
      startAtLogin: this.#startAtLogin,
      trayShown: this.#tray.isInPanel,
      collecting: this.#collecting,
      problem: this.#problem,
    })
  }

  #siteSituations(): SiteSituation[] {
    const signIns = this.#signIns
    if (!this.#core || !signIns) return []
    return this.#core.agent.status().map((status) => ({
      url: status.site,
      name: this.nameOf(status.site),
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

  /** Sites on this machine, as the sandbox's are, can be reached without a network. */
  get #needsNoNetwork(): boolean {
    return this.sites.length > 0 && this.sites.every(({ url }) => isLoopback(new URL(url)))
  }

  /** Makes tray and windows true to the situation. */
  refresh(): void {
    this.#system.lookAtNetwork()
    const situation = this.situation()
    this.#tray.show(trayView(situation, this.language))
    this.#surroundings.refresh()
    this.#refreshLater(situation)
  }

  /** For what comes often: a flood of calls is shown a few times a second. */
  #refreshSoon(): void {
    this.#soonTimer ??= setTimeout(() => {
      this.#soonTimer = undefined
      this.refresh()
    }, soonMs)
  }

  /** Writes one of the artist's settings and acts on it. Throws `config_invalid`; a value that IT locked stays. */
  async changeSetting(key: SettingKey, value: string | boolean): Promise<void> {
    const { paths, rules } = this.#options
    if (this.#effective?.sources.get(key)?.source === 'locked')
      throw new AgentError('config_invalid', `"${key}" is locked`)
    await writeSettings(paths, settingDocument(key, value), rules)
    this.#effective = await readConfig(paths, rules)
    if (key === 'app.startAtLogin') await this.#setStartAtLogin(value === true)
    this.refresh()
  }

  async #setStartAtLogin(wanted: boolean): Promise<void> {
    await setStartAtLogin(wanted)
    this.#startAtLogin = await startsAtLogin()
  }

  #grant(wish: LaunchWish): void {
    const [site] = this.sites
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
      const at = site ?? this.sites[0]?.url
      if (at === undefined || agent.signInStep(at)) return
      this.#tell((ladder, language) => ladder.onRefusal({ tool: name, site: at }, language))
    })
  }

  #tell(notice: (ladder: NotificationLadder, language: Language) => Notice | undefined): void {
    const told = this.#ladder && notice(this.#ladder, this.language)
    if (told) this.#notifications.show(told)
  }

  #onChange(status: SiteStatus): void {
    if (this.#lock.isLocked) this.#ladder?.onLock()
    const notice = this.#ladder?.onChange(status, this.language, this.#signIns?.factsOf(status.site).waitedFor)
    if (notice === 'close') this.#notifications.close()
    else if (notice && !(status.state === 'signed_out' && this.#surroundings.showsSignIn(status.site))) {
      this.#notifications.show(notice)
    }
    if (status.reason === 'signed_in') this.#surroundings.signedIn(status.site)
    this.refresh()
  }

  #onLock(locked: boolean): void {
    if (locked) {
      this.#ladder?.onLock()
      if (this.#effective?.config.session.endOnScreenLock) void this.#core?.agent.endSessions('screen_locked')
    } else {
      this.#tell((ladder, language) => ladder.onUnlock(language))
    }
    this.refresh()
  }

  #onAwake(sleptMs: number): void {
    const limitHours = this.#effective?.config.session.endOnSuspendHours
    const tooLong = limitHours !== undefined && sleptMs >= limitHours * 3600_000
    if (tooLong) void this.#core?.agent.endSessions('slept_too_long')
    else this.#core?.agent.checkClock()
    this.refresh()
  }

  async #onOnline(): Promise<void> {
    this.refresh()
    if (this.#system.online) await this.#resume()
  }

  /** Where nobody ever chose to remember sign-ins, the keychain is left alone: it might ask for its password. */
  async #resume(): Promise<void> {
    const chosen = this.#effective?.sources.get('session.rememberSignIn')?.source !== 'built-in'
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
