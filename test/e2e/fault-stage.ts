import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { How } from '../sandbox/studio.ts'
import { type Scene, type SceneOptions, setScene } from './scene.ts'

/** Whether the site takes the session, as the one whose it is said to be. */
export function isGood(site: Site, { sessionToken, login }: { sessionToken: string; login: string }): boolean {
  const session = site.session(sessionToken)
  return session?.ended === false && session.owner.login === login
}

/** Processor time that a process has used, ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // utime and stime, in hundredths of a second. proc(5)
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export function missingProgram(...names: string[]): string | undefined {
  const name = names.find((one) => spawnSync('sh', ['-c', `command -v ${one}`]).status !== 0)
  return name === undefined ? undefined : `${name} is not installed`
}

/** A scene with a second site beside the one behind the broker: there an artist signs in in the site's own browser page. */
export interface FaultStage extends Scene {
  readonly second: Site
  readonly endpointFile: string
  /** A Node client of the agent; closed with the stage. */
  client(timeoutMs?: number, endpointFile?: string): AgentClient
  /** Signs in at Autodesk, for the site behind the broker. */
  signInAtFirst(client: AgentClient, person?: string): Promise<void>
  /** Signs in at the second site. */
  signInAtSecond(client: AgentClient, person?: string): Promise<void>
}

export interface FaultStageOptions extends SceneOptions {
  /** How long a session of the second site lives without use. */
  readonly secondWindowS?: number
  /** The section of the artist's settings. */
  readonly session?: Readonly<Record<string, unknown>>
}

export async function openFaultStage(options: FaultStageOptions = {}): Promise<FaultStage> {
  const scene = await setScene(options)
  const second = await startSite(
    options.secondWindowS === undefined ? {} : { switches: { sessionWindowS: options.secondWindowS } },
  )
  const { studio } = scene
  const settingsFile = join(studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  const settings = JSON.parse(await readFile(settingsFile, 'utf8')) as { sites: object[]; session?: object }
  settings.sites.push({ url: second.url, signIn: 'web' })
  settings.session = options.session ?? {}
  await writeFile(settingsFile, JSON.stringify(settings))
  const clients: AgentClient[] = []
  const endpointFile = join(studio.folder, 'run', 'sg-session', 'endpoint.json')
  return {
    ...scene,
    second,
    endpointFile,
    client(timeoutMs = 5_000, file = endpointFile) {
      const client = new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' }, timeoutMs })
      clients.push(client)
      return client
    },
    async signInAtFirst(client, person = 'artist') {
      const signedIn = client.signIn({ site: scene.site.url })
      await Promise.race([scene.answerBrowser(person), signedIn])
      await signedIn
    },
    async signInAtSecond(client, person = 'artist') {
      const signedIn = client.signIn({ site: second.url })
      const address = new URL(await Promise.race([studio.openedAddress(), signedIn.then(() => '')]))
      const id = /^\/app_session_request\/(\w+)$/.exec(address.pathname)?.[1]
      await fetch(`${second.url}/sandbox/launches/${id}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ decision: 'approve', person }),
      })
      await signedIn
    },
    async close() {
      for (const client of clients) client.close()
      await scene.close()
      await second.close()
    },
  }
}

const faketimeLibrary = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

/** A clock that a test sets while a program looks at it. `library`: undefined where libfaketime is not installed. */
export class FakeClock {
  readonly #file: string
  static readonly library = spawnSync('sh', ['-c', `ls ${faketimeLibrary}`]).status === 0 ? faketimeLibrary : undefined

  constructor(folder: string) {
    this.#file = join(folder, 'fake-clock')
  }

  /** `monotonicToo`: the monotonic clock counts what the wall clock jumps, as it does where it goes on while a machine sleeps. */
  async how({ monotonicToo = false } = {}): Promise<How> {
    await this.set(0)
    const env = {
      LD_PRELOAD: FakeClock.library ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // It looks into the file in each second of the real clock in which the program asks for the time.
      FAKETIME_CACHE_DURATION: '0',
      FAKETIME_DONT_FAKE_MONOTONIC: monotonicToo ? '0' : '1',
    }
    return { env }
  }

  /** How far it is ahead of the real one; within a second every program has seen it. */
  async set(aheadMs: number): Promise<void> {
    await writeFile(this.#file, `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1000}\n`)
  }
}
