import type { SiteStatus } from '../../src/session/changes.ts'
import type { Command, WaitedFor } from '../situation.ts'
import type { Language } from '../strings/catalogue.ts'
import { type Notice, NotificationLadder } from './ladder.ts'
import { Notifications } from './notifications.ts'

/** What the artist is told: the ladder of this configuration chooses, the system's notifications show it. */
export class Notices {
  readonly #language: () => Language
  readonly #notifications: Notifications
  #ladder: NotificationLadder | undefined

  constructor(language: () => Language, onCommand: (command: Command) => void) {
    this.#language = language
    this.#notifications = new Notifications(onCommand)
  }

  /** Begins anew, for another configuration; before the first time nothing is told. */
  begin(remindBeforeMinutes: number): void {
    this.#ladder = new NotificationLadder(() => Date.now(), remindBeforeMinutes * 60_000)
  }

  tell(notice: (ladder: NotificationLadder, language: Language) => Notice | undefined): void {
    const told = this.#ladder && notice(this.#ladder, this.#language())
    if (told) this.#notifications.show(told)
  }

  /** A session changed. `waitedFor`: of the sign-in there was. `isShown`: a window says it already. */
  onChange(status: SiteStatus, waitedFor: WaitedFor | undefined, isShown: boolean): void {
    const notice = this.#ladder?.onChange(status, this.#language(), waitedFor)
    if (notice === 'close') this.#notifications.close()
    else if (notice && !(status.state === 'signed_out' && isShown)) this.#notifications.show(notice)
  }

  /** Nothing is told until the screen is unlocked. */
  onLock(): void {
    this.#ladder?.onLock()
  }

  onUnlock(): void {
    this.tell((ladder, language) => ladder.onUnlock(language))
  }

  /** Takes back the one that does this, if it is still there. */
  takeBack(does: Command['does']): void {
    this.#notifications.takeBack(does)
  }

  close(): void {
    this.#notifications.close()
  }
}
