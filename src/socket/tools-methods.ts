import { AgentError } from '../errors.ts'
import { printable } from '../printable.ts'
import { toSeconds } from './messages.ts'
import type { Handlers } from './methods.ts'
import type { AllowedTool, PendingQuestion } from './tools-desk.ts'
import type { WireAllowedTool, WireQuestion } from './tools-messages.ts'

/** How much of a list goes into one answer: the longest paths there are leave room for one more below 64 KiB. */
const pageBytes = 24 * 1024

const mostParents = 4
const longestPath = 1_500

/** The methods that list programs and decide about them. */
export const toolHandlers: Pick<Handlers, Extract<keyof Handlers, `tools/${string}`>> = {
  async 'tools/list'({ after }, desk) {
    const { tools } = desk
    const refused = tools.refused().map(({ until, ...tool }) => ({ ...tool, until: toSeconds(until) }))
    const rows = [
      ...tools.allowed().map((tool) => ({ allowed: toWireTool(tool) })),
      ...refused.map((tool) => ({ refused: tool })),
    ]
    const page = pageOf(rows, after)
    const next = after + page.length
    return {
      consent: tools.mode,
      allowed: page.flatMap((row) => ('allowed' in row ? [row.allowed] : [])),
      refused: page.flatMap((row) => ('refused' in row ? [row.refused] : [])),
      ...(next < rows.length ? { next } : {}),
    }
  },
  async 'tools/pending'(_params, { tools }) {
    return { questions: pageOf(tools.pending().map(toWireQuestion), 0) }
  },
  async 'tools/allow'({ executable, script, site, scope }, desk, caller) {
    const wanted = { executable, ...(script === undefined ? {} : { script }), site: desk.siteMeant(site), scope }
    return toWireTool(await desk.tools.allow(await caller.confirm(), wanted))
  },
  async 'tools/revoke'({ id }, { tools }, caller) {
    return toWireTool(await tools.revoke(await caller.confirm(), id))
  },
  async 'tools/answer'({ id, answer }, { tools }, caller) {
    return toWireQuestion(await tools.answer(await caller.confirm(), id, answer))
  },
}

/** From there on what fits into one answer, and one at least. */
function pageOf<Row>(rows: readonly Row[], after: number): Row[] {
  const page: Row[] = []
  let bytes = 0
  for (const row of rows.slice(after)) {
    bytes += Buffer.byteLength(JSON.stringify(row))
    if (page.length > 0 && bytes > pageBytes) break
    page.push(row)
  }
  return page
}

function toWireTool({ allowedAt, lastUsedAt, ...tool }: AllowedTool): WireAllowedTool {
  return {
    ...tool,
    allowedAt: toSeconds(allowedAt),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: toSeconds(lastUsedAt) }),
  }
}

function toWireQuestion({ id, tool, site, scope, askedAt, endsAt }: PendingQuestion): WireQuestion {
  const { identified, claim } = tool
  if (identified.kind === 'unknown') throw new AgentError('internal_error', 'a question about nobody')
  const { executable, script, pid, parents } = identified.peer
  return {
    id,
    executable: legible(executable),
    ...(script === undefined ? {} : { script: legible(script) }),
    pid,
    parents: parents
      .slice(0, mostParents)
      .map((parent) => ({ pid: parent.pid, executable: legible(parent.executable) })),
    client: { name: claim.name, version: claim.version },
    site,
    scope,
    askedAt: toSeconds(askedAt),
    endsAt: toSeconds(endsAt),
  }
}

/** A question is for people to read, and must fit into one answer whatever a program calls its files. */
function legible(path: string): string {
  const plain = printable(path)
  return plain.length > longestPath ? `${plain.slice(0, longestPath).toWellFormed()}…` : plain
}
