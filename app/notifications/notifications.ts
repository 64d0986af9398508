import { Notification } from 'electron'
import type { Command } from '../situation.ts'
import type { Notice } from './ladder.ts'

/** At most one notification of the system at a time; the next one takes its place. */
export class Notifications {
  readonly #onCommand: (command: Command) => void
  #shown: { readonly notification: Notification; readonly command: Command } | undefined

  constructor(onCommand: (command: Command) => void) {
    this.#onCommand = onCommand
  }

  show({ title, body, command, button }: Notice): void {
    this.close()
    if (!Notification.isSupported()) return
    // Buttons are macOS' and Windows'; everywhere a click on the notification itself does the same.
    const actions = button && process.platform !== 'linux' ? [{ type: 'button' as const, text: button }] : []
    const notification = new Notification({ title, body, actions, silent: true })
    const act = (): void => {
      this.#shown = undefined
      this.#onCommand(command)
    }
    notification.on('click', act)
    notification.on('action', act)
    // Electron forgets notifications nobody holds, and their clicks with them.
    this.#shown = { notification, command }
    notification.show()
  }

  close(): void {
    this.#shown?.notification.close()
    this.#shown = undefined
  }

  /** Takes back the one that does this, if it is still there. */
  takeBack(does: Command['does']): void {
    if (this.#shown?.command.does === does) this.close()
  }
}
