import { chmod, lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { ConfigRules, PartialConfig } from '../config/config.ts'
import { readPolicy } from '../config/config-files.ts'
import { demandAdministratorsFile } from '../config/windows-access.ts'
import { AgentError } from '../errors.ts'
import { readConfigText, whyNotRootOwned } from '../system/read-guarded.ts'
import { runProgram } from '../system/run-program.ts'
import { judgePolicy, type PolicyFinding } from './judge-policy.ts'

/** What installers are told: the few values with which an artist's first start asks nothing. */
export interface PolicyValues {
  readonly site?: string
  readonly name?: string
  readonly broker?: string
  readonly clientId?: string
  readonly consent?: 'prompt' | 'allow-list' | 'allow-all'
  readonly startAtLogin?: boolean
}

/** A policy of those values, all locked or all defaults. Throws `config_invalid` where one makes no sense without another. */
export function policyTextOf(values: PolicyValues, rank: 'locked' | 'defaults'): string {
  const { site, name, broker, clientId, consent, startAtLogin } = values
  if (site === undefined && (name !== undefined || broker !== undefined)) {
    throw new AgentError(
      'config_invalid',
      `"${name === undefined ? 'broker' : 'name'}" is of a site, and none is given`,
      {
        advice: 'Give the address of the site too, with --site.',
      },
    )
  }
  const document: PartialConfig = {
    ...(site === undefined
      ? {}
      : {
          sites: [{ url: site, ...(name === undefined ? {} : { name }), ...(broker === undefined ? {} : { broker }) }],
        }),
    ...(clientId === undefined ? {} : { identity: { clientId } }),
    ...(consent === undefined ? {} : { tools: { consent } }),
    ...(startAtLogin === undefined ? {} : { app: { startAtLogin } }),
  }
  if (Object.keys(document).length === 0) {
    throw new AgentError('config_invalid', 'no value is given', {
      advice: 'Give at least one, such as --site, or a whole policy with --from.',
    })
  }
  return `${JSON.stringify({ [rank]: document }, undefined, 2)}\n`
}

/** The text of a policy that somebody made elsewhere. Throws `config_invalid` where there is none. */
export async function readPolicyText(file: string): Promise<string> {
  const text = await readConfigText(file)
  if (text === undefined) throw new AgentError('config_invalid', `${file}: there is no such file`)
  return text
}

export interface Written {
  /** False where there was a policy already, and none was to be written then. */
  readonly written: boolean
  readonly warnings: readonly PolicyFinding[]
}

/**
 * Writes a policy where the agents of this machine read it: whole or not at all, readable by all, in a folder that only root can write to, which
 * is made where it is missing. Judges it first. Follows no link. Throws `config_invalid`: not root; a policy that no agent would start with; a
 * folder that somebody else could write to; a policy that is there already, unless it may be replaced; or one to keep that somebody else
 * could have written.
 */
export async function writePolicy(
  file: string,
  text: string,
  { ifThere, rules }: { readonly ifThere: 'refuse' | 'keep' | 'replace'; readonly rules: ConfigRules },
): Promise<Written> {
  const { findings } = judgePolicy(file, text, rules)
  const wrong = findings.filter(({ state }) => state === 'failed')
  if (wrong.length > 0) {
    const said = wrong.map(({ key, found, advice }) =>
      [key && `"${key}"`, found, advice && `(${advice})`].filter(Boolean).join(' '),
    )
    throw new AgentError('config_invalid', `no policy was written: ${said.join('; ')}`)
  }
  // On Windows the system says it when the folder is written to.
  if (process.getuid && process.getuid() !== 0) {
    throw new AgentError('config_invalid', `${file}: only root can write a policy that counts`, {
      advice: 'Run it as root, with sudo for example.',
    })
  }
  const present = await lstat(file).catch(() => undefined)
  const isThere = present !== undefined
  if (isThere && ifThere === 'keep') {
    await demandTrusted(file)
    return { written: false, warnings: [] }
  }
  if (isThere && ifThere === 'refuse') {
    throw new AgentError('config_invalid', `${file}: there is a policy already`, {
      advice: 'Look at it with "sg-session policy check", and give --replace to write another in its place.',
    })
  }
  // Of the file itself it does not matter whose it is: it goes. A link would be followed.
  const problem = await whyNotRootOwned(present?.isSymbolicLink() ? file : dirname(file))
  if (problem) throw problem
  try {
    await makeFolder(dirname(file))
    await writeFileAtomic(file, text, process.getuid ? { mode: 0o644, chown: { uid: 0, gid: 0 } } : {})
  } catch (cause) {
    throw new AgentError('config_invalid', `${file}: cannot be written`, { cause })
  }
  await readPolicy({ policyFile: file })
  return { written: true, warnings: findings }
}

/** An installer that leaves a policy as it is, which nobody's agent takes, would leave a machine where nothing starts and say that all is well. */
async function demandTrusted(file: string): Promise<void> {
  if (process.platform === 'win32') return demandAdministratorsFile(file, runProgram)
  const problem = await whyNotRootOwned(file)
  if (problem) throw problem
}

/** Root's umask may be narrower, and then users could not read the policy. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755)
}
