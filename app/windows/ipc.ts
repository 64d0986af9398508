import { ipcMain } from 'electron'
import { asAgentError } from '../../src/errors.ts'
import type { Log } from '../../src/ports.ts'
import type { Strings } from '../strings/en.ts'
import type { CallArgs, CallName, CallResult } from './calls.ts'
import { channels, type Outcome, type View } from './contract.ts'
import { demandOwnPage, judgeCall } from './judge-call.ts'
import type { Subject, Windows } from './windows.ts'

/** One function a call; its arguments have been judged, and the window it came from may make it. */
export type Handlers = {
  [C in CallName]: (args: CallArgs<C>, from: Subject) => Promise<CallResult<C>> | CallResult<C>
}

/**
 * The one door between pages and the main process. What does not come from the top frame of one of our windows, showing our
 * page, is refused; so is an unknown call, one that this kind of window may not make, and one with wrong arguments. Errors
 * go back as data: sentence, advice and code, in the language of the windows.
 */
export function answerPages(windows: Windows, handlers: Handlers, strings: () => Strings, log: Log): void {
  ipcMain.handle(channels.view, (event): View => windows.viewOf(demandOwnPage(event, windows)))
  ipcMain.handle(channels.call, async (event, name: unknown, args: unknown): Promise<Outcome<unknown>> => {
    try {
      const from = demandOwnPage(event, windows)
      const { call, parsed } = judgeCall(name, args, from)
      return { ok: true, value: (await handlers[call](parsed as never, from)) ?? null }
    } catch (thrown) {
      const error = asAgentError(thrown)
      log[error.code === 'internal_error' ? 'error' : 'info'](
        // Not String(name): of { toString: 1 } there is no string, and throwing here would answer with Electron's own words.
        { err: error, call: typeof name === 'string' ? name.slice(0, 40) : typeof name },
        'a call of a window failed',
      )
      return { ok: false, code: error.code, ...strings().errors[error.code] }
    }
  })
}
