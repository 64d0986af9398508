import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrokerConfig } from '../../src/broker/config.ts'
import { makeParts } from '../../src/broker/parts.ts'
import { PeopleChanges } from '../../src/broker/people/people-changes.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { brokerProgram, compileCache } from '../sandbox/processes.ts'
import { nodeFetch, rules, silentLog, type World } from './world.ts'

/** What a command of `sg-broker` said and how it ended. */
export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** An operator at the machine of a world's broker: real commands on its database, beside the broker that runs. */
export class Operator {
  readonly world: World
  readonly #configFile: string

  private constructor(world: World, configFile: string) {
    this.world = world
    this.#configFile = configFile
  }

  static async at(world: World): Promise<Operator> {
    const configFile = join(world.folder, 'broker.json')
    await writeFile(configFile, JSON.stringify(await configContent(world.broker.config, world.folder)))
    return new Operator(world, configFile)
  }

  run(...args: string[]): Promise<Ran> {
    const program = [brokerProgram, ...args, '--config', this.#configFile, '--allow-insecure-loopback']
    return new Promise((resolve) => {
      const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...compileCache } }
      const child = execFile(process.execPath, program, options, (_error, stdout, stderr) =>
        resolve({ status: child.exitCode ?? -1, stdout, stderr }),
      )
    })
  }

  /** Writes a file into the world's folder, and says where. */
  async file(name: string, content: string | Uint8Array): Promise<string> {
    const file = join(this.world.folder, name)
    await writeFile(file, content)
    return file
  }

  /** The same without a process. */
  changes(): PeopleChanges {
    const { database, auditLog, ports } = this.parts()
    return new PeopleChanges({ database, auditLog, clock: ports.clock })
  }

  parts() {
    const { config, database } = this.world.broker
    return makeParts(config, database, { fetch: nodeFetch, clock: systemClock, log: silentLog }, rules)
  }

  auditRows() {
    const { database } = this.world.broker
    return database.selectFrom('audit').selectAll().where('event', '=', 'person').orderBy('sequence').execute()
  }
}

/** A configuration as its file says it; the secrets in files beside it. */
async function configContent(config: BrokerConfig, folder: string): Promise<object> {
  const { issuer, listen, identity, database, sites } = config
  const secretFile = async (name: string, secret: { reveal(): string }): Promise<string> => {
    await writeFile(join(folder, name), secret.reveal(), { mode: 0o600 })
    return name
  }
  const location = 'file' in database ? database : { url: database.url }
  const password = 'file' in database ? undefined : database.password
  return {
    issuer,
    listen: { host: listen.host, port: listen.port },
    identity,
    database: { ...location, ...(password ? { passwordFile: await secretFile('database.password', password) } : {}) },
    sites: await Promise.all(
      sites.map(async ({ scripts, ...site }, place) => ({
        ...site,
        scripts: await Promise.all(
          scripts.map(async ({ name, key }, turn) => ({
            name,
            keyFile: await secretFile(`script-${place}-${turn}.key`, key),
          })),
        ),
      })),
    ),
  }
}

/** Changes a person on the site, as its administrator would. */
export async function changeOnSite(world: World, key: string, change: object): Promise<void> {
  const { status } = await fetch(`${world.site.url}/sandbox/people/${key}`, {
    method: 'PATCH',
    body: JSON.stringify(change),
  })
  if (status !== 200) throw new Error(`the site answered ${status}`)
}

/** Makes this many people on the site: `extra-1@studio.example` and so on, with their addresses as logins. */
export async function addPeopleToSite(world: World, count: number): Promise<void> {
  const requests = Array.from({ length: count }, (_none, index) => ({
    request_type: 'create',
    type: 'HumanUser',
    fields: ['login', 'email', 'firstname', 'lastname'].map((field_name) => ({
      field_name,
      value: { firstname: 'Extra', lastname: `No ${index + 1}` }[field_name] ?? `extra-${index + 1}@studio.example`,
    })),
    return_fields: ['id'],
  }))
  // A site with Autodesk Identity lets no script make an active user.
  const { mode } = world.site.switches
  world.site.switches.mode = 'default'
  for (let from = 0; from < count; from += 500) {
    const params = [
      { script_name: 'identity-broker', script_key: 'script-key-with-sudo' },
      requests.slice(from, from + 500),
    ]
    const answer = await fetch(`${world.site.url}/api3/json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method_name: 'batch', params }),
    })
    const body = (await answer.json()) as { exception?: boolean; message?: string }
    if (body.exception) throw new Error(body.message)
  }
  world.site.switches.mode = mode
}
