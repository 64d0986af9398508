import type { ConsentView } from '../contract.ts'
import { keyOf } from './calling.ts'
import type { DrawnWindow, Page } from './drawn-window.ts'
import { actionRow, facts, paragraph } from './elements.ts'
import { mark } from './icons.ts'
import { h } from './tree.ts'

/** How long a question must have been in front of somebody before it can be answered. */
const readingMs = 700

/**
 * May this program use the session? A key or click that was meant for the window before must not answer: no button can be
 * pressed in the first moment, none has the focus, and Enter means none of them. The window comes up without the keyboard; when
 * it is given that, keys wait for a moment of their own.
 */
export function consentWindow(page: Page): DrawnWindow<ConsentView> {
  let asked = ''
  let answerable = false
  /** Undefined while the window is not in front. */
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Whether the question has had the keyboard, and since when keys count. */
  let hadFocus = false
  let keysFrom = 0

  function wait(): void {
    rest()
    timer = setTimeout(() => {
      answerable = true
      page.redraw()
    }, readingMs)
  }
  function rest(): void {
    clearTimeout(timer)
    timer = undefined
    answerable = false
  }
  function onFocus(): void {
    if (hadFocus) return startAnew(wait)
    // It has been read already, perhaps: the click that brought the keyboard may be the answer.
    hadFocus = true
    keysFrom = performance.now() + readingMs
  }
  function startAnew(start: () => void): void {
    if (asked === '') return
    start()
    page.redraw()
    document.getElementById('question')?.focus({ preventScroll: true })
  }
  window.addEventListener('blur', () => startAnew(rest))
  window.addEventListener('focus', onFocus)
  document.addEventListener('visibilitychange', () => startAnew(document.hidden ? rest : wait))
  // Not every window system tells that the window is in front again; then the first touch does.
  for (const touch of ['pointerdown', 'keydown'])
    document.addEventListener(touch, () => timer === undefined && startAnew(wait), true)
  const holdBack = (event: Event): void => {
    if (asked === '') return
    const { key } = event as KeyboardEvent
    // With no button to go to, Tab would leave the window.
    if (performance.now() < keysFrom || (!answerable && key === 'Tab')) event.preventDefault()
  }
  for (const part of ['keydown', 'keyup']) document.addEventListener(part, holdBack, true)

  return {
    draw(view) {
      const question = JSON.stringify([view.id, view.headline, view.facts, view.claim])
      if (question !== asked) {
        asked = question
        hadFocus = document.hasFocus()
        wait()
      }
      const busy = view.actions.some((action) => page.calls.isRunning(keyOf(action)))
      return {
        main: [
          h('div', { class: 'head' }, [
            mark(),
            h('h1', { id: 'question', tabindex: -1, autofocus: true }, [view.headline]),
          ]),
          h('div', { id: 'about' }, [facts(view.facts), paragraph(view.claim, 'claim'), paragraph(view.hint, 'hint')]),
        ],
        foot: [actionRow(page, view.actions, { disabled: !answerable || busy, className: 'act answers' })],
        alert: { labelledBy: 'question', describedBy: 'about' },
      }
    },
    leave(view) {
      if (!answerable || view.actions.some((action) => page.calls.isRunning(keyOf(action)))) return
      const deny = view.actions.find(({ call, args }) => call === 'answerConsent' && args['answer'] === 'deny')
      if (deny) void page.calls.act(deny)
      else void page.calls.run('deny', 'answerConsent', { id: view.id, answer: 'deny' })
    },
  }
}
