import type { PageApi, View } from '../contract.ts'
import { aboutWindow } from './about.ts'
import { Calls } from './calling.ts'
import { consentWindow } from './consent.ts'
import type { Drawing, DrawnWindow, Page } from './drawn-window.ts'
import { firstRunWindow } from './first-run.ts'
import { programsWindow } from './programs.ts'
import { settingsWindow } from './settings.ts'
import { signInWindow } from './sign-in.ts'
import { statusWindow } from './status.ts'
import { h, paint } from './tree.ts'

declare global {
  interface Window {
    readonly sgSession: PageApi
  }
}

let view: View | undefined
const page: Page = { calls: new Calls(window.sgSession, redraw), redraw }
const windows = {
  status: statusWindow(page),
  'sign-in': signInWindow(page),
  'first-run': firstRunWindow(page),
  consent: consentWindow(page),
  programs: programsWindow(page),
  settings: settingsWindow(page),
  about: aboutWindow(page),
}

window.sgSession.onView(show)
window.sgSession.view().then(
  // A view that was sent in the meantime is newer than this answer.
  (first) => view ?? show(first),
  () => undefined,
)
document.addEventListener('keydown', (event) => {
  if (view === undefined || event.defaultPrevented || event.isComposing || event.repeat) return
  if (event.key === 'Escape') windowOf(view).leave(view)
  if (event.key === 'Enter' && !takesEnter(event.target)) pressMainButton()
})

function show(next: View): void {
  view = next
  document.title = next.title
  document.documentElement.lang = next.language
  redraw()
}

function redraw(): void {
  if (view === undefined) return
  const focused = document.activeElement
  const around = ancestorsOf(focused)
  const before = document.body.dataset['shown']
  const shown = view.window === 'consent' ? `consent ${view.id}` : view.window
  document.body.dataset['shown'] = shown
  document.body.dataset['window'] = view.window
  paintDrawing(windowOf(view).draw(view), shown)
  page.calls.forgetUnasked()
  if (before !== shown) document.querySelector<HTMLElement>('[autofocus]')?.focus()
  else bringFocusBack(focused, around)
}

function windowOf(shown: View): DrawnWindow<View> {
  // The table above pairs every view with the file that draws it.
  return windows[shown.window] as DrawnWindow<View>
}

function paintDrawing({ main, foot, alert }: Drawing, key: string): void {
  const question = alert && {
    role: 'alertdialog',
    'aria-labelledby': alert.labelledBy,
    'aria-describedby': alert.describedBy,
  }
  const inside = [h('main', {}, main), foot && h('footer', {}, foot)]
  paint(document.body, [h('div', { class: 'page', ...question }, inside, { key })])
}

/** Focus stays where it was; if that has gone, it goes to the heading of its place, where no key does anything. */
function bringFocusBack(focused: Element | null, around: readonly Element[]): void {
  if (!(focused instanceof HTMLElement) || focused === document.body) return
  if (focused.isConnected) {
    if (document.activeElement !== focused) focused.focus({ preventScroll: true })
    return
  }
  const place = around.find((element) => element.isConnected && element.querySelector('[tabindex="-1"]'))
  place?.querySelector<HTMLElement>('[tabindex="-1"]')?.focus({ preventScroll: true })
}

function ancestorsOf(element: Element | null): Element[] {
  const found: Element[] = []
  for (let at = element?.parentElement; at; at = at.parentElement) found.push(at)
  return found
}

function takesEnter(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, input, select, summary') !== null
}

function pressMainButton(): void {
  document.querySelector<HTMLElement>('[data-main]')?.click()
}
