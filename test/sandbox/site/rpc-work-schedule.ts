import { z } from 'zod'
import type { Caller } from './callers.ts'
import { invalidDate, notFoundById } from './data-refusals.ts'
import { isAdminOrScript } from './permissions.ts'
import { faultCode, Refusal } from './refusals.ts'
import type { Link } from './rows.ts'
import { parseParams } from './rpc-params.ts'
import type { SiteState } from './site-state.ts'
import { View } from './view.ts'

const linkSchema = z.looseObject({ type: z.string(), id: z.int() })
const readParams = z.looseObject({
  start_date: z.string(),
  end_date: z.string(),
  project: linkSchema.nullish(),
  user: linkSchema.nullish(),
})
const updateParams = z.looseObject({
  date: z.string(),
  working: z.boolean(),
  description: z.string().nullish(),
  project: linkSchema.nullish(),
  user: linkSchema.nullish(),
  recalculate_field: z.enum(['due_date', 'duration']).nullish(),
})

const dayMs = 86_400_000

/** What one answer may span; a real site was measured to answer two years at once. */
const mostDays = 3660

/** `work_schedule_read`: every day of a span, both ends included, and by which rule it is what it is. facts: PY docstring */
export function rpcWorkScheduleRead(state: SiteState, _caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('work_schedule_read', readParams, rawParams)
  const [fromMs, toMs] = [dayIn(params.start_date), dayIn(params.end_date)]
  // facts: SGT get_schedule_work_day_rules
  if (toMs < fromMs) throw refused("'end_date' must be greater than or equal to 'start_date'")
  const days = (toMs - fromMs) / dayMs + 1
  if (days > mostDays) throw refused(`a span may have ${mostDays} days at most`)
  // an unknown project or person is answered with the studio's rule (SGT get_schedule_work_day_rules)
  const scope = { project: params.project ?? undefined, user: params.user ?? undefined }
  return Object.fromEntries(
    Array.from({ length: days }, (_, at) => {
      const date = new Date(fromMs + at * dayMs).toISOString().slice(0, 10)
      return [date, state.workDays.on(date, scope)]
    }),
  )
}

/**
 * `work_schedule_update`: one day of the studio, of one project, or of one person. Moves no Task, whatever
 * `recalculate_field` says. facts: PY docstring, tests/test_api.py
 */
export function rpcWorkScheduleUpdate(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('work_schedule_update', updateParams, rawParams)
  dayIn(params.date)
  if (params.project && params.user) throw refused("'project' and 'user' cannot be used together")
  const view = new View(state, caller.acting)
  const project = named(view, 'Project', params.project)
  const user = named(view, 'HumanUser', params.user)
  checkMaySchedule(caller, user)
  const { working, description = null } = params
  state.workDays.set(params.date, project ?? user ?? undefined, { working, description })
  return { date: params.date, working, description, project, user }
}

/** Everybody plans their own days; the studio's and other people's are for scripts and admins. Unmeasured. */
function checkMaySchedule(caller: Caller, user: Link | null): void {
  const isOwn = user !== null && caller.acting.kind === 'person' && caller.acting.user.id === user.id
  if (!isOwn && !isAdminOrScript(caller)) {
    throw new Refusal(faultCode.refusedData, 'The work schedule is not editable for this user.')
  }
}

function named(view: View, type: string, link: Link | null | undefined): Link | null {
  if (!link) return null
  if (link.type !== type || !view.row(link)) throw notFoundById(type, link.id)
  return view.named(link)
}

function dayIn(text: string): number {
  const ms = Date.parse(text)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(ms)) throw invalidDate(text)
  return ms
}

const refused = (why: string) => new Refusal(faultCode.badRequest, `API work_schedule: ${why}`)
