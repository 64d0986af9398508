import type { WebContents, WebFrameMain } from 'electron'
import { z } from 'zod'
import { AgentError } from '../../src/errors.ts'
import { type CallName, calls } from './calls.ts'
import { pageAddress } from './contract.ts'
import type { Subject, Windows } from './windows.ts'

/** Just what is read of an IPC event, so that a test can say who sent it. */
export interface Sent {
  readonly sender: WebContents
  readonly senderFrame: Pick<WebFrameMain, 'url' | 'parent'> | null
}

const callNameSchema = z.enum(Object.keys(calls) as [CallName, ...CallName[]])

/** Throws `invalid_request` unless the sender is the top frame of a window of ours. */
export function demandOwnPage({ sender, senderFrame }: Sent, windows: Pick<Windows, 'subjectOf'>): Subject {
  const subject = windows.subjectOf(sender)
  if (!subject || !senderFrame || senderFrame.parent || senderFrame.url !== pageAddress) {
    throw new AgentError('invalid_request', 'the call came from no page of sg-session')
  }
  return subject
}

/** Throws `invalid_request` for an unknown call, one this window may not make, and wrong arguments. */
export function judgeCall(
  name: unknown,
  args: unknown,
  from: Pick<Subject, 'name'>,
): { call: CallName; parsed: unknown } {
  const call = callNameSchema.safeParse(name)
  if (!call.success) throw new AgentError('invalid_request', 'there is no such call')
  const { args: schema, from: allowed } = calls[call.data]
  if (!(allowed as readonly string[]).includes(from.name)) {
    throw new AgentError('invalid_request', `the window "${from.name}" may not call "${call.data}"`)
  }
  const parsed = schema.safeParse(args)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.')
    throw new AgentError('invalid_request', `"${call.data}": "${field}" is missing or wrong`)
  }
  return { call: call.data, parsed: parsed.data }
}
