import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { TrayItem } from './desktop/tray-item.ts'
import type { Finished, Running } from './processes.ts'
import type { Studio } from './studio.ts'
import type { Transcript } from './transcript.ts'

interface AuditedCall {
  readonly executable: string
  readonly script?: string
  readonly method: string
  readonly outcome: string
  readonly allowedBy?: string
}

/**
 * Who had the session, from the agent's own record of every call: the programs that may (by file or script), besides those that
 * are not told of. Throws when anybody else had it.
 */
export async function whoHadIt(studio: Studio, may: readonly string[], notTold: readonly string[]): Promise<string> {
  const { stdout } = await studio.sgSession('audit', '--json', '--allow-insecure-loopback')
  const calls = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditedCall)
  const had = calls.filter(({ method, outcome }) => method === 'session/get' && outcome === 'ok')
  const nameOf = ({ executable, script }: AuditedCall): string =>
    [script, executable].find((one) => one && may.includes(one)) ?? ''
  const told = had.filter(({ script }) => !notTold.includes(script ?? ''))
  const wrong = told.filter((call) => nameOf(call) === '')
  if (told.length === 0 || wrong.length > 0) throw new Error(`somebody else had the session: ${JSON.stringify(wrong)}`)
  const names = new Map<string, string>()
  for (const call of told)
    names.set(basename(nameOf(call)), call.allowedBy === 'asked' ? 'you allowed it' : 'IT’s list')
  return [...names].map(([name, why]) => `${name} (${why})`).join(', ')
}

/** The session's token, to look for later; undefined when nobody is signed in any more. */
export async function tokenHeld(studio: Studio): Promise<string | undefined> {
  const { status, stdout } = await studio.sgSession('get', '--json')
  return status === 0 ? (JSON.parse(stdout) as { sessionToken: string }).sessionToken : undefined
}

/** Until the artist quits the app, or `signal`. Returns whether they have quit it. */
export async function untilQuit(
  transcript: Transcript,
  studio: Studio,
  app: Running,
  signal: AbortSignal,
): Promise<boolean> {
  const { XDG_RUNTIME_DIR, PYTHONPATH } = studio.env
  transcript.say(
    `\nThe app is yours to try: its icon is in your panel. In another terminal:\n\n` +
      `  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR} PYTHONPATH=${PYTHONPATH}\n` +
      `  python3 -m sg_session status\n\nQuit the app in its menu, or press Ctrl-C here: that ends the demo.\n`,
  )
  const isAsked = new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(false)))
  return Promise.race([app.ended.then(() => true), isAsked])
}

interface Left {
  readonly studio: Studio
  readonly broker: Running
  readonly app: Running
  /** Whether the artist has quit the app. */
  readonly hasQuit: boolean
  readonly icon: TrayItem | undefined
  readonly tokens: readonly (string | undefined)[]
  /** A tool that asks for the session. */
  ask(): Promise<Finished>
}

/** Signs out, ends what runs, and looks for the session's tokens in every file that is left. */
export async function putAway(transcript: Transcript, left: Left): Promise<void> {
  const { studio, broker, app, hasQuit, icon, tokens, ask } = left
  if (hasQuit) transcript.line('done', 'the app', 'you have quit it: it forgot the session')
  else {
    await transcript.step('sign-out', async () => {
      const { status, stdout, stderr } = await studio.sgSession('sign-out')
      if (status !== 0) throw new Error(`the sign-out failed: ${stderr}`)
      // What else it says is for whoever has lost a machine.
      return stdout.split('\n', 2).join('; ')
    })
    const { status, stdout } = await transcript.during('the tool asks again', ask)
    const { error } = JSON.parse(stdout) as { error?: { code: string; message: string } }
    if (status === 0 || error?.code !== 'login_required') throw new Error('somebody still has the session')
    transcript.line('refused', 'it asks again', `${error.code}: ${error.message}`)
    await icon?.click('Quit')
  }
  await transcript.step('app and broker', async () => {
    const statuses = await Promise.all([broker.stop(), icon || hasQuit ? app.ended : app.stop()])
    if (statuses.some((status) => status !== 0)) throw new Error(`a program ended with ${statuses.join(' and ')}`)
    return 'have ended'
  })
  await transcript.step('what is left', () => lookForTokens(studio.folder, tokens))
}

/** Throws with the names of the files that hold a token, or the way to an agent. */
async function lookForTokens(folder: string, tokens: readonly (string | undefined)[]): Promise<string> {
  const shapes = tokens.flatMap((token = '') => {
    const bytes = Buffer.from(token)
    return token === '' ? [] : [token, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')]
  })
  if (shapes.length === 0) throw new Error('there was no token to look for')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found: string[] = []
  for (const file of files) {
    const content = await readFile(file)
    if (shapes.some((shape) => content.includes(shape)) || file.endsWith('endpoint.json')) found.push(file)
  }
  if (found.length > 0) throw new Error(`a secret was left in ${found.join(', ')}`)
  return `${files.length} files of settings, logs and data: the session’s token is in none of them`
}
