import { errorCodes, errorTable } from '../errors.ts'

/** Exit status of `doctor` and `policy check` when something failed; the codes of errors.ts begin at 10. */
export const somethingFailed = 3

/** What a command's exit status means: a few words or a code of errors.ts, and the sentence that goes with the code. */
export interface ExitStatus {
  readonly status: number
  readonly means: string
  readonly sentence?: string
}

/** Those that every command has; `preflight` and `exec` say of their own what else there is. */
export const exitStatuses: readonly ExitStatus[] = [
  { status: 0, means: 'done' },
  { status: 2, means: 'wrong usage' },
  { status: somethingFailed, means: 'the doctor, or the check of a policy, found something that failed' },
  ...errorCodes.map((code) => ({ status: errorTable[code].exit, means: code, sentence: errorTable[code].sentence })),
]
