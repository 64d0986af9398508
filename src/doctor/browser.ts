import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { System } from '../system/paths.ts'
import { runProgram } from '../system/run-program.ts'
import type { Finding } from './finding.ts'
import type { Check } from './world.ts'

/** What there is to open a browser with. */
export interface Openers {
  readonly platform: NodeJS.Platform
  /** A screen to show anything on. */
  readonly hasDisplay: boolean
  /** The first program of `$BROWSER` that is there; `missing` when none of those named is. */
  readonly named: string | 'missing' | undefined
  /** The system's opener: `xdg-open`, `/usr/bin/open`, PowerShell. */
  readonly opener: string | undefined
  /** What the desktop opens https addresses with (`firefox.desktop`), or a browser that xdg-open tries by itself. */
  readonly browser: string | undefined
}

const limitMs = 3_000
/** Those xdg-open tries where no desktop names one. */
const knownBrowsers = [
  'x-www-browser',
  'firefox',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'iceweasel',
  'epiphany',
]

/** Whether a browser would open. Nothing is opened. */
export const checkBrowser: Check = async ({ system, setup, program }, signal) => {
  const { sites } = setup.effective.config
  if (sites.length > 0 && sites.every(({ signIn }) => signIn === 'legacy')) {
    return [
      { check: 'browser', state: 'skipped', found: 'not needed: every site is signed in to with login and passphrase' },
    ]
  }
  return [judgeBrowser(await findOpeners(system, program.ownOpener, signal))]
}

/** Judges it: does an address reach a browser on this screen. */
export function judgeBrowser({ platform, hasDisplay, named, opener, browser }: Openers): Finding {
  const row = { check: 'browser' } as const
  const byHand = 'Until then "sg-session sign-in --no-browser" prints the address to open by hand.'
  if (opener === undefined) {
    const what = platform === 'linux' ? '"xdg-open" (package xdg-utils)' : 'the opener of the system'
    return {
      ...row,
      state: 'failed',
      found: 'there is nothing to open a browser with',
      advice: `Install ${what}. ${byHand}`,
    }
  }
  if (platform !== 'linux') return { ...row, state: 'ok', found: `${opener}; nothing was opened` }
  if (named === 'missing') {
    const advice = `Correct or remove BROWSER in the environment. ${byHand}`
    return { ...row, state: 'warning', found: 'BROWSER in the environment names a program that is not there', advice }
  }
  if (!hasDisplay && named === undefined) {
    const advice = `Start it on a desktop to have the browser open by itself. ${byHand}`
    return { ...row, state: 'warning', found: 'there is no display, so no browser opens here', advice }
  }
  if (named === undefined && browser === undefined) {
    const advice = `Install a browser, or choose the desktop’s default. ${byHand}`
    return { ...row, state: 'failed', found: `${opener} is there, but no browser to open`, advice }
  }
  return { ...row, state: 'ok', found: `${opener} and ${named ?? browser}; nothing was opened` }
}

async function findOpeners(
  { platform, env }: System,
  ownOpener: string | undefined,
  signal: AbortSignal,
): Promise<Openers> {
  const hasDisplay = platform !== 'linux' || Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY'])
  const none = { platform, hasDisplay, named: undefined, browser: undefined }
  if (platform === 'darwin') return { ...none, opener: await firstProgram(['/usr/bin/open'], env) }
  if (platform === 'win32') {
    const root = env['SYSTEMROOT'] ?? 'C:\\Windows'
    return { ...none, opener: await firstProgram([`${root}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`], env) }
  }
  // As xdg-open reads it: programs separated by colons, each perhaps with arguments.
  const wanted = (env['BROWSER'] ?? '').split(':').flatMap((entry) => entry.trim().split(/\s+/)[0] || [])
  const named = wanted.length === 0 ? undefined : ((await firstProgram(wanted, env)) ?? 'missing')
  return {
    ...none,
    named,
    opener: await firstProgram(['xdg-open', ...(ownOpener ? [ownOpener] : [])], env),
    browser: (await desktopsChoice(env, signal)) ?? (await firstProgram(knownBrowsers, env)),
  }
}

/** What the desktop says it opens https addresses with. */
async function desktopsChoice(env: System['env'], signal: AbortSignal): Promise<string | undefined> {
  const { stdout } = await runProgram('xdg-mime', ['query', 'default', 'x-scheme-handler/https'], {
    env: { ...env },
    limitMs,
    signal,
  })
  return /^[\w.-]+\.desktop$/m.exec(stdout)?.[0]
}

/** The first that is a program, by its path or on the PATH. */
export async function firstProgram(names: readonly string[], env: System['env']): Promise<string | undefined> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  const candidates = names.flatMap((name) => (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))))
  for (const file of candidates) {
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}
