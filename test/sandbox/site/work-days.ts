import type { Link } from './rows.ts'

/** What a day is, and by which rule. facts: PY `work_schedule_read`, SGT get_schedule_work_day_rules */
export interface WorkDay {
  readonly working: boolean
  readonly description: string | null
  readonly reason: 'STUDIO_WORK_WEEK' | 'STUDIO_EXCEPTION' | 'PROJECT_EXCEPTION' | 'USER_EXCEPTION'
}

type Exception = Pick<WorkDay, 'working' | 'description'>

/** The studio's five-day week, and the days that are exceptions to it: a person's go before a project's and the studio's. */
export class WorkDays {
  readonly #exceptions = new Map<string, Exception>()

  /** For everybody when nobody is named. `date` is `YYYY-MM-DD`. */
  set(date: string, scope: Link | undefined, exception: Exception): void {
    this.#exceptions.set(keyOf(date, scope), exception)
  }

  on(date: string, { project, user }: { project: Link | undefined; user: Link | undefined }): WorkDay {
    const forUser = user && this.#exceptions.get(keyOf(date, user))
    if (forUser) return { ...forUser, reason: 'USER_EXCEPTION' }
    const forProject = project && this.#exceptions.get(keyOf(date, project))
    if (forProject) return { ...forProject, reason: 'PROJECT_EXCEPTION' }
    const forStudio = this.#exceptions.get(keyOf(date, undefined))
    if (forStudio) return { ...forStudio, reason: 'STUDIO_EXCEPTION' }
    return { working: isWeekday(date), description: null, reason: 'STUDIO_WORK_WEEK' }
  }
}

function keyOf(date: string, scope: Link | undefined): string {
  return `${scope ? `${scope.type}/${scope.id}` : 'studio'}/${date}`
}

function isWeekday(date: string): boolean {
  const day = new Date(date).getUTCDay()
  return day >= 1 && day <= 5
}
