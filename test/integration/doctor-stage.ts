import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentRules } from '../../src/agent.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { type ExamineOptions, examine, type Report } from '../../src/doctor/examine.ts'
import type { CheckName, FindingState } from '../../src/doctor/finding.ts'
import { readSetup } from '../../src/doctor/setup.ts'
import type { World as DoctorWorld, WayOut } from '../../src/doctor/world.ts'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import type { Paths, System } from '../../src/system/paths.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { nodeFetch, rules, startWorld, type World, type WorldOptions } from './world.ts'

/** A machine on which everything is right: site, broker, identity, agent, browser, a Python with the client. */
export interface DoctorStage {
  readonly world: World
  /** Files of this machine: settings, policy, the agent's endpoint. */
  readonly paths: Paths
  readonly bin: string
  readonly settings: PartialConfig
  /** Environment of the artist's login. */
  readonly env: Record<string, string | undefined>
  writeSettings(settings: PartialConfig): Promise<void>
  /** Writes a program for the PATH of this machine. */
  writeProgram(name: string, body: string): Promise<string>
  startAgent(rules?: Partial<AgentRules>): Promise<{ stop(): Promise<void> }>
  examine(circumstances?: Partial<DoctorWorld>, options?: ExamineOptions): Promise<Report>
  close(): Promise<void>
}

const isRoot = process.getuid?.() === 0

export async function startDoctorStage(options: WorldOptions = {}): Promise<DoctorStage> {
  const world = await startWorld(options)
  // Root's home: every folder above it is root's alone, as a policy wants it.
  const folder = await mkdtemp(join(isRoot ? homedir() : tmpdir(), '.sg-session-doctor-'))
  const bin = join(folder, 'bin')
  await Promise.all([bin, join(folder, 'run')].map((name) => mkdir(name, { mode: 0o755 })))
  const paths: Paths = {
    policyFile: join(folder, 'policy.json'),
    settingsFile: join(folder, 'settings.json'),
    endpointFiles: [join(folder, 'run', 'sg-session', 'endpoint.json')],
    stateFolder: join(folder, 'state'),
    logFolder: join(folder, 'logs'),
    electronFolders: [join(folder, 'app')],
  }
  const { sites, identity } = world.config
  const settings: PartialConfig = {
    sites: sites.map(({ url, broker }) => ({ url, broker })),
    identity: {
      issuer: identity.issuer,
      clientId: identity.clientId,
      redirectPorts: [...identity.redirectPorts],
    },
  }
  const writeSettings = (content: PartialConfig): Promise<void> =>
    writeFile(paths.settingsFile, JSON.stringify(content))
  await writeSettings(settings)
  const writeProgram = async (name: string, body: string): Promise<string> => {
    await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    return join(bin, name)
  }
  await writeProgram('xdg-open', 'exit 1')
  await writeProgram('xdg-mime', 'echo artist-browser.desktop')
  const env: Record<string, string | undefined> = {
    // Nothing of the machine that runs the tests.
    PATH: bin,
    HOME: folder,
    PYENV_ROOT: folder,
    DISPLAY: ':9',
    XDG_RUNTIME_DIR: join(folder, 'run'),
    SG_SESSION_ENDPOINT: paths.endpointFiles[0],
    PYTHONPATH: join(process.cwd(), 'src', 'client', 'python'),
  }
  const system: System = { platform: process.platform, env, home: folder, uid: process.getuid?.() ?? -1 }
  const wayOut: WayOut = { fetch: nodeFetch, proxyFor: async () => undefined }
  return {
    world,
    paths,
    bin,
    settings,
    env,
    writeSettings,
    writeProgram,
    async startAgent(agentRules = {}) {
      const agent = world.agent('artist', {}, {}, {}, agentRules)
      const claimed = await claimEndpoint(paths.endpointFiles, () => agent.listen())
      return {
        async stop() {
          await claimed.release()
          await agent.close()
        },
      }
    },
    async examine(circumstances = {}, examineOptions = {}) {
      return examine(
        {
          program: { kind: 'command-line', runtime: `Node ${process.version}` },
          system,
          paths,
          rules,
          setup: await readSetup(circumstances.paths ?? paths, rules),
          clock: systemClock,
          wayOut,
          ...circumstances,
        },
        examineOptions,
      )
    },
    async close() {
      await world.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The rows that are not as they should be: `failed site`, `warning clock`. */
export function troubles({ findings }: Report): string[] {
  return findings
    .filter(({ state }) => state !== 'ok' && state !== 'skipped')
    .map(({ state, check }) => `${state} ${check}`)
}

/** What a row of that kind says; throws when there is not exactly one. */
export function row({ findings }: Report, check: CheckName): { state: FindingState; found: string; advice: string } {
  const rows = findings.filter((finding) => finding.check === check)
  const [only] = rows
  if (!only || rows.length !== 1) throw new Error(`${rows.length} rows of "${check}": ${JSON.stringify(findings)}`)
  return { state: only.state, found: only.found, advice: only.advice ?? '' }
}
