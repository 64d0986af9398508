import { app } from 'electron'
import { type Config, type EffectiveConfig, isLoopback } from '../src/config/config.ts'
import { readConfig, writeSettings } from '../src/config/config-files.ts'
import { AgentError } from '../src/errors.ts'
import type { Log } from '../src/ports.ts'
import type { Paths } from '../src/system/paths.ts'
import type { CoreRules } from './core.ts'
import { settingDocument } from './settings.ts'
import { chooseLanguage, type Language } from './strings/catalogue.ts'
import { setStartAtLogin, startsAtLogin } from './system/start-at-login.ts'
import type { SettingKey } from './windows/calls.ts'

/** The configuration as it was read last, and what of it is the system's: start at login. */
export class Configuration {
  readonly #paths: Paths
  readonly #rules: CoreRules
  readonly #log: Log
  #effective: EffectiveConfig | undefined
  #startAtLogin = false

  constructor(paths: Paths, rules: CoreRules, log: Log) {
    this.#paths = paths
    this.#rules = rules
    this.#log = log
  }

  /** Reads it anew, and has the system start the app at login where somebody has said so. Throws `config_invalid`. */
  async read(): Promise<Config> {
    this.#effective = await readConfig(this.#paths, this.#rules)
    const { config, sources } = this.#effective
    if (config.network.extraCa)
      this.#log.warn('"network.extraCa" is for the headless agent: the app asks the certificate store of Chromium')
    if (sources.get('app.startAtLogin')?.source !== 'built-in') {
      await setStartAtLogin(config.app.startAtLogin).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'starting at login could not be changed')
      })
    }
    this.#startAtLogin = await startsAtLogin(config.app.startAtLogin)
    return config
  }

  /** Writes one of the artist's settings. Throws `config_invalid`; a value that IT locked stays. */
  async change(key: SettingKey, value: string | boolean): Promise<void> {
    if (this.#effective?.sources.get(key)?.source === 'locked')
      throw new AgentError('config_invalid', `"${key}" is locked`)
    await writeSettings(this.#paths, settingDocument(key, value), this.#rules)
    this.#effective = await readConfig(this.#paths, this.#rules)
    if (key === 'app.startAtLogin') {
      await setStartAtLogin(value === true)
      this.#startAtLogin = await startsAtLogin(value === true)
    }
  }

  /** Undefined until it was read. */
  get effective(): EffectiveConfig | undefined {
    return this.#effective
  }

  get sites(): Config['sites'] {
    return this.#effective?.config.sites ?? []
  }

  /** What people call a site. */
  nameOf(site: string): string {
    return this.sites.find(({ url }) => url === site)?.name ?? new URL(site).host
  }

  /** Sites on this machine, as the sandbox's are, can be reached without a network. */
  get needsNoNetwork(): boolean {
    return this.sites.length > 0 && this.sites.every(({ url }) => isLoopback(new URL(url)))
  }

  get language(): Language {
    return chooseLanguage(this.#effective?.config.app.language ?? 'auto', app.getPreferredSystemLanguages())
  }

  /** Whether the system starts the app at login. */
  get startAtLogin(): boolean {
    return this.#startAtLogin
  }
}
