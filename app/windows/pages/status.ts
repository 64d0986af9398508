import type { RecentCalls, SiteCard, StatusView } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, heading, mainAction, paragraph, problemBox } from './elements.ts'
import { icon, spinner } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

/** The sites and their sessions, the tools that use them, and the newest calls. */
export function statusWindow(page: Page): DrawnWindow<StatusView> {
  let isUnfolded = false
  const unfold = (event: Event): void => {
    isUnfolded = (event.currentTarget as HTMLDetailsElement).open
  }
  return {
    draw: (view) => ({
      main: [
        heading(1, view.title, { class: 'unseen' }),
        ...view.problems.map(problemBox),
        ...view.sites.map((card) => siteCard(page, card, view)),
        toolList(page, view.tools),
        callList(view.calls, isUnfolded, unfold),
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

function toolList(page: Page, { heading: words, none, rows, actions }: StatusView['tools']): Child {
  const list = rows.map(({ name, whole, detail, refused }) =>
    h('li', { class: refused ? 'refused' : undefined }, [
      icon(refused ? 'cross' : 'program'),
      h('div', {}, [h('p', { class: 'name', title: whole }, [name]), paragraph(detail, 'detail')]),
    ]),
  )
  return h('section', { class: 'tools', 'aria-labelledby': 'tools' }, [
    h('div', { class: 'beside' }, [
      heading(2, words, { id: 'tools' }),
      actionRow(page, actions, { className: 'act quiet' }),
    ]),
    rows.length > 0 ? h('ul', {}, list) : paragraph(none, 'none'),
  ])
}

function callList(
  { heading: words, none, hint, rows }: RecentCalls,
  isUnfolded: boolean,
  unfold: (event: Event) => void,
): Child {
  const list = rows.map(({ when, who, whole, what, outcome, refused }) =>
    h('li', { class: refused ? 'call refused' : 'call' }, [
      h('p', { class: 'when' }, [when]),
      h('div', {}, [
        h('p', { class: 'name', title: whole }, [who]),
        h('p', { class: 'detail' }, [h('span', { class: 'what' }, [what]), ' · ', h('span', {}, [outcome])]),
      ]),
    ]),
  )
  return h(
    'details',
    { class: 'calls', open: isUnfolded },
    [h('summary', {}, [words]), rows.length > 0 ? h('ul', {}, list) : paragraph(none, 'none'), paragraph(hint, 'hint')],
    { on: { toggle: unfold } },
  )
}

function hostOf(site: string): string {
  return URL.parse(site)?.host ?? site
}
