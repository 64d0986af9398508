import type { ConsentQuestion } from '../../src/agent.ts'
import {
  type Command,
  clockTime,
  isCutOff,
  isSignInUnderWay,
  minutesToEnd,
  type SiteSituation,
  type Situation,
} from '../situation.ts'
import type { Language } from '../strings/catalogue.ts'
import type { Strings } from '../strings/en.ts'
import { programName, questionName } from '../windows/views/shown-program.ts'

const trayIcons = ['signed-out', 'signing-in', 'signed-in', 'attention', 'offline', 'locked'] as const
export type TrayIcon = (typeof trayIcons)[number]

export type MenuItem =
  | { readonly kind: 'line' }
  | { readonly kind: 'text'; readonly label: string }
  | {
      readonly kind: 'command'
      readonly label: string
      readonly command: Command
      readonly checked?: boolean
      readonly enabled?: boolean
    }
  | { readonly kind: 'menu'; readonly label: string; readonly items: readonly MenuItem[] }

export interface TrayView {
  readonly icon: TrayIcon
  readonly tooltip: string
  readonly menu: readonly MenuItem[]
}

/** What the tray shows: icon, tooltip and menu. Pure; the same situation gives the same view. */
export function trayView(situation: Situation, language: Language): TrayView {
  const { strings } = language
  const lines = situation.sites.map((site) => describe(site, situation, language))
  const noSites = situation.sites.length === 0
  return {
    icon: iconOf(situation),
    tooltip: [
      'sg-session',
      ...(situation.question === undefined ? [] : [strings.tray.asks(questionName(situation.question, strings))]),
      ...(noSites ? [whyNoSites(situation, strings)] : lines),
    ].join('\n'),
    menu: [
      ...(situation.question === undefined ? [] : questionPart(situation.question, strings)),
      ...(noSites ? setUpPart(situation, strings) : sitesPart(situation, language)),
      { kind: 'line' },
      ...(noSites ? [] : [toolsPart(situation, language)]),
      ...(noSites ? [] : [command(strings.tray.programs, { does: 'showPrograms' })]),
      command(strings.tray.status, { does: 'showStatus' }),
      command(strings.tray.settings, { does: 'showSettings' }),
      situation.collecting
        ? { kind: 'text', label: strings.diagnosis.collecting }
        : command(strings.tray.copyDiagnosis, { does: 'copyDiagnosis' }),
      command(strings.tray.showLogs, { does: 'openLogs' }),
      {
        ...command(strings.tray.startAtLogin, { does: 'toggleStartAtLogin' }),
        checked: situation.startAtLogin,
        enabled: !situation.startAtLoginLocked,
      },
      { kind: 'line' },
      ...updatePart(situation, strings),
      command(strings.tray.about, { does: 'showAbout' }),
      command(strings.tray.quit, { does: 'quit' }),
    ],
  }
}

/** What the tray shows before anything is known: the icon is there before everything else. */
export function startingView({ strings }: Language): TrayView {
  const menu: MenuItem[] = [
    { kind: 'text', label: strings.tray.starting },
    { kind: 'line' },
    command(strings.tray.quit, { does: 'quit' }),
  ]
  return { icon: 'signed-out', tooltip: 'sg-session', menu }
}

function iconOf(situation: Situation): TrayIcon {
  const { sites, problems, screenLocked, online, question } = situation
  const states = sites.map(({ status }) => status.state)
  if (screenLocked) return 'locked'
  if (question) return 'attention'
  if (sites.length === 0 && problems.length > 0) return 'attention'
  if (states.includes('signing_in')) return 'signing-in'
  if (!states.includes('signed_in')) return online ? 'signed-out' : 'offline'
  if (sites.some((site) => minutesToEnd(site, situation) !== undefined)) return 'attention'
  if (!online || sites.some(isCutOff)) return 'offline'
  return sites.some(({ status }) => status.problem !== undefined) ? 'attention' : 'signed-in'
}

function describe(site: SiteSituation, situation: Situation, { tag, strings }: Language): string {
  const { status, name } = site
  if (status.state === 'signed_out') return strings.tray.site(name, strings.tray.signedOut)
  if (status.state === 'signing_in') {
    return strings.tray.site(name, site.credentials ? strings.tray.credentialsWanted : strings.tray.signingIn)
  }
  const minutes = minutesToEnd(site, situation)
  const ends = status.signInEndsAt ?? status.expiresAt ?? situation.now
  const when =
    minutes === undefined ? strings.tray.until(clockTime(ends, situation.now, tag)) : strings.tray.endsSoon(minutes)
  const cutOff = !situation.online || isCutOff(site) ? `, ${strings.tray.offline}` : ''
  const signedIn = strings.tray.signedInAs(status.name || status.login || '')
  return strings.tray.site(name, `${signedIn}, ${when}${cutOff}`)
}

function questionPart(question: ConsentQuestion, strings: Strings): MenuItem[] {
  return [
    { kind: 'text', label: strings.tray.asks(questionName(question, strings)) },
    command(strings.tray.answer, { does: 'showConsent' }),
    { kind: 'line' },
  ]
}

/** A newer version that waits, and a way not to wait where the artist alone is in its way. */
function updatePart({ update }: Situation, { update: texts }: Strings): MenuItem[] {
  if (update === undefined) return []
  const { version, obstacle } = update
  return [
    { kind: 'text', label: `${texts.ready(version)} ${texts.waits[obstacle ?? 'nothing']}` },
    ...(obstacle === 'window' ? [command(texts.restart, { does: 'restartForUpdate' })] : []),
    { kind: 'line' },
  ]
}

function whyNoSites({ problems: [problem] }: Situation, strings: Strings): string {
  return problem === undefined ? strings.tray.notSetUp : strings.errors[problem.code].sentence
}

/** Setting up helps only where nothing is configured, not where the configuration or the agent is broken. */
function setUpPart(situation: Situation, strings: Strings): MenuItem[] {
  const why: MenuItem = { kind: 'text', label: whyNoSites(situation, strings) }
  return situation.problems.length > 0 ? [why] : [why, command(strings.tray.setUp, { does: 'showFirstRun' })]
}

function sitesPart(situation: Situation, language: Language): MenuItem[] {
  const [only, ...others] = situation.sites
  if (only && others.length === 0) {
    return [
      { kind: 'text', label: describe(only, situation, language) },
      ...siteItems(only, situation, language.strings),
    ]
  }
  return situation.sites.map((site) => ({
    kind: 'menu',
    label: describe(site, situation, language),
    items: siteItems(site, situation, language.strings),
  }))
}

function siteItems(site: SiteSituation, situation: Situation, { tray }: Strings): MenuItem[] {
  const at = site.url
  const openSite = command(tray.openSite, { does: 'openSite', site: at })
  switch (site.status.state) {
    case 'signed_out':
      return [
        command(tray.signIn, { does: 'signIn', site: at }),
        command(tray.switchUser, { does: 'switchUser', site: at }),
        openSite,
      ]
    case 'signing_in':
      return [
        command(tray.showSignIn, { does: 'showSignIn', site: at }),
        command(tray.cancel, { does: 'cancelSignIn', site: at }),
        openSite,
      ]
    case 'signed_in': {
      const again =
        minutesToEnd(site, situation) === undefined ? [] : [command(tray.signInAgain, { does: 'signIn', site: at })]
      const switchUser = isSignInUnderWay(site)
        ? [
            command(tray.showSignIn, { does: 'showSignIn', site: at }),
            command(tray.cancel, { does: 'cancelSignIn', site: at }),
          ]
        : [...again, command(tray.switchUser, { does: 'switchUser', site: at })]
      return [openSite, ...switchUser, command(tray.signOut, { does: 'signOut', site: at })]
    }
  }
}

/** A menu is no list: the newest are enough, the status window has them all. */
const mostTools = 10

function toolsPart({ tools, now }: Situation, { tag, strings }: Language): MenuItem {
  const rows = tools.slice(0, mostTools).map((tool): MenuItem => {
    const used = strings.tool.used(clockTime(tool.lastAt, now, tag), tool.count)
    return {
      kind: 'text',
      label: strings.tray.tool(programName(tool, strings), tool.name || strings.tool.unnamed, used),
    }
  })
  const items = rows.length > 0 ? rows : [{ kind: 'text' as const, label: strings.tray.noTools }]
  return { kind: 'menu', label: strings.tray.tools, items }
}

function command(label: string, what: Command) {
  return { kind: 'command' as const, label, command: what }
}
