import { clipboard } from 'electron'
import { builtInConfig } from '../src/config/config.ts'
import { AgentError } from '../src/errors.ts'
import { Secret } from '../src/secrets/secret.ts'
import type { Commands } from './commands.ts'
import { findAddresses, saveAddresses } from './first-run.ts'
import type { Shell, ShellOptions } from './shell.ts'
import type { Command } from './situation.ts'
import { electronFetch } from './system/electron-fetch.ts'
import { openOutside } from './system/open-outside.ts'
import type { Handlers } from './windows/ipc.ts'

/** Where people make their Personal Access Tokens. facts: shotgrid §5 */
const autodeskProfile = 'https://profile.autodesk.com/'

/** What each call of a page does. Arguments have been judged, and that the window may make the call. */
export function pageHandlers(shell: Shell, commands: Commands, options: ShellOptions): Handlers {
  const perform = async (command: Command): Promise<null> => {
    await commands.perform(command)
    return null
  }
  /** A sign-in lasts until the artist is done: its window tells how it went, the button does not wait for it. */
  const begin = (command: Command): null => {
    commands.run(command)
    return null
  }
  const firstRunSettings = async () => {
    const { identity, network } = shell.configuration.effective?.config ?? builtInConfig
    return { fetch: await electronFetch(network), expectedIssuer: identity.issuer, options }
  }
  return {
    signIn: ({ site }) => begin({ does: 'signIn', site: known(shell, site) }),
    switchUser: ({ site }) => begin({ does: 'switchUser', site: known(shell, site) }),
    showSignIn: ({ site }) => perform({ does: 'showSignIn', site: known(shell, site) }),
    cancelSignIn: ({ site }) => perform({ does: 'cancelSignIn', site: known(shell, site) }),
    signOut: ({ site }) => perform({ does: 'signOut', site: known(shell, site) }),
    openSite: ({ site }) => perform({ does: 'openSite', site: known(shell, site) }),
    async openBrowserAgain({ site }) {
      await shell.agent.openBrowserAgain(known(shell, site))
      return null
    },
    copyLink({ site }) {
      const address = shell.agent.signInAddress(known(shell, site))
      if (!address) throw new AgentError('invalid_request', 'no sign-in is waiting for the browser')
      clipboard.writeText(address.href)
      return null
    },
    paste({ site, address }) {
      shell.agent.pasteRedirect(known(shell, site), address.trim())
      return null
    },
    async submitCredentials({ site, login, passphrase, code }) {
      const credentials = {
        login,
        passphrase: new Secret(passphrase),
        ...(code === undefined ? {} : { code: new Secret(code) }),
      }
      try {
        await shell.submitCredentials(known(shell, site), credentials)
      } finally {
        credentials.passphrase.wipe()
        credentials.code?.wipe()
      }
      return null
    },
    async openHelp({ site, page }) {
      const pages = { site: known(shell, site), 'autodesk-profile': autodeskProfile }
      await openOutside(pages[page], options.rules)
      return null
    },
    async checkAddresses(addresses) {
      return findAddresses(addresses, await firstRunSettings(), shell.configuration.language.strings)
    },
    async saveAddresses(addresses) {
      await saveAddresses(addresses, await firstRunSettings())
      await shell.openCore()
      shell.refresh()
      commands.windows.close('first-run')
      const [site] = shell.configuration.sites
      if (site) commands.run({ does: 'signIn', site: site.url })
      return null
    },
    answerConsent({ id, answer }) {
      commands.consent.answer(id, answer)
      return null
    },
    async revokeTool({ id }) {
      await shell.agent.consent.revoke(id)
      return null
    },
    askAgain({ executable, script, site }) {
      shell.agent.consent.askAgain({ executable, ...(script === '' ? {} : { script }) }, site)
      shell.refresh()
      return null
    },
    async saveSetting({ key, value }) {
      await shell.changeSetting(key, value)
      return null
    },
    copyDiagnosis: () => perform({ does: 'copyDiagnosis' }),
    openLogs: () => perform({ does: 'openLogs' }),
    showConsent: () => perform({ does: 'showConsent' }),
    openPrograms: () => perform({ does: 'showPrograms' }),
    openSettings: () => perform({ does: 'showSettings' }),
    openFirstRun: () => perform({ does: 'showFirstRun' }),
    openAbout: () => perform({ does: 'showAbout' }),
    restartForUpdate: () => perform({ does: 'restartForUpdate' }),
    quit: () => perform({ does: 'quit' }),
    closeWindow(_nothing, from) {
      commands.windows.close(from.name)
      return null
    },
  }
}

/** A page names a site; only a configured one is acted upon. Throws `site_unknown`. */
function known(shell: Shell, site: string): string {
  const found = shell.configuration.sites.find(({ url }) => url === site)
  if (!found) throw new AgentError('site_unknown')
  return found.url
}
