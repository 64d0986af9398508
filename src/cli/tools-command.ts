import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AgentClient } from '../client/node/agent-client.ts'
import { AgentError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { WireQuestion } from '../socket/tools-messages.ts'
import { demandYes } from './demand-yes.ts'
import type { Output } from './output.ts'
import type { SiteOption } from './sign-in-wait.ts'
import { describeAllowed, describeList, describePending, describeQuestion } from './tools-text.ts'

export interface AllowOptions extends SiteOption {
  readonly script?: string
  readonly scope: 'rest' | 'autodesk'
  readonly yes: boolean
}

export interface ApproveOptions {
  readonly once: boolean
  readonly yes: boolean
}

export async function listToolsCommand(client: AgentClient, output: Output): Promise<void> {
  const list = await client.listTools()
  output.result(list, describeList(list, Date.now()))
}

export async function pendingToolsCommand(client: AgentClient, output: Output): Promise<void> {
  const questions = await client.pendingQuestions()
  output.result({ questions }, describePending(questions, Date.now()))
}

/** Allows a program before it asks. Throws `invalid_request` for what is no file; asks at the terminal first, unless told not to. */
export async function allowToolCommand(
  client: AgentClient,
  output: Output,
  program: string,
  { site, script, scope, yes }: AllowOptions,
): Promise<void> {
  const wanted = {
    executable: await programFile(program),
    ...(script === undefined ? {} : { script: await programFile(script) }),
    ...(site === undefined ? {} : { site }),
    scope,
  }
  const spoken = `${wanted.script === undefined ? '' : `${printable(wanted.script)} in `}${printable(wanted.executable)}`
  if (!yes) await demandYes(`Let ${spoken} use your session until you take it back?`)
  const tool = await client.allowTool(wanted)
  output.result(tool, `Allowed:\n${describeAllowed(tool, Date.now())}`)
}

/** Takes back what was allowed: one entry by its id, or every entry of a program by its path. */
export async function revokeToolCommand(client: AgentClient, output: Output, wanted: string): Promise<void> {
  const { allowed } = await client.listTools()
  const path = resolve(wanted)
  const real = await realpath(path).catch(() => path)
  const meant = allowed.filter(
    ({ id, executable, script }) => id === wanted || [path, real].some((file) => file === (script ?? executable)),
  )
  if (meant.length === 0) {
    throw new AgentError('invalid_request', `no program "${wanted}" is allowed`, {
      advice: 'See which are: "sg-session tools list".',
    })
  }
  const revoked = []
  for (const { id } of meant) revoked.push(await client.revokeTool(id))
  output.result({ revoked }, `Revoked:\n${revoked.map((tool) => describeAllowed(tool, Date.now())).join('\n')}`)
}

/** Answers a question with yes, after it was read. */
export async function approveToolCommand(
  client: AgentClient,
  output: Output,
  id: string,
  { once, yes }: ApproveOptions,
): Promise<void> {
  const question = await questionNamed(client, id)
  const until = once ? 'until it ends' : 'until you take it back'
  if (!yes) await demandYes(`${describeQuestion(question, Date.now())}\nLet this program use your session ${until}?`)
  const answered = await client.answerQuestion(id, once ? 'once' : 'always')
  output.result(answered, `Allowed ${until}:\n${describeQuestion(answered, Date.now())}`)
}

export async function denyToolCommand(client: AgentClient, output: Output, id: string): Promise<void> {
  const answered = await client.answerQuestion(id, 'deny')
  output.result(answered, `Refused:\n${describeQuestion(answered, Date.now())}`)
}

async function questionNamed(client: AgentClient, id: string): Promise<WireQuestion> {
  const question = (await client.pendingQuestions()).find((pending) => pending.id === id)
  if (question) return question
  throw new AgentError('invalid_request', `no question "${id}" waits for an answer`, {
    advice: 'See which do: "sg-session tools pending". A program asks again when it is used again.',
  })
}

/** The file as the system will name it when it runs. */
async function programFile(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined && (await stat(real).catch(() => undefined))?.isFile()) return real
  throw new AgentError('invalid_request', `"${path}" is no file`, {
    advice: 'Name the program’s own file, as "sg-session tools pending" shows it.',
  })
}
