import { expect } from 'vitest'
import { calls } from '../../../../../app/windows/calls.ts'
import type { Action, View } from '../../../../../app/windows/contract.ts'
import { judgeCall } from '../../../../../app/windows/judge-call.ts'

/** Every button of a window does what the main process would let it do, and says something; a view is plain data. */
export function demandPossible(view: View): void {
  const actions = [
    ...('actions' in view ? view.actions : []),
    ...(view.window === 'status' ? [...view.sites.flatMap((card) => card.actions), ...view.tools.actions] : []),
    ...(view.window === 'programs' ? [...view.rows, ...view.refused.rows].map(({ action }) => action) : []),
    ...(view.window === 'sign-in' ? (view.help ?? []) : []),
  ]
  for (const { label, call, args } of actions satisfies Action[]) {
    expect(label).not.toBe('')
    expect(Object.keys(calls)).toContain(call)
    expect(judgeCall(call, args, { name: view.window })).toEqual({ call, parsed: args })
  }
  for (const row of rowsOf(view, actions)) {
    expect(row.filter(({ kind }) => kind === 'primary').length, 'one button stands out at most').toBeLessThanOrEqual(1)
    expect(new Set(row.map(({ label }) => label)).size, 'no two buttons say the same').toBe(row.length)
  }
  expect(structuredClone(view), 'a view crosses to the page as it is').toEqual(view)
  expect(JSON.stringify(view)).not.toMatch(/NaN|Invalid Date|\bundefined\b|\[object/)
}

/** Buttons that stand beside each other. */
function rowsOf(view: View, actions: readonly Action[]): (readonly Action[])[] {
  if (view.window === 'programs') return [view.actions]
  return view.window === 'status' ? [view.actions, ...view.sites.map((card) => card.actions)] : [actions]
}
