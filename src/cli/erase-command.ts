import { z } from 'zod'
import { readConfig } from '../config/config-files.ts'
import { demandOwnHome } from '../erase/demand-own-home.ts'
import { type Erasure, erase } from '../erase/erase.ts'
import { type HomeOwner, homeOwners, runAsUser } from '../erase/every-user.ts'
import { AgentError } from '../errors.ts'
import { printable } from '../printable.ts'
import { type Paths, standardPaths, thisSystem } from '../system/paths.ts'
import { demandYes } from './demand-yes.ts'
import { makeOutput, type Output } from './output.ts'

export interface EraseOptions {
  readonly keepAudit: boolean
  readonly allUsers: boolean
  readonly yes: boolean
  readonly json: boolean
}

/** Of the exit status: not all that should have gone has gone. */
export const somethingLeft = 3

const userLimitMs = 120_000

/** Removes what sg-session keeps for this user, or as root for everybody. Resolves with the exit status. */
export async function eraseCommand(options: EraseOptions): Promise<number> {
  const output = makeOutput(options.json)
  const { keepAudit, allUsers, yes } = options
  const uid = process.getuid?.()
  if (allUsers && uid !== 0)
    throw new AgentError('invalid_request', '"--all-users" is for root', {
      advice: 'Run it with sudo. On Windows there is none: run "sg-session erase" as each user.',
    })
  const kept = keepAudit ? 'settings, allowed programs, logs and remembered sign-ins; the audit stays' : everything
  const whose = allUsers ? 'for every user of this machine' : 'for you on this machine'
  if (!yes) await demandYes(`Remove what sg-session keeps ${whose} (${kept}), and end it where it runs?`)
  if (!allUsers) return report(output, await eraseOwn(keepAudit))
  let status = 0
  for (const owner of await homeOwners()) {
    output.remark(`${printable(owner.name)} (${printable(owner.home)}):`)
    // For root too as at a login of theirs: what this was started with may name an artist's folders.
    status = Math.max(status, report(output, await eraseAs(owner, keepAudit), owner.name))
  }
  return status
}

const everything = 'settings, allowed programs, the audit, logs and remembered sign-ins'

async function eraseOwn(keepAudit: boolean): Promise<Erasure> {
  await demandOwnHome(thisSystem())
  const paths = standardPaths()
  return erase(paths, { keepAudit, env: process.env, auditFile: await auditFileElsewhere(paths) })
}

/** Where the configuration puts the audit. One that cannot be used names nothing: its own folder is looked at all the same. */
async function auditFileElsewhere(paths: Paths): Promise<string | undefined> {
  const config = await readConfig(paths, { insecureLoopback: true }).catch(() => undefined)
  const file = config?.config.audit.file
  return file?.startsWith('~/') ? `${process.env['HOME'] ?? ''}${file.slice(1)}` : file
}

const erasure = z.object({
  ended: z.array(z.number()),
  removed: z.array(z.string()),
  left: z.array(z.object({ what: z.string(), why: z.string() })),
  remarks: z.array(z.string()),
})

/** This program once more, as that user; what it prints is in that user's hands and only shown. */
async function eraseAs(owner: HomeOwner, keepAudit: boolean): Promise<Erasure> {
  const args = ['erase', '--yes', '--json', ...(keepAudit ? ['--keep-audit'] : [])]
  const { status, stdout } = await runAsUser(owner, [...ownProgram(), ...args], userLimitMs)
  const printed = judgeErasure(stdout)
  if (printed) return printed
  const why =
    status === undefined
      ? 'it did not end in time, or could not be started'
      : (messageIn(stdout) ?? `it ended with ${status}`)
  return { ended: [], removed: [], left: [{ what: owner.home, why }], remarks: [] }
}

function judgeErasure(stdout: string): Erasure | undefined {
  const judged = erasure.safeParse(parsed(stdout))
  return judged.success ? judged.data : undefined
}

function messageIn(stdout: string): string | undefined {
  const judged = z.object({ error: z.object({ message: z.string() }) }).safeParse(parsed(stdout))
  return judged.success ? judged.data.error.message : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The single executable is all of the program; from a package of npm it is Node with a script. */
function ownProgram(): string[] {
  const script = process.argv[1]
  const isScript = script !== undefined && /\.[cm]?[jt]s$/.test(script)
  return isScript ? [process.execPath, ...process.execArgv, script] : [process.execPath]
}

function report(output: Output, done: Erasure, user?: string): number {
  const whose = user === undefined ? {} : { user }
  output.result({ ...whose, ...done }, describeErasure(done))
  return done.left.length === 0 ? 0 : somethingLeft
}

function describeErasure({ ended, removed, left, remarks }: Erasure): string {
  const lines = [
    ...ended.map((pid) => `ended: process ${pid}`),
    ...removed.map((path) => `removed: ${path}`),
    ...remarks,
    ...left.map(({ what, why }) => `not removed: ${what} ${why}`),
  ]
  return (lines.length === 0 ? ['There was nothing to remove.'] : lines).map(printable).join('\n')
}
