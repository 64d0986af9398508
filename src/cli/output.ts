import { type AgentError, asAgentError, errorTable } from '../errors.ts'
import { printable } from '../printable.ts'
import type { WireSiteStatus } from '../socket/messages.ts'

/** How one command talks to the person or program that called it. */
export interface Output {
  readonly json: boolean
  /** The command's answer: `text` for people, `value` as one line of JSON with `--json`. */
  result(value: object, text: string): void
  /** A remark while something goes on; on standard error, and not with `--json`. */
  remark(text: string): void
}

export function makeOutput(json: boolean): Output {
  return {
    json,
    result: (value, text) => void process.stdout.write(`${json ? JSON.stringify(value) : text}\n`),
    remark: (text) => {
      if (!json) process.stderr.write(`${text}\n`)
    },
  }
}

/** Prints what happened and what to do, and gives the exit status of the table. */
export function printError(thrown: unknown, json: boolean): number {
  const error = asAgentError(thrown)
  if (json) process.stdout.write(`${JSON.stringify({ error: describe(error) })}\n`)
  else process.stderr.write(`sg-session: ${printable(sentenceOf(error))}\n${printable(error.advice)}\n`)
  if (error.code === 'internal_error' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`)
  return errorTable[error.code].exit
}

function describe(error: AgentError): object {
  return { code: error.code, message: error.message, advice: error.advice }
}

function sentenceOf(error: AgentError): string {
  const { sentence } = errorTable[error.code]
  return error.message === sentence ? sentence : `${sentence} (${error.message})`
}

/** One site in one or two lines: who, where, until when. */
export function describeStatus(status: WireSiteStatus, nowMs: number): string {
  const problem = status.problem ? `\n  last renewal failed: ${errorSentence(status.problem)}` : ''
  switch (status.state) {
    case 'signed_in': {
      const until = status.signInEndsAt === undefined ? '' : `, until ${clockTime(status.signInEndsAt, nowMs)}`
      return `${status.site}: signed in as ${status.name} (${status.login})${until}${problem}`
    }
    case 'signing_in':
      return `${status.site}: signing in`
    case 'signed_out': {
      const why = status.reason && status.reason in errorTable ? ` – ${errorSentence(status.reason)}` : ''
      return `${status.site}: signed out${why}${describeLeft(status, nowMs)}`
    }
  }
}

/** What the sign-out has left at the site. */
function describeLeft({ leftAtSite }: WireSiteStatus, nowMs: number): string {
  if (!leftAtSite) return ''
  const { until, expiry, advice } = leftAtSite
  const when = `${clockTime(until, nowMs)}${expiry === 'exact' ? '' : ' at least'}`
  return `\n  at the site the session lives on until ${when}, if nobody uses it\n  ${advice}`
}

function errorSentence(code: string): string {
  return code in errorTable ? errorTable[code as keyof typeof errorTable].sentence : code
}

/** `18:30`, or `Tue 18:30` when that is not today. */
export function clockTime(seconds: number, nowMs: number): string {
  const then = new Date(seconds * 1000)
  // ECMA-262 writes these forms out, hh:mm:ss and the English weekday first; a formatter for a locale would have to be loaded.
  const time = then.toTimeString().slice(0, 5)
  const day = then.toDateString()
  return day === new Date(nowMs).toDateString() ? time : `${day.slice(0, 3)} ${time}`
}
