import type { ToolsList } from '../client/node/agent-client.ts'
import { printable } from '../printable.ts'
import type { WireAllowedTool, WireQuestion } from '../socket/tools-messages.ts'
import { clockTime } from './output.ts'

const modes: Readonly<Record<string, string>> = {
  prompt: 'A program that nobody has decided about is asked about.',
  'allow-list': 'Only the programs that the policy names may have a session; what was allowed here does not count.',
  'allow-all': 'Every program of yours may have a session, unless the policy refuses it.',
}

export function describeList({ consent, allowed, refused }: ToolsList, nowMs: number): string {
  const parts = [modes[consent] ?? consent]
  if (allowed.length === 0) parts.push('No program was allowed.')
  else parts.push(`Allowed:\n${allowed.map((tool) => describeAllowed(tool, nowMs)).join('\n')}`)
  if (refused.length > 0) {
    const rows = refused.map(
      (tool) => `${place('', tool)}\n  ${tool.site}: not asked about until ${clockTime(tool.until, nowMs)}`,
    )
    parts.push(`Refused, or without an answer:\n${rows.join('\n')}`)
  }
  return parts.join('\n')
}

/** A program in a few lines: its id and where it lies, and what it may. */
export function describeAllowed(tool: WireAllowedTool, nowMs: number): string {
  const until = tool.pid === undefined ? '' : `, until process ${tool.pid} ends`
  const used = tool.lastUsedAt === undefined ? '' : `, last used ${day(tool.lastUsedAt, nowMs)}`
  return `${place(tool.id, tool)}\n  ${tool.site}: ${spoken(tool.scope)}, since ${day(tool.allowedAt, nowMs)}${used}${until}`
}

export function describePending(questions: readonly WireQuestion[], nowMs: number): string {
  if (questions.length === 0) return 'No question waits.'
  const rows = questions.map((question) => describeQuestion(question, nowMs))
  return `${rows.join('\n')}\nAnswer with "sg-session tools approve ID" or "sg-session tools deny ID".`
}

/** What is known of the program first, what it says of itself last. */
export function describeQuestion(question: WireQuestion, nowMs: number): string {
  const { id, pid, parents, client, site, scope, endsAt } = question
  const started = parents.map((parent) => printable(parent.executable)).join(', ')
  return [
    place(id, question),
    `  process ${pid}${started === '' ? '' : `, started by ${started}`}`,
    `  wants ${spoken(scope)} of ${site}, waits until ${clockTime(endsAt, nowMs)}`,
    `  calls itself "${printable(client.name)}"`,
  ].join('\n')
}

function place(id: string, { executable, script }: { executable: string; script?: string | undefined }): string {
  const name = script === undefined ? printable(executable) : `${printable(script)} in ${printable(executable)}`
  return id === '' ? name : `${id}  ${name}`
}

function spoken(scope: string): string {
  return scope === 'autodesk' ? 'the session and the Autodesk token' : 'the session'
}

function day(seconds: number, nowMs: number): string {
  const then = new Date(seconds * 1000)
  if (then.toDateString() === new Date(nowMs).toDateString()) return `today ${clockTime(seconds, nowMs)}`
  return then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}
