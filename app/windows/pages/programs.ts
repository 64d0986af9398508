import type { ProgramRow, ProgramsView } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, facts, heading, paragraph } from './elements.ts'
import { h, type Tree } from './tree.ts'

/** The programs that the artist has allowed; each can be sent away again. */
export function programsWindow(page: Page): DrawnWindow<ProgramsView> {
  return {
    draw: (view) => ({
      main: [
        h('div', { class: 'said' }, [heading(1, view.headline), paragraph(view.text, 'text')]),
        view.rows.length > 0
          ? h(
              'ul',
              { class: 'programs' },
              view.rows.map((row) => program(page, row)),
            )
          : paragraph(view.none, 'none empty'),
        view.refused.rows.length > 0 && refusedList(page, view.refused),
      ],
      foot: [actionRow(page, view.actions, { className: 'act answers' })],
    }),
    leave: closesOnEscape(page),
  }
}

function refusedList(page: Page, { heading: words, text, rows }: ProgramsView['refused']): Tree {
  return h('section', { class: 'refused-programs', 'aria-labelledby': 'refused' }, [
    heading(2, words, { id: 'refused' }),
    paragraph(text, 'hint'),
    h(
      'ul',
      { class: 'programs' },
      rows.map((row) => program(page, row)),
    ),
  ])
}

function program(page: Page, { id, name, facts: known, action }: ProgramRow): Tree {
  const named = `program-${id}`
  return h(
    'li',
    { class: 'card', 'aria-labelledby': named },
    [
      h('div', { class: 'beside' }, [
        heading(2, name, { id: named }),
        actionRow(page, [action], { className: 'act small', describedBy: named }),
      ]),
      facts(known, 'facts plain'),
    ],
    { key: id },
  )
}
