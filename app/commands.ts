import { app, clipboard, shell as desktop } from 'electron'
import type { AskConsent } from '../src/agent.ts'
import type { AgentError } from '../src/errors.ts'
import { asAgentError } from '../src/errors.ts'
import { version } from '../src/version.ts'
import { SingleFlight } from '../src/waiting/single-flight.ts'
import { diagnosis } from './diagnosis.ts'
import { ProgramOrigins } from './program-origin.ts'
import { configurationLines, settingsNow, unreadable } from './settings.ts'
import type { Shell, ShellOptions } from './shell.ts'
import { type Command, isSignInUnderWay, type SiteSituation } from './situation.ts'
import type { Language } from './strings/catalogue.ts'
import type { Surroundings } from './surroundings.ts'
import { openOutside } from './system/open-outside.ts'
import { ConsentDesk } from './windows/consent-desk.ts'
import type { View } from './windows/contract.ts'
import { consentView } from './windows/views/consent-view.ts'
import { aboutView, firstRunView, settingsView } from './windows/views/other-views.ts'
import { programsView } from './windows/views/programs-view.ts'
import { signInView } from './windows/views/sign-in-view.ts'
import { statusView } from './windows/views/status-view.ts'
import { type Subject, Windows } from './windows/windows.ts'

/** How long “you are signed in” stays on the screen before the window goes by itself. */
const doneMs = 2_000

/** What menu, notifications and windows can ask for, and what the windows show. */
export class Commands implements Surroundings {
  readonly #shell: Shell
  readonly #options: ShellOptions
  readonly windows: Windows
  readonly consent: ConsentDesk
  readonly #origins: ProgramOrigins
  /** Sites that ask for a login and passphrase while the artist is busy with another one's sign-in. */
  readonly #askLater = new Set<string>()
  readonly #collecting = new SingleFlight<string>()

  /** `bundle`: the folder with the windows' pages and preload script. */
  constructor(shell: Shell, options: ShellOptions, bundle: string) {
    this.#shell = shell
    this.#options = options
    this.windows = new Windows(bundle, (subject) => this.#view(subject))
    this.#origins = new ProgramOrigins(() => this.windows.refresh())
    const { programs } = shell
    this.consent = new ConsentDesk({
      onTurn: (question) => {
        if (question) this.windows.showBeside('consent', question.id)
        else this.windows.close('consent')
        programs.onTurn(question)
      },
      onAnswer: (question, answer) => programs.onAnswer(question, answer),
      onTakenBack: (question, because) => programs.onTakenBack(question, because),
    })
    this.windows.onClosed(({ name, about }) => {
      if (name === 'consent' && about !== undefined) this.consent.answer(about, 'deny')
      // Not before this window is gone altogether: there may be a next one already.
      if (name === 'sign-in') setImmediate(() => this.#askNext())
      // An update may have waited for it.
      setImmediate(() => shell.refresh())
    })
  }

  /** Does it; what goes wrong is on the screen or in the log. */
  run(command: Command): void {
    this.perform(command).catch((thrown: unknown) => {
      const error = asAgentError(thrown)
      this.#options.log.warn({ err: error, command: command.does }, 'a command failed')
      if (this.#shell.configuration.sites.length === 0 && command.does !== 'showStatus') this.windows.show('first-run')
      else this.windows.show('status')
    })
  }

  /** Does it. Throws an AgentError when it cannot be done; a sign-in that goes wrong is told by its window instead. */
  async perform(command: Command): Promise<void> {
    switch (command.does) {
      case 'signIn':
        return this.#signIn(command.site, false)
      case 'switchUser':
        return this.#signIn(command.site, true)
      case 'showSignIn':
        return this.windows.show('sign-in', command.site)
      case 'cancelSignIn':
        this.#shell.agent.cancelSignIn(command.site)
        return this.windows.close('sign-in')
      case 'signOut':
        await this.#shell.agent.signOut(command.site)
        return
      case 'openSite':
        return openOutside(command.site, this.#options.rules)
      case 'showStatus':
        return this.windows.show('status')
      case 'showFirstRun':
        return this.windows.show('first-run')
      case 'showConsent': {
        const question = this.consent.current
        if (question) this.windows.show('consent', question.id)
        return
      }
      case 'showPrograms':
        return this.windows.show('programs')
      case 'showSettings':
        return this.windows.show('settings')
      case 'showAbout':
        return this.windows.show('about')
      case 'copyDiagnosis':
        return clipboard.writeText(await this.diagnosis())
      case 'toggleStartAtLogin':
        await this.#shell.changeSetting('app.startAtLogin', !this.#shell.situation().startAtLogin)
        return
      case 'openLogs': {
        const failure = await desktop.openPath(this.#options.paths.logFolder)
        if (failure) throw new Error(failure)
        return
      }
      case 'restartForUpdate':
        return this.#shell.succession.restartForUpdate()
      case 'quit':
        return app.quit()
    }
  }

  refresh(): void {
    this.windows.refresh()
  }

  get anyWindow(): boolean {
    return this.windows.anyOpen
  }

  closeWindows(): boolean {
    const showsStatus = this.windows.isOpen('status')
    this.windows.closeAll()
    return showsStatus
  }

  showsSignIn(site: string): boolean {
    return this.windows.isOpen('sign-in', site)
  }

  /** A half typed passphrase is not taken away: another site asks when that window is gone. */
  askForCredentials(site: string): void {
    this.#askLater.add(site)
    this.#askNext()
  }

  readonly askConsent: AskConsent = (question, signal) => {
    const { identified } = question.tool
    if (identified.kind === 'known') this.#origins.look(identified.peer.executable)
    return this.consent.ask(question, signal)
  }

  signedIn(site: string): void {
    setTimeout(() => {
      if (this.showsSignIn(site) && !this.#isUnderWay(site)) this.windows.close('sign-in')
    }, doneMs)
  }

  /** What IT wants to know; no secret is among it. Takes seconds: everything is looked at. */
  diagnosis(): Promise<string> {
    return this.#collecting.run(async () => {
      this.#shell.setCollecting(true)
      try {
        return await this.#diagnose()
      } finally {
        this.#shell.setCollecting(false)
      }
    })
  }

  async #diagnose(): Promise<string> {
    // Needed once in a while, and not for the start.
    const { examineHere } = await import('./doctor.ts')
    const { findings } = await examineHere(this.#options, this.#shell.situation(), runtime())
    const { effective } = this.#shell.configuration
    const facts = {
      version,
      runtime: runtime(),
      system: `${process.platform} ${process.getSystemVersion()}`,
      configuration: effective ? configurationLines(effective) : [],
    }
    return diagnosis(facts, this.#shell.situation(), findings)
  }

  async #signIn(site: string, switchUser: boolean): Promise<void> {
    const { agent } = this.#shell
    const underWay = agent.signInStep(site) !== undefined
    const done = agent.signIn(site, { switchUser })
    this.windows.show('sign-in', site)
    if (underWay && !switchUser) return void done.catch(() => undefined)
    try {
      await done
    } catch (thrown) {
      const error: AgentError = asAgentError(thrown)
      this.#options.log.info({ site, code: error.code }, 'the sign-in came to nothing')
      if (error.code === 'sign_in_cancelled' && !this.#isUnderWay(site)) this.windows.close('sign-in')
    }
  }

  #askNext(): void {
    const { sites } = this.#shell.situation()
    const busyWith = sites.find((site) => this.showsSignIn(site.url) && isSignInUnderWay(site))
    for (const { url, credentials } of sites) {
      if (!this.#askLater.has(url) || (busyWith && busyWith.url !== url)) continue
      this.#askLater.delete(url)
      if (credentials) return this.windows.show('sign-in', url)
    }
  }

  #isUnderWay(site: string): boolean {
    const found = this.#shell.situation().sites.find(({ url }) => url === site)
    return found !== undefined && isSignInUnderWay(found)
  }

  #consentView(about: string | undefined, language: Language): View {
    const question = this.consent.question(about)
    const { identified } = question.tool
    const origin = identified.kind === 'known' ? this.#origins.of(identified.peer.executable) : undefined
    return consentView(question, this.#shell.configuration.nameOf(question.site), origin, language)
  }

  #view({ name, about }: Subject): View {
    const { language } = this.#shell.configuration
    const situation = this.#shell.situation()
    switch (name) {
      case 'status':
        return statusView(situation, language)
      case 'sign-in':
        return signInView(situation.sites.find(({ url }) => url === about) ?? goneSite(about), language)
      case 'first-run': {
        const [site] = this.#shell.configuration.sites
        return firstRunView({ site: site?.url ?? '', broker: site?.broker ?? '' }, language)
      }
      case 'consent':
        return this.#consentView(about, language)
      case 'programs':
        return programsView(situation, language)
      case 'settings': {
        const { effective } = this.#shell.configuration
        const now = effective ? settingsNow(effective, situation.startAtLogin) : undefined
        return settingsView(now ?? unreadable(situation.startAtLogin), language)
      }
      case 'about': {
        const { settingsFile, logFolder } = this.#options.paths
        const sources = [...(this.#shell.configuration.effective?.sources.values() ?? [])]
        const policyFile = sources.find(({ source }) => source === 'locked' || source === 'default')?.file
        const { updatesItself } = this.#shell.succession
        return aboutView({ version, runtime: runtime(), policyFile, settingsFile, logFolder, updatesItself }, language)
      }
    }
  }
}

/** A site that left the configuration while its window was open. */
function goneSite(url = 'https://unknown.invalid'): SiteSituation {
  return {
    url,
    name: url,
    status: { site: url, state: 'signed_out', reason: 'site_unknown' },
    waitsForBrowser: false,
    takesRedirect: false,
    browserFailed: false,
    credentials: undefined,
    waitedFor: undefined,
  }
}

function runtime(): string {
  const { electron = '', chrome = '', node = '' } = process.versions
  return `Electron ${electron}, Chromium ${chrome}, Node ${node}`
}
