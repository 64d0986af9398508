import type { SiteCard, StatusView } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, heading, mainAction, paragraph, problemBox } from './elements.ts'
import { icon, spinner } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

/** The sites and their sessions, and the tools that use them. */
export function statusWindow(page: Page): DrawnWindow<StatusView> {
  return {
    draw: (view) => ({
      main: [
        heading(1, view.title, { class: 'unseen' }),
        ...view.problems.map(problemBox),
        ...view.sites.map((card) => siteCard(page, card, view)),
        toolList(view.tools),
      ],
      foot: [actionRow(page, view.actions, { className: 'act quiet' })],
    }),
    leave: closesOnEscape(page),
  }
}

function siteCard(page: Page, card: SiteCard, view: StatusView): Tree {
  const id = `site-${view.sites.indexOf(card)}`
  const main = mainAction(view.sites.flatMap(({ actions }) => actions))
  return h(
    'section',
    { class: `card ${card.state}`, 'aria-labelledby': id },
    [
      h('div', { class: 'site' }, [heading(2, card.name, { id }), h('p', { class: 'address' }, [hostOf(card.site)])]),
      h('div', { class: 'state' }, [
        stateMark(card.state),
        h('div', { role: 'status' }, [
          h('p', { class: 'headline' }, [card.headline]),
          paragraph(card.detail, 'detail'),
          paragraph(card.obtained ?? '', 'obtained'),
        ]),
      ]),
      card.left && timeLeft(card.left, id),
      card.problem && problemBox(card.problem),
      actionRow(page, card.actions, { said: [card.problem, ...view.problems], main }),
    ],
    { key: card.site },
  )
}

function stateMark(state: SiteCard['state']): Tree {
  const marks = { signed_in: icon('check'), signed_out: icon('ring'), signing_in: spinner() }
  return h('span', { class: 'badge' }, [marks[state]])
}

function timeLeft({ share, label, soon }: NonNullable<SiteCard['left']>, labelledBy: string): Tree {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100)
  return h('div', { class: soon ? 'left soon' : 'left' }, [
    h('progress', { max: 100, value: percent, 'aria-labelledby': labelledBy, 'aria-valuetext': label }),
    h('p', {}, [soon && icon('warning'), h('span', {}, [label])]),
  ])
}

function toolList({ heading: words, none, rows }: StatusView['tools']): Child {
  const list = rows.map(({ name, detail }) =>
    h('li', {}, [icon('program'), h('div', {}, [h('p', { class: 'name' }, [name]), paragraph(detail, 'detail')])]),
  )
  return h('section', { class: 'tools', 'aria-labelledby': 'tools' }, [
    heading(2, words, { id: 'tools' }),
    rows.length > 0 ? h('ul', {}, list) : paragraph(none, 'none'),
  ])
}

function hostOf(site: string): string {
  return URL.parse(site)?.host ?? site
}
