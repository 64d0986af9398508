import { join, resolve } from 'node:path'
import { findProgram } from './find-program.ts'
import type { Finished } from './processes.ts'
import type { Site } from './site/site.ts'
import type { Studio } from './studio.ts'
import type { Transcript } from './transcript.ts'

const root = resolve(import.meta.dirname, '..', '..')
const inBlender = join(root, 'test', 'python', 'examples', 'in_blender.py')
/** Plays the examples of docs/examples with stand-ins for their programs. */
export const inHost = join(import.meta.dirname, 'in_host.py')
export const plugin = join(import.meta.dirname, 'plugin.py')
export const blender = findProgram('blender')

/** What went wrong, when it is known what a person can do about it. */
export class Trouble extends Error {
  readonly advice: string | undefined

  constructor(message: string, advice: string | undefined) {
    super(message)
    this.advice = advice
  }
}

/** Each is a program of its own. Returns the milliseconds to the session of each that told. */
export async function toolsHaveIt(transcript: Transcript, studio: Studio): Promise<Record<string, number>> {
  transcript.act('Every tool has the session, and nobody types anything')
  const took: Record<string, number> = {}
  for (const [host, label] of Object.entries({ maya: 'Maya*', nuke: 'Nuke*', houdini: 'Houdini*' })) {
    await transcript.step(label, async () => {
      const { get_session_ms, said } = outputOf(await studio.python('python3', inHost, host)) as HostResult
      took[host] = get_session_ms
      return `has it in ${get_session_ms} ms; its tool says: ${said}`
    })
  }
  if (blender) {
    await transcript.step('Blender', async () => {
      const path = ['src/client/python', 'docs/examples', 'test/python/stand_in']
        .map((one) => join(root, one))
        .join(':')
      const options = ['--background', '--factory-startup', '--python-use-system-env', '--python-exit-code', '1']
      const { status, stdout, stderr } = await studio.python(
        'env',
        `PYTHONPATH=${path}`,
        blender,
        ...options,
        '--python',
        inBlender,
      )
      if (status !== 0) throw new Error(`Blender’s add-on failed: ${stderr}`)
      // Its own words come in no certain order.
      const said = [/^Blender [\d.]+/m, /^Signed in as .*/m, /^\d+ open tasks/m].map((one) => one.exec(stdout)?.[0])
      return `${said[0]} itself, without a window; its panel says: ${said[1]}, ${said[2]}`
    })
  }
  transcript.say('* the tool of docs/examples, in plain Python: the program itself is not here')
  return took
}

interface HostResult {
  readonly get_session_ms: number
  readonly said: string
}

interface PluginResult {
  readonly login: string
  readonly site: string
  readonly get_session_ms: number
  readonly read: { readonly Project: number; readonly Shot: number }
  readonly projects: readonly string[]
  readonly created_by: { readonly type: string; readonly id: number; readonly name: string }
}

export async function workAsArtist(
  transcript: Transcript,
  studio: Studio,
  site: Site,
  isAsked: boolean,
): Promise<PluginResult> {
  transcript.act('They work on the site as that artist')
  if (isAsked)
    transcript.line('advice', '“Allow a program?”', 'a plug-in asks: choose “Always allow”. It is asked once')
  const asking = isAsked ? ['ask'] : []
  const finished = await transcript.during('a Python plug-in', () => studio.python('python3', plugin, ...asking))
  const done = outputOf(finished) as PluginResult
  transcript.line(
    'done',
    'a Python plug-in',
    `has the session ${isAsked ? 'with your answer' : `in ${done.get_session_ms} ms`}, as ${done.login}`,
  )
  transcript.line(
    'done',
    'it reads',
    `${done.read.Project} projects (${done.projects.join(', ')}), ${done.read.Shot} shots: what that artist may see`,
  )
  transcript.line('done', 'it writes a Note', `created by ${done.created_by.name}, says the site`)
  const event = site.eventLog().findLast((row) => row.event_type === 'Shotgun_Note_New')
  transcript.line(
    'done',
    'the event log',
    `${event?.event_type} by ${event?.user?.type} ${event?.user?.id}: no script stands behind it`,
  )
  return done
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly advice?: string }
}

function outputOf({ status, stdout, stderr }: Finished): unknown {
  if (status === 0) return JSON.parse(stdout)
  if (!stdout.startsWith('{"error"')) throw new Error(`a tool failed: ${stdout}${stderr}`)
  const { error } = JSON.parse(stdout) as Refusal
  throw new Trouble(`a tool was refused: ${error.code}: ${readable(error.message)}`, error.advice)
}

/** Without the folders of this machine. */
function readable(message: string): string {
  return message.replaceAll(`${root}/`, '').replace(/"[^"]*\/(python[\d.]*)"/, '$1')
}

/** Throws when there is none. */
export function sayRefusal(transcript: Transcript, label: string, { status, stdout, stderr }: Finished): void {
  if (status === 0) throw new Error(`a program was let in that must not be: ${stderr}`)
  const { error } = JSON.parse(stdout) as Refusal
  transcript.line('refused', label, `${error.code}: ${readable(error.message)}`)
  if (error.advice) transcript.line('advice', 'and is told', error.advice)
}
