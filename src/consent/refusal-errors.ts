import { AgentError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { CallingTool } from '../socket/gate.ts'
import type { Outcome } from './questions.ts'

/** The program in an error's words: what is known of it, else that nothing is. */
export function nameOf({ identified }: CallingTool): string {
  if (identified.kind === 'unknown') return 'this program'
  const { executable, script } = identified.peer
  return script === undefined ? `"${printable(executable)}"` : `"${printable(script)}" in "${printable(executable)}"`
}

/** For a caller that does not wait for people. */
export function interactionRequired(tool: CallingTool, question: string, hasScreen: boolean): AgentError {
  const advice = hasScreen
    ? 'Answer the question on the screen, then try again.'
    : `Run "sg-session tools approve ${question}", then try again.`
  return new AgentError('interaction_required', `sg-session asks whether ${nameOf(tool)} may use the session`, {
    advice,
  })
}

/** For a caller that has waited. */
export function refusalFor(ended: Exclude<Outcome, 'once' | 'always'>, tool: CallingTool): AgentError {
  if (ended === 'deny') return new AgentError('consent_denied', `${nameOf(tool)} was not allowed to use the session`)
  if (ended === 'unanswered')
    return new AgentError('consent_timeout', `nobody answered whether ${nameOf(tool)} may use the session`)
  return new AgentError(
    'consent_timeout',
    `the question about ${nameOf(tool)} was taken back: nobody could answer it`,
    {
      advice: 'Unlock the screen, if it is locked, and try again.',
    },
  )
}

export function askedLately(tool: CallingTool, until: number): AgentError {
  return new AgentError('consent_denied', `${nameOf(tool)} was refused, or got no answer, a moment ago`, {
    advice: `sg-session asks again after ${clockTime(until)}. To allow it before that: "sg-session tools allow".`,
  })
}

export function askedTooMuch(until: number): AgentError {
  return new AgentError('consent_denied', 'too many questions about programs were refused or got no answer', {
    advice: `sg-session asks again after ${clockTime(until)}. To allow a program before that: "sg-session tools allow".`,
  })
}

function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}
