import type { Agent } from '../src/agent.ts'
import type { EffectiveConfig } from '../src/config/config.ts'
import type { AgentError } from '../src/errors.ts'
import type { Situation } from './situation.ts'

/** What neither the agent nor the configuration knows. */
interface AppFacts
  extends Pick<
    Situation,
    'sites' | 'question' | 'online' | 'screenLocked' | 'startAtLogin' | 'trayShown' | 'collecting' | 'update'
  > {
  /** What kept the agent from starting. */
  readonly problem: AgentError | undefined
}

/** All that is shown, of the agent, its configuration and the desktop as they are now. */
export function situationOf(
  agent: Agent | undefined,
  effective: EffectiveConfig | undefined,
  { problem, ...facts }: AppFacts,
): Situation {
  const { config, sources } = effective ?? {}
  const store = agent?.secretStoreProblem()
  const audit = agent?.audit.problem
  return {
    now: Date.now(),
    ...facts,
    tools: agent?.calls.tools.today() ?? [],
    refused: agent?.calls.tools.refusedToday() ?? [],
    calls: agent?.calls.recent() ?? [],
    programs: agent?.consent.allowed() ?? [],
    refusedPrograms: agent?.consent.refused() ?? [],
    answersProblem: agent?.consent.problem?.message,
    consent: config?.tools.consent ?? 'prompt',
    dayMs: (config?.session.maxAgeHours ?? 12) * 3600_000,
    remindBeforeMs: (config?.session.remindBeforeMinutes ?? 0) * 60_000,
    problems: [
      ...(problem ? [{ code: problem.code, detail: problem.message }] : []),
      ...(store ? [{ code: store.code }] : []),
      ...(audit ? [{ code: audit.code, detail: audit.message }] : []),
    ],
    startAtLoginLocked: sources?.get('app.startAtLogin')?.source === 'locked',
  }
}
