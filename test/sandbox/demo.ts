import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { launchChromium, signInAt } from './chromium.ts'
import { type Desktop, startDesktop } from './desktop/desktop.ts'
import { drawMenu } from './desktop/draw-menu.ts'
import type { TrayItem } from './desktop/tray-item.ts'
import { freePorts } from './free-ports.ts'
import { startIdentity } from './identity/identity.ts'
import { personNamed } from './people.ts'
import { type Finished, type Running, untilSaid } from './processes.ts'
import { startSite } from './site/site.ts'
import { openStudio, type Studio } from './studio.ts'

/**
 * The main job, for real: an artist signs in from the tray, in a browser at the sandbox, and a Python plug-in works on the
 * site as that artist. With `--once` Chromium plays the artist, on a desktop nobody looks at, and everything is put away
 * after; else it is you, on yours, until Ctrl-C.
 */
const { values } = parseArgs({ options: { once: { type: 'boolean', default: false }, pictures: { type: 'string' } } })
const artist = personNamed('artist')
const clientId = 'sg-session-tray'
const redirectPorts = [14285, 21842, 27391]
const startLimitMs = 20_000
const root = resolve(import.meta.dirname, '..', '..')
const pluginScript = join(import.meta.dirname, 'plugin.py')
/** What IT says about programs. With an artist at the screen only the command line is let in, and the plug-in is asked about. */
const commandLine = { script: join(root, 'src', 'cli', 'sg-session.ts') }
const tools = values.once
  ? { consent: 'allow-list', allow: [{ script: pluginScript, scope: 'session' }, commandLine] }
  : { consent: 'prompt', allow: [commandLine] }
const electron = process.env['SG_SESSION_ELECTRON'] ?? ''
const closing: (() => unknown)[] = []
let stepNumber = 0

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (waiting) return waiting()
    if (!interrupted) void putEverythingAway().finally(() => process.exit(130))
    interrupted = true
  })
}
/** Set while the demo waits for Ctrl-C; else Ctrl-C ends it where it is. */
let waiting: (() => void) | undefined

try {
  await play()
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ ok: false, error: error instanceof Error ? error.message : String(error) })}\n`,
  )
  process.exitCode = 1
} finally {
  if (!interrupted) await putEverythingAway()
}

async function putEverythingAway(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

async function play(): Promise<void> {
  process.stdout.write(
    `${styleText('bold', 'sg-session: one sign-in in the browser, and every tool has the session')}\n\n`,
  )
  const site = await startSite({ switches: { sudoSessionOwner: 'human' } })
  closing.push(() => site.close())
  step('a ShotGrid site', `${site.url} (sandbox)`)
  const identity = await startIdentity({
    clients: [{ clientId, redirectUris: redirectPorts.map((port) => `http://localhost:${port}/callback`) }],
  })
  closing.push(() => identity.close())
  step('an Autodesk Identity', `${identity.issuer} (sandbox)`)

  const [brokerPort = 0] = await freePorts(1)
  const studio = await openStudio({
    siteUrl: site.url,
    issuer: identity.issuer,
    clientId,
    redirectPorts,
    brokerPort,
    realBrowser: !values.once,
    tools,
  })
  closing.push(() => studio.close())
  const broker = await studio.startBroker()
  step('the studio’s identity broker', `${studio.brokerUrl} (process ${broker.pid})`)
  const desktop = values.once ? await startDesktop() : undefined
  if (desktop) closing.push(() => desktop.stop())
  const app = await studio.startApp(electron, desktop?.env)
  closing.push(() => app.stop())
  step('the tray app on the artist’s desktop', `process ${app.pid}, no window`)
  const icon = await desktop?.panel.item()
  await icon?.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'the menu')
  if (icon) step('its icon is in the panel', statusLine(icon))

  if (values.once) {
    const rule = `${relative(root, pluginScript)}, and the command line`
    step('IT’s rule: who may have the session', rule)
    step('a plug-in asks too early', refusalIn(await studio.python('python3', pluginScript)))
  }

  if (icon && desktop) {
    await icon.click('Sign in…')
    step('one click on “Sign in…”', 'in the real menu, over D-Bus, as a panel does')
    await signInWithChromium(studio, desktop)
    await icon.untilShown(({ tooltip }) => tooltip.includes('Signed in as'), 'that the artist is signed in')
    step('the artist is signed in', statusLine(icon))
  } else await signInByHand(studio)

  if (!values.once) step('your turn, in “Allow a program?”', 'a plug-in asks, choose “Always allow”: it is asked once')
  const plugin = await studio.python('python3', pluginScript, ...(values.once ? [] : ['ask']))
  if (plugin.status !== 0) throw new Error(`the plug-in failed: ${plugin.stdout}${plugin.stderr}`)
  const done = JSON.parse(plugin.stdout) as PluginResult
  step('a Python plug-in has the session', `in ${done.get_session_ms} ms, as ${done.login}`)
  step(
    'it reads as that artist',
    `${done.read.Project} projects (${done.projects.join(', ')}), ${done.read.Shot} shots`,
  )
  step('it writes a Note', `created by ${done.created_by.name}, says the site`)
  const event = site.eventLog().findLast((row) => row.event_type === 'Shotgun_Note_New')
  step('the site’s event log agrees', `${event?.event_type} by ${event?.user?.type} ${event?.user?.id}`)

  if (values.once) {
    const stranger = await studio.python('python3', '-m', 'sg_session', 'get', '--json')
    step('a program that no rule names is not', refusalIn(stranger))
  }
  step('who had the session, says the audit', await whoHadIt(studio))

  if (!values.once) await waitForCtrlC(studio)
  if (values.pictures && icon) await drawMenu(icon, join(values.pictures, 'tray-menu.png'))
  const left = await putAway(studio, broker, app, icon)
  step('put away', left)
  const { login, read, created_by } = done
  process.stdout.write(`\n${JSON.stringify({ ok: true, login, site: done.site, read, created_by })}\n`)
}

interface PluginResult {
  readonly login: string
  readonly site: string
  readonly get_session_ms: number
  readonly read: { readonly Project: number; readonly Shot: number }
  readonly projects: readonly string[]
  readonly created_by: { readonly type: string; readonly id: number; readonly name: string }
}

function refusalIn({ status, stdout, stderr }: Finished): string {
  if (status === 0) throw new Error(`a program was let in that must not be: ${stderr}`)
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  return `${error.code}: ${error.message}`
}

/** From the agent's own record of every call; throws unless the plug-in alone had it, and by what was to let it in. */
async function whoHadIt(studio: Studio): Promise<string> {
  const { stdout } = await studio.sgSession('audit', '--json', '--allow-insecure-loopback')
  const lines = stdout.split('\n').filter(Boolean)
  const calls = lines.map((line) => JSON.parse(line) as AuditedCall)
  const had = calls.filter(({ method, outcome }) => method === 'session/get' && outcome === 'ok')
  const expected = values.once ? 'rule' : 'asked'
  const [first] = had
  if (!first || had.some(({ script, allowedBy }) => script !== pluginScript || allowedBy !== expected))
    throw new Error(`somebody else had the session: ${JSON.stringify(had)}`)
  const why = values.once ? 'by IT’s rule for that script; nobody was asked' : 'because you allowed it'
  return `${basename(first.executable)} running ${basename(first.script ?? '')}, ${why}`
}

interface AuditedCall {
  readonly executable: string
  readonly script?: string
  readonly method: string
  readonly outcome: string
  readonly allowedBy?: string
}

/** Sends the artist at this machine to the browser, and shows whom to be. */
async function signInByHand(studio: Studio): Promise<void> {
  const signIn = studio.startSgSession('sign-in')
  await untilSaid(signIn, '/authorize?', startLimitMs)
  const address = /^ {2}(http\S+)$/m.exec(signIn.stderr())?.[1]
  step('your turn, in your browser', `sign in as ${artist.email} with the password ${artist.autodesk?.password}`)
  process.stdout.write(`\n       If no browser opened, open this address:\n       ${address}\n\n`)
  if ((await signIn.ended) !== 0) throw new Error(`the sign-in failed: ${signIn.stderr()}`)
  step('the artist is signed in', signIn.stdout().trim())
}

async function signInWithChromium(studio: Studio, desktop: Desktop): Promise<void> {
  const address = await studio.openedAddress()
  step('the app opens the system browser', `${new URL(address).origin}${new URL(address).pathname}?…`)
  const browser = await launchChromium(desktop.env['DISPLAY'])
  const page = await browser.newPage({ viewport: { width: 900, height: 620 } })
  const picture = async (name: string) =>
    values.pictures && (await page.screenshot({ path: join(values.pictures, name) }))
  const heading = await signInAt(page, address, artist, () => picture('sign-in.png'))
  await picture('signed-in.png')
  await browser.close()
  step('Chromium signs in and comes back', `“${heading}”`)
}

/** What the tooltip says of the site. */
function statusLine(icon: TrayItem): string {
  return icon.tooltip().split('\n').slice(1).join(', ')
}

/** Signs out, quits what runs, and looks for the session token in every file that is left. */
async function putAway(studio: Studio, broker: Running, app: Running, icon: TrayItem | undefined): Promise<string> {
  const { stdout } = await studio.sgSession('get', '--json')
  const { sessionToken } = JSON.parse(stdout) as { sessionToken: string }
  await studio.sgSession('sign-out')
  await icon?.click('Quit')
  const statuses = await Promise.all([broker.stop(), icon ? app.ended : app.stop()])
  if (statuses.some((status) => status !== 0)) throw new Error(`a program ended with ${statuses.join(' and ')}`)
  const bytes = Buffer.from(sessionToken)
  const shapes = [sessionToken, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')].map((text) =>
    Buffer.from(text),
  )
  const files = await filesBelow(studio.folder)
  const found = []
  for (const file of files) {
    const content = await readFile(file)
    if (shapes.some((shape) => content.includes(shape)) || file.endsWith('endpoint.json')) found.push(file)
  }
  if (found.length > 0) throw new Error(`a secret was left in ${found.join(', ')}`)
  return `app and broker ended; ${files.length} files left, none with the token`
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function waitForCtrlC(studio: Studio): Promise<void> {
  const { XDG_RUNTIME_DIR, PYTHONPATH } = studio.env
  process.stdout.write(
    `\nThe app is yours to try: its icon is in your panel. In another terminal:\n\n` +
      `  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR} PYTHONPATH=${PYTHONPATH}\n` +
      `  python3 -m sg_session status\n\nCtrl-C ends the demo and puts everything away.\n\n`,
  )
  await new Promise<void>((resolve) => {
    waiting = resolve
  })
  waiting = undefined
}

function step(what: string, how: string): void {
  stepNumber += 1
  const number = String(stepNumber).padStart(2)
  process.stdout.write(
    `${styleText('dim', number)}  ${styleText('green', '✓')} ${what.padEnd(38)} ${styleText('dim', how)}\n`,
  )
}
