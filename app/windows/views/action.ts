import type { CallName } from '../calls.ts'
import type { Action } from '../contract.ts'

/** A button. */
export function act(label: string, kind: Action['kind'], call: CallName, args: Action['args'] = {}): Action {
  return { label, kind, call, args }
}
