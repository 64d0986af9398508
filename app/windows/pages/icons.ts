import { h, type Tree } from './tree.ts'

/** Line drawings of 20 × 20, in the colour of the text; what they say stands in words beside them. */
const strokes = {
  check: ['M4.5 10.5 8.3 14.2 15.5 6.2'],
  cross: ['M5.5 5.5l9 9', 'M14.5 5.5l-9 9'],
  warning: ['M10 3.2 17.8 16.6H2.2z', 'M10 8.2v3.8', 'M10 14.2v.1'],
  error: ['M10 2.8a7.2 7.2 0 1 1 0 14.4 7.2 7.2 0 0 1 0-14.4z', 'M10 6.2v4.6', 'M10 13.7v.1'],
  info: ['M10 2.8a7.2 7.2 0 1 1 0 14.4 7.2 7.2 0 0 1 0-14.4z', 'M10 9.4v4.4', 'M10 6.3v.1'],
  lock: ['M5 9.2h10v7H5z', 'M7 9V6.5a3 3 0 0 1 6 0V9'],
  ring: ['M10 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12z'],
  program: ['M3.5 4.5h13v11h-13z', 'M3.5 8h13'],
} as const
export type IconName = keyof typeof strokes

export function icon(name: IconName): Tree {
  const paths = strokes[name].map((d) => h('path', { d }))
  return h('svg', { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', 'data-icon': name }, paths, {
    key: name,
  })
}

/** Turns while something is awaited; for those who want no motion it stands still. */
export function spinner(): Tree {
  return h('span', { class: 'spinner', 'aria-hidden': 'true' }, [], { key: 'spinner' })
}

/** The mark of sg-session: one key for every tool. */
export function mark(): Tree {
  return h('svg', { class: 'mark', viewBox: '0 0 48 48', 'aria-hidden': 'true' }, [
    h('rect', { width: 48, height: 48, rx: 11 }),
    h('circle', { cx: 18, cy: 24, r: 6.5 }),
    h('path', { d: 'M24.5 24H38v6' }),
    h('path', { d: 'M32 24v4.5' }),
  ])
}
