import type { SettingItem, SettingsView } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, heading, problemBox } from './elements.ts'
import { icon } from './icons.ts'
import { h, type Tree } from './tree.ts'

type Value = SettingItem['value']

/** What the artist may change. Every change is saved at once, and taken back if that fails. */
export function settingsWindow(page: Page): DrawnWindow<SettingsView> {
  /** What was chosen and is being saved, or is saved and has not come back in a view. */
  const chosen = new Map<string, { readonly value: Value; saved: boolean }>()
  let last: SettingsView | undefined

  async function choose(item: SettingItem, value: Value): Promise<void> {
    const choice = { value, saved: false }
    chosen.set(item.key, choice)
    const outcome = await page.calls.run(item.key, 'saveSetting', { key: item.key, value })
    if (chosen.get(item.key) !== choice) return
    if (outcome.ok) choice.saved = true
    else chosen.delete(item.key)
    page.redraw()
  }

  return {
    draw(view) {
      if (view !== last) for (const [key, { saved }] of chosen) if (saved) chosen.delete(key)
      last = view
      const row = (item: SettingItem): Tree => {
        const value = chosen.get(item.key)?.value ?? item.value
        return settingRow(page, { ...item, value }, (next) => void choose(item, next))
      }
      return {
        main: [heading(1, view.title, { class: 'unseen' }), h('div', { class: 'settings' }, view.items.map(row))],
        foot: [actionRow(page, view.actions, { className: 'act quiet' })],
      }
    },
    leave: closesOnEscape(page),
  }
}

function settingRow(page: Page, item: SettingItem, choose: (value: Value) => void): Tree {
  const { key, label, hint, locked } = item
  const failure = page.calls.failureOf(key)
  const attributes = {
    id: key,
    disabled: locked !== undefined,
    'aria-busy': page.calls.isRunning(key) ? 'true' : undefined,
    'aria-describedby': `${key}-hint ${key}-locked`,
  }
  return h(
    'div',
    { class: locked === undefined ? 'setting' : 'setting locked' },
    [
      h('label', { for: key }, [label]),
      control(item, attributes, choose),
      h('p', { class: 'hint', id: `${key}-hint` }, [hint]),
      locked !== undefined && h('p', { class: 'reason', id: `${key}-locked` }, [icon('lock'), h('span', {}, [locked])]),
      failure && problemBox(failure),
    ],
    { key },
  )
}

type ControlAttributes = Readonly<Record<string, string | boolean | undefined>>

function control({ value, choices }: SettingItem, attributes: ControlAttributes, choose: (value: Value) => void): Tree {
  if (choices === undefined) {
    const change = (event: Event): void => choose((event.currentTarget as HTMLInputElement).checked)
    const checked = value === true
    return h('input', { ...attributes, type: 'checkbox', role: 'switch' }, [], { set: { checked }, on: { change } })
  }
  const options = choices.map((choice) => h('option', { value: choice.value }, [choice.label]))
  const change = (event: Event): void => choose((event.currentTarget as HTMLSelectElement).value)
  return h('select', attributes, options, { set: { value: String(value) }, on: { change } })
}
