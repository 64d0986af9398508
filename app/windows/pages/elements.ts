import type { Action, Fact, Finding, Problem, TextField } from '../contract.ts'
import { keyOf } from './calling.ts'
import type { Page } from './drawn-window.ts'
import { icon, spinner } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

/** A heading that focus can come to when the button it was on has gone. */
export function heading(level: 1 | 2, text: string, attributes: { id?: string; class?: string } = {}): Tree {
  return h(`h${level}`, { tabindex: -1, ...attributes }, [text])
}

export function paragraph(text: string, className: string): Child {
  return text !== '' && h('p', { class: className }, [text])
}

export interface ButtonState {
  readonly kind: Action['kind']
  readonly busy?: boolean
  /** Says that something is missing still; a press is answered all the same, with what it is. */
  readonly notYet?: boolean
  /** Cannot be pressed at all. */
  readonly disabled?: boolean
  /** The form it submits, by its id. */
  readonly submits?: string
  /** Enter presses it wherever focus is. */
  readonly main?: boolean
  /** What it acts upon, by the id of its words. */
  readonly describedBy?: string | undefined
}

export function button(label: string, state: ButtonState, press?: () => void, key = label): Tree {
  const { busy = false, notYet = false, disabled = false, submits, main = false, describedBy } = state
  const attributes = {
    type: submits === undefined ? 'button' : 'submit',
    form: submits,
    class: `button ${state.kind}`,
    'aria-busy': busy ? 'true' : undefined,
    // Not `disabled`, which would throw the focus away.
    'aria-disabled': busy || notYet ? 'true' : undefined,
    disabled,
    'data-main': main,
    'aria-describedby': describedBy,
  }
  const click = (event: Event): void => {
    if (busy) event.preventDefault()
    else press?.()
  }
  return h('button', attributes, [busy && spinner(), h('span', {}, [label])], { key, on: { click } })
}

export interface RowState {
  /** Sentences that are on the page already: a call that failed does not say them again. */
  readonly said?: readonly (Problem | undefined)[]
  readonly main?: Action | undefined
  /** None can be pressed now. */
  readonly disabled?: boolean
  readonly className?: string
  /** What they act upon, by the id of its words. */
  readonly describedBy?: string
}

/** The buttons of some actions, and under them what went wrong when one was pressed. */
export function actionRow(page: Page, actions: readonly Action[], state: RowState = {}): Child {
  if (actions.length === 0) return undefined
  const { calls } = page
  const said = new Set(state.said?.map((problem) => problem?.sentence))
  const buttons = actions.map((action) => {
    const key = keyOf(action)
    const { kind, label } = action
    const busy = calls.isRunning(key)
    const word = busy ? (action.doing ?? label) : calls.isDone(key) ? (action.done ?? label) : label
    const { disabled = false, main, describedBy } = state
    const buttonState = { kind, busy, main: action === main, disabled, describedBy }
    return button(word, buttonState, () => void calls.act(action), key)
  })
  const failures = actions.map((action) => calls.failureOf(keyOf(action))).filter((one) => !said.has(one?.sentence))
  const told = actions.map((action) => {
    const key = keyOf(action)
    return (calls.isRunning(key) ? action.doing : calls.isDone(key) ? action.done : undefined) ?? ''
  })
  return h('div', { class: state.className ?? 'act' }, [
    h('div', { class: 'buttons' }, buttons),
    h('p', { class: 'unseen', role: 'status' }, [told.filter(Boolean).join(' ')]),
    ...failures.map((failure) => failure && problemBox(failure)),
  ])
}

/** Enter presses the one main button. With two there is none: which was meant is not known. */
export function mainAction(actions: readonly Action[]): Action | undefined {
  const primary = actions.filter(({ kind }) => kind === 'primary')
  return primary.length === 1 ? primary[0] : undefined
}

export function problemBox({ tone, sentence, advice, steps = [] }: Problem): Tree {
  const attributes = { class: `problem ${tone}`, role: tone === 'error' ? 'alert' : 'status' }
  const list = steps.map((step) => h('li', {}, [step]))
  const words = [
    h('p', { class: 'sentence' }, [sentence]),
    paragraph(advice, 'advice'),
    list.length > 0 && h('ol', { class: 'steps' }, list),
  ]
  return h('div', attributes, [icon(tone), h('div', {}, words)], { key: `${tone} ${sentence}` })
}

/** Labels and values in pairs. A long value scrolls by itself, so that it cannot push the others out of sight. */
export function facts(pairs: readonly Fact[], className = 'facts'): Child {
  if (pairs.length === 0) return undefined
  const rows = pairs.map(({ label, value, whole, note }) =>
    h('div', {}, [
      h('dt', {}, [label]),
      h('dd', { title: whole }, breakable(value)),
      note !== undefined && h('dd', { class: 'note' }, [note]),
    ]),
  )
  return h('dl', { class: className }, rows)
}

/** A path breaks behind its slashes first, and only then inside a name. */
function breakable(text: string): Child[] {
  return text.split(/(?<=[/\\])/).flatMap((part, index) => (index === 0 ? [part] : [h('wbr'), part]))
}

export interface FieldState {
  readonly id: string
  /** Beside the line. */
  readonly beside?: Child
  readonly finding?: Finding | undefined
  readonly focused?: boolean
  onInput(text: string): void
  onBlur?(): void
}

/** A line to type an address into, with its hint and what was found out about it. */
export function addressField(
  field: Omit<TextField, 'placeholder'> & { placeholder?: string },
  state: FieldState,
): Tree {
  const { id, finding, onInput, onBlur = () => undefined } = state
  const attributes = {
    id,
    class: 'field',
    type: 'text',
    inputmode: 'url',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    dir: 'ltr',
    placeholder: field.placeholder,
    value: field.value,
    autofocus: state.focused,
    'aria-describedby': `${id}-hint ${id}-finding`,
    'aria-invalid': finding && !finding.good ? 'true' : undefined,
  }
  const input = (event: Event): void => onInput((event.currentTarget as HTMLInputElement).value)
  const words = finding && [icon(finding.good ? 'check' : 'cross'), h('span', {}, [finding.text])]
  const tone = finding ? (finding.good ? 'good' : 'bad') : ''
  return h('div', { class: 'entry' }, [
    h('label', { for: id }, [field.label]),
    h('p', { class: 'hint', id: `${id}-hint` }, [field.hint]),
    h('div', { class: 'line' }, [h('input', attributes, [], { on: { input, blur: onBlur } }), state.beside]),
    h('p', { class: `finding ${tone}`, id: `${id}-finding`, 'aria-live': 'polite' }, words || []),
  ])
}
