import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { AgentRules } from '../../src/agent.ts'
import { type DoctorStage, startDoctorStage } from './doctor-stage.ts'

export let stage: DoctorStage
/** Of the agent that runs; a test may stop it, and start another. */
let running: { stop(): Promise<void> }

/** To be called once by a file of tests: `stage` is one for all of them, right again before each, with an agent of its own. */
export function useDoctorStage(): void {
  beforeAll(async () => {
    stage = await startDoctorStage()
  })
  afterAll(() => stage.close())
  beforeEach(async () => {
    await stage.writeSettings(stage.settings)
    await rm(stage.paths.policyFile, { force: true })
    running = await stage.startAgent()
  })
  afterEach(async () => {
    stage.world.site.faults.clear()
    stage.world.identity.faults.clear()
    await running.stop()
    await rm(dirname(endpointFile()), { recursive: true, force: true })
  })
}

export const endpointFile = (): string => stage.paths.endpointFiles[0] ?? ''

export const stopAgent = (): Promise<void> => running.stop()

export async function startAnotherAgent(rules: Partial<AgentRules>): Promise<void> {
  running = await stage.startAgent(rules)
}
