import type { View } from '../contract.ts'
import type { Calls } from './calling.ts'
import type { Child } from './tree.ts'

/** What the page gives to the file of a window. */
export interface Page {
  readonly calls: Calls
  /** Draws the last view once more, because something the window itself remembers has changed. */
  redraw(): void
}

/** What the file of a window gives to the page. */
export interface DrawnWindow<V extends View> {
  draw(view: V): Drawing
  /** What Escape does. */
  leave(view: V): void
}

export interface Drawing {
  /** Scrolls if it must. */
  readonly main: readonly Child[]
  /** Stays in sight below. */
  readonly foot?: readonly Child[]
  /** A question about safety: read out at once, and not answered by a key that was meant for another window. */
  readonly alert?: { readonly labelledBy: string; readonly describedBy: string }
}

export function closesOnEscape({ calls }: Page): () => void {
  return () => void calls.run('close', 'closeWindow', {})
}
