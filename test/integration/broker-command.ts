import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sandboxScripts } from '../sandbox/people.ts'
import {
  brokerProgram,
  compileCache,
  type Finished,
  finished,
  type Running,
  startProcess,
} from '../sandbox/processes.ts'
import type { World } from './world.ts'

/** `sg-broker` as an operator runs it, in a process of its own, on the database of a world. */
export class BrokerCommand {
  readonly file: string
  readonly #env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...compileCache }

  private constructor(file: string) {
    this.file = file
  }

  /** `change` is what the configuration file says besides, or otherwise, than the world's own broker. */
  static async of(world: World, change: object = {}): Promise<BrokerCommand> {
    const folder = join(world.folder, `command-${performance.now()}`)
    await mkdir(folder)
    const keyFile = join(folder, 'script.key')
    await writeFile(keyFile, sandboxScripts.find(({ name }) => name === 'identity-broker')?.key ?? '', { mode: 0o600 })
    const { issuer, identity, database, sites } = world.broker.config
    const content = {
      issuer,
      identity,
      database,
      sites: sites.map(({ url, issue }) => ({ url, issue, scripts: [{ name: 'identity-broker', keyFile }] })),
      ...change,
    }
    const file = join(folder, 'broker.json')
    await writeFile(file, JSON.stringify(content))
    return new BrokerCommand(file)
  }

  run(...args: string[]): Promise<Finished> {
    return finished(this.start(...args))
  }

  start(...args: string[]): Running {
    return startProcess(process.execPath, this.arguments(...args), this.#env)
  }

  /** For whoever starts it another way. */
  arguments(...args: string[]): string[] {
    return [brokerProgram, ...args, '--config', this.file, '--allow-insecure-loopback']
  }
}

/** Runs `sg-broker` without a configuration. */
export function runWithout(...args: string[]): Promise<Finished> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...compileCache }
  return finished(startProcess(process.execPath, [brokerProgram, ...args], env))
}
