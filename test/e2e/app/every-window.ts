import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { CallName } from '../../../app/windows/calls.ts'
import type { Outcome, PageApi, WindowName } from '../../../app/windows/contract.ts'
import type { Studio } from '../../sandbox/studio.ts'
import { type AppStage, openStage, type StageOptions } from './app-stage.ts'

declare global {
  interface Window {
    /** What our preload script gives a page. */
    readonly sgSession: PageApi
  }
}

/** Every window that stays; the question about a program is gone in a minute, and has its checks in consent.test.ts. */
export const openableWindows = ['status', 'settings', 'about', 'first-run', 'sign-in', 'programs'] as const
export type OpenableWindow = (typeof openableWindows)[number]

export interface WindowsStage extends AppStage {
  /** The page of each window; a sign-in waits for the browser. */
  readonly pages: Readonly<Record<OpenableWindow, Page>>
  /** Every address the system was asked to open so far, of any scheme. */
  askedToOpen(): Promise<readonly string[]>
}

/** The real app with every window open. */
export async function openEveryWindow(electron: string, options: StageOptions = {}): Promise<WindowsStage> {
  let studio: Studio | undefined
  const stage = await openStage(electron, {
    ...options,
    args: ['--status', ...(options.args ?? [])],
    async prepare(scene) {
      studio = scene.studio
      await Promise.all([watchOpeners(scene.studio), scene.studio.startBroker()])
      await options.prepare?.(scene)
    },
  })
  try {
    const status = await windowNamed(stage, 'status')
    for (const call of ['openSettings', 'openAbout', 'openFirstRun', 'openPrograms'] as const)
      await calling(status, call, {})
    await calling(status, 'signIn', { site: stage.scene.site.url })
    await stage.scene.studio.openedAddress()
    const pages: Partial<Record<OpenableWindow, Page>> = {}
    for (const name of openableWindows) pages[name] = await windowNamed(stage, name)
    const askedToOpen = async () => (studio ? addressesAsked(studio) : [])
    return { ...stage, pages: pages as Record<OpenableWindow, Page>, askedToOpen }
  } catch (error) {
    await stage.close()
    throw error
  }
}

/** What the page of this window gets when it makes a call, allowed or not. */
export function calling(page: Page, name: unknown, args: unknown): Promise<Outcome<unknown>> {
  return page.evaluate(([call, given]) => window.sgSession.call(call as CallName, given as never), [name, args])
}

/** The page that shows this window; waits for it. */
export async function windowNamed(stage: AppStage, name: WindowName): Promise<Page> {
  const deadline = performance.now() + 15_000
  for (;;) {
    for (const page of stage.app.windows()) {
      const shown = await page.evaluate(async () => (await window.sgSession.view()).window).catch(() => undefined)
      if (shown === name) return page
    }
    if (performance.now() > deadline) throw new Error(`there is no window "${name}"`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}

const openers = ['xdg-open', 'xdg-email']

/** Puts in front of the system's openers programs that write down what they are asked, then do as they do. */
export async function watchOpeners({ folder }: Studio): Promise<void> {
  for (const name of openers) {
    const file = join(folder, 'bin', name)
    await writeFile(
      file,
      `#!/bin/sh\nprintf '%s\\n' "$*" >> '${folder}/asked-to-open'\nPATH="\${PATH#*:}" exec ${name} "$@"\n`,
    )
    await chmod(file, 0o755)
  }
}

/** What the watched openers were asked so far. */
export async function addressesAsked({ folder }: Studio): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'asked-to-open'), 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}
