import type { AboutView } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, facts, heading, mainAction, paragraph } from './elements.ts'
import { mark } from './icons.ts'
import { h } from './tree.ts'

/** Which version this is, and what somebody who helps would want to know. */
export function aboutWindow(page: Page): DrawnWindow<AboutView> {
  return {
    draw: (view) => ({
      main: [
        h('div', { class: 'centred' }, [mark(), heading(1, view.name), paragraph(view.text, 'text')]),
        facts(view.facts),
      ],
      foot: [actionRow(page, view.actions, { main: mainAction(view.actions), className: 'act even' })],
    }),
    leave: closesOnEscape(page),
  }
}
