import { execFileSync } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent, type AgentRules, type AskConsent, type ConsentAnswer, type ConsentQuestion } from '../../src/agent.ts'
import { mergeConfig, type PartialConfig } from '../../src/config/config.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { commandLineProgram, compileCache, finished, type Running, startProcess } from '../sandbox/processes.ts'
import { startSiteStage } from './site-stage.ts'
import { nodeFetch, rules, silentLog } from './world.ts'

/** A signed-in agent that asks, one after the other on the same folder, and programs that ask it: processes of their own. */
export interface ConsentStage {
  readonly site: string
  readonly folder: string
  readonly endpointFile: string
  /** Starts the next agent, after the one before has gone. `tools`: what IT says; questions by default. */
  restart(tools?: PartialConfig['tools'], more?: Partial<AgentRules>): Promise<Agent>
  /** A Python that asks for the session as `code` says; prints what came. */
  startPython(name: string, code: string, ...args: string[]): Promise<Running>
  /** The same for Node. */
  startNode(name: string, code: string): Promise<Running>
  /** `sg-session …`, with no terminal. */
  sgSession(...args: string[]): Running
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** The one line that a tool prints. */
export async function saidBy(running: Running): Promise<Record<string, string>> {
  const { status, stdout, stderr } = await finished(running)
  try {
    return JSON.parse(stdout) as Record<string, string>
  } catch {
    throw new Error(`ended with ${status}: ${stdout}${stderr}`)
  }
}

/** `sg_session` in a program: prints the login, or the error's type, code and advice. */
export const pythonTool = `
import json, sys, sg_session
try:
    print(json.dumps({"login": sg_session.get_session(interactive="wait" in sys.argv).login}))
except sg_session.SgSessionError as error:
    print(json.dumps({"type": type(error).__name__, "code": error.code, "advice": error.advice, "said": str(error)}))
`

export const nodeTool = `
import { AgentClient } from '${resolve('src/client/node/agent-client.ts')}'
const client = new AgentClient({ endpointFiles: [process.env.SG_SESSION_ENDPOINT], caller: { name: 'node-tool', version: '1' } })
const said = await client.getSession({ interactive: true }).then(({ login }) => ({ login }), ({ code, advice }) => ({ code, advice }))
console.log(JSON.stringify(said))
client.close()
`

export async function startConsentStage(): Promise<ConsentStage> {
  const stage = await startSiteStage()
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-consent-'))
  const endpointFile = join(folder, 'run', 'endpoint.json')
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    PYTHONPATH: resolve('src', 'client', 'python'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYENV_VERSION: process.env['PYENV_VERSION'] ?? '',
    SG_SESSION_ENDPOINT: endpointFile,
    ...compileCache,
  }
  // Past what stands in front of it: a shim takes longer than our Python client.
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
  const ownCommand = { executable: await realpath(process.execPath), scripts: [commandLineProgram] }
  const running = new Set<Running>()
  const start = (program: string, ...args: string[]): Running => {
    const started = startProcess(program, args, env)
    running.add(started)
    started.ended.finally(() => running.delete(started))
    return started
  }
  let now: { readonly agent: Agent; readonly claimed: ClaimedEndpoint } | undefined
  const stop = async (): Promise<void> => {
    await now?.claimed.release()
    await now?.agent.close()
    now = undefined
  }
  return {
    site: stage.site.url,
    folder,
    endpointFile,
    env,
    async restart(tools = {}, more = {}) {
      await stop()
      const content = { sites: [{ url: stage.site.url }], tools }
      const { config } = mergeConfig([{ source: 'settings', file: 'settings.json', content }], rules)
      const openBrowser = stage.answers('approve', 'artist')
      const ports = { fetch: nodeFetch, clock: systemClock, log: silentLog, openBrowser }
      const agent = new Agent(config, ports, { ...rules, stateFolder: join(folder, 'state'), ownCommand, ...more })
      now = { agent, claimed: await claimEndpoint([endpointFile], () => agent.listen()) }
      await agent.signIn(undefined)
      return agent
    },
    async startPython(name, code, ...args) {
      const file = join(folder, name)
      await writeFile(file, code)
      return start(python, file, ...args)
    },
    async startNode(name, code) {
      const file = join(folder, name)
      await writeFile(file, code)
      return start(process.execPath, file)
    },
    sgSession: (...args) => start(process.execPath, commandLineProgram, ...args),
    async close() {
      await stop()
      await Promise.all([...running].map((one) => one.stop('SIGKILL')))
      await stage.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** An artist who answers by the program's script, and what they were shown. */
export function artist(answers: Readonly<Record<string, ConsentAnswer | 'nothing'>>): {
  readonly ask: AskConsent
  readonly asked: ConsentQuestion[]
} {
  const asked: ConsentQuestion[] = []
  return {
    asked,
    ask: async (question) => {
      asked.push(question)
      const answer = answers[nameOf(question)] ?? 'deny'
      return answer === 'nothing' ? new Promise(() => undefined) : answer
    },
  }
}

function nameOf({ tool: { identified } }: ConsentQuestion): string {
  if (identified.kind === 'unknown') return 'unknown'
  return (identified.peer.script ?? identified.peer.executable).split('/').at(-1) ?? ''
}
