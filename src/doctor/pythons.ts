import { z } from 'zod'
import type { System } from '../system/paths.ts'
import { runProgram } from '../system/run-program.ts'
import { version } from '../version.ts'
import type { Finding } from './finding.ts'
import { findInterpreters, type Interpreter } from './python-places.ts'
import type { Check } from './world.ts'

/** Blender takes seconds to start; one that takes longer has a row that says so. */
const limitMs = 7_000
const mostAtOnce = 4

/**
 * Every Python from 2.7 on reads it. It imports both packages, and lets ours say hello to the agent: that is how one knows
 * that they understand each other. `status` hands out nothing.
 */
const script = `import json, sys
said = {"version": "%d.%d.%d" % tuple(sys.version_info[:3]), "prefix": sys.prefix}
for name in ("sg_session", "shotgun_api3"):
    try:
        module = __import__(name)
        said[name] = {"version": str(getattr(module, "__version__", "")), "file": str(getattr(module, "__file__", ""))}
    except ImportError as error:
        if getattr(error, "name", name) != name:
            said[name] = {"error": "ImportError: %s" % error}
    except BaseException as error:
        said[name] = {"error": "%s: %s" % (type(error).__name__, error)}
if said.get("sg_session", {}).get("version"):
    try:
        import sg_session
        sg_session.status(2.0)
        said["agent"] = "ok"
    except BaseException as error:
        said["agent"] = str(getattr(error, "code", type(error).__name__))
sys.stdout.write("\\n@sg-session-doctor " + json.dumps(said) + "\\n")
sys.stdout.flush()
`

const packageSchema = z.object({
  version: z.string().optional(),
  file: z.string().optional(),
  error: z.string().optional(),
})
const saidSchema = z.object({
  version: z.string(),
  prefix: z.string(),
  sg_session: packageSchema.optional(),
  shotgun_api3: packageSchema.optional(),
  /** `ok`, or the code of the error that asking the agent raised. */
  agent: z.string().optional(),
})
/** What one Python said of itself. */
export type PythonSaid = z.output<typeof saidSchema>

/** What came of asking one. */
export interface PythonAnswer {
  readonly file: string
  readonly said?: PythonSaid
  readonly isLate?: boolean
}

/** Each Python of this machine: which client it imports, and whether that one and the agent understand each other. */
export const checkPythons: Check = async ({ system }, signal) => {
  const waiting = await findInterpreters(system)
  const answers: PythonAnswer[] = []
  const askNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) answers.push(await ask(next, system, signal))
  }
  await Promise.all(Array.from({ length: mostAtOnce }, askNext))
  return judgePythons(answers, version)
}

async function ask({ file, kind }: Interpreter, system: System, signal: AbortSignal): Promise<PythonAnswer> {
  const args = kind === 'blender' ? ['--background', '--factory-startup', '--python-expr', script] : ['-c', script]
  const { stdout, isLate } = await runProgram(file, args, { env: cleanEnvironment(system.env), limitMs, signal })
  const line = /^@sg-session-doctor (.*)$/m.exec(stdout)?.[1]
  const said = line === undefined ? undefined : saidSchema.safeParse(parseJson(line)).data
  return { file, ...(said ? { said } : {}), isLate }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What decides which packages are found and where an agent is, and nothing else: the environment of a farm job holds keys. */
const handedOn =
  /^(PATH|HOME|USER|LOGNAME|USERPROFILE|LOCALAPPDATA|APPDATA|SYSTEMROOT|TEMP|TMP|TMPDIR|LANG|LC_ALL|PYTHONPATH|PYTHONHOME|PYENV_ROOT|PYENV_VERSION|VIRTUAL_ENV|LD_LIBRARY_PATH|XDG_RUNTIME_DIR|SG_SESSION_ENDPOINT|SHOTGUN_ALLOW_OLD_PYTHON)$/i

function cleanEnvironment(env: System['env']): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => handedOn.test(name))
  return { ...Object.fromEntries(kept), PYTHONDONTWRITEBYTECODE: '1' }
}

/** Judges the answers; those that have nothing to do with us share a row. */
export function judgePythons(answers: readonly PythonAnswer[], ours: string): Finding[] {
  if (answers.length === 0) return [{ check: 'python', state: 'skipped', found: 'no Python was found' }]
  const seen = new Set<string>()
  const rows: Finding[] = []
  const without: string[] = []
  for (const answer of answers.toSorted((a, b) => (a.file < b.file ? -1 : 1))) {
    const { said, file, isLate } = answer
    if (!said) {
      const found = isLate ? `did not answer within ${limitMs / 1000} s` : 'cannot be run'
      rows.push({ check: 'python', about: file, state: 'skipped', found })
      continue
    }
    // The same Python under another name: a shim, a link.
    const identity = `${said.prefix} ${said.version} ${said.sg_session?.file} ${said.shotgun_api3?.file}`
    if (seen.has(identity)) continue
    seen.add(identity)
    if (said.sg_session) rows.push(judgeClient(file, said, ours))
    else without.push(`${said.version} (${file}${said.shotgun_api3 ? `, ${describeApi(said.shotgun_api3)}` : ''})`)
  }
  if (without.length > 0) {
    const found = `without sg_session: ${without.join(', ')}`
    rows.push({
      check: 'python',
      state: 'skipped',
      found,
      advice: 'A tool that runs in one of them needs it: docs/plug-ins.md.',
    })
  }
  return rows
}

function judgeClient(file: string, said: PythonSaid, ours: string): Finding {
  const { sg_session: client, shotgun_api3: api, agent } = said
  const row = { check: 'python', about: file } as const
  const besides = api ? `; ${describeApi(api)}` : ''
  if (client?.error !== undefined) {
    const advice = 'Install sg_session again; it needs Python 3.7 or later.'
    return {
      ...row,
      state: 'failed',
      found: `Python ${said.version} cannot import sg_session (${client.error})${besides}`,
      advice,
    }
  }
  const found = `Python ${said.version} imports sg_session ${client?.version || 'of unknown version'} from ${client?.file}${besides}`
  if (agent === 'unsupported_version') {
    const advice = `It and the agent do not understand each other. Install sg_session ${ours} there.`
    return { ...row, state: 'failed', found, advice }
  }
  if (client?.version !== ours) {
    return { ...row, state: 'warning', found, advice: `This is ${ours}. Install sg_session ${ours} there too.` }
  }
  return { ...row, state: 'ok', found: agent === 'ok' ? `${found}; it understands the agent` : found }
}

function describeApi({ version: api, error }: z.output<typeof packageSchema>): string {
  return error === undefined
    ? `shotgun_api3 ${api || 'of unknown version'}`
    : `shotgun_api3 cannot be imported (${error})`
}
