import { realpathSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { seconds } from '../../build/progress.mjs'
import { launchChromium, signInAt } from './chromium.ts'
import { putAway, tokenHeld, untilQuit, whoHadIt } from './demo-end.ts'
import { blender, inHost, plugin, sayRefusal, Trouble, toolsHaveIt, workAsArtist } from './demo-tools.ts'
import { type Desktop, startDesktop } from './desktop/desktop.ts'
import { drawMenu } from './desktop/draw-menu.ts'
import { drawMorning } from './desktop/draw-morning.ts'
import type { TrayItem } from './desktop/tray-item.ts'
import { freePorts } from './free-ports.ts'
import { startIdentity } from './identity/identity.ts'
import { personNamed } from './people.ts'
import { type Running, untilSaid } from './processes.ts'
import { type Site, startSite } from './site/site.ts'
import { openStudio, type Studio } from './studio.ts'
import { Transcript } from './transcript.ts'

/**
 * The main job, for real, in acts: an artist signs in from the tray, in a browser at the sandbox, and programs work on the site
 * as that artist. With `--once` Chromium plays the artist, on a desktop nobody looks at, and everything is put away after; else
 * it is you, on yours, until you quit the app or press Ctrl-C.
 */
const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    // Read by build/progress.mjs.
    'no-color': { type: 'boolean' },
  },
})
const artist = personNamed('artist')
const clientId = 'sg-session-tray'
const redirectPorts = [14285, 21842, 27391]
const startLimitMs = 20_000
const root = resolve(import.meta.dirname, '..', '..')
const commandLine = { script: join(root, 'src', 'cli', 'sg-session.ts') }
const morning = join(import.meta.dirname, 'morning.py')
/** What IT says about programs. With an artist at the screen the plug-in is asked about, once. */
const listed = [
  commandLine,
  ...(values.pictures ? [{ script: morning, scope: 'session' }] : []),
  { script: inHost, scope: 'session' },
  ...(blender ? [{ executable: realpathSync(blender) }] : []),
]
const tools = values.once
  ? { consent: 'allow-list', allow: [...listed, { script: plugin, scope: 'session' }] }
  : { consent: 'prompt', allow: listed }
const electron = process.env['SG_SESSION_ELECTRON'] ?? ''
const transcript = new Transcript()
const closing: (() => unknown)[] = []

let isInterrupted = false
/** Set while the demo waits for Ctrl-C; else Ctrl-C ends it where it is. */
let waiting: AbortController | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (waiting) return waiting.abort()
    if (!isInterrupted) void putEverythingAway().finally(() => process.exit(130))
    isInterrupted = true
  })
}

try {
  const result = await play()
  transcript.close()
  process.stdout.write(`\n${JSON.stringify({ ok: true, ...result })}\n`)
} catch (error) {
  if (!isInterrupted) sayWhatIsWrong(error)
  process.exitCode = 1
} finally {
  if (!isInterrupted) await putEverythingAway()
}

async function putEverythingAway(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

function sayWhatIsWrong(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const [sentence = message] = message.split('\n')
  transcript.line('wrong', 'it went wrong', sentence)
  const usual = 'Start it again. If it goes on, "npm test -- test/e2e/main-job.test.ts" tells more.'
  transcript.line('advice', 'what to do', (error instanceof Trouble ? error.advice : undefined) ?? usual)
  process.stdout.write(`\n${JSON.stringify({ ok: false, error: message })}\n`)
}

async function play() {
  transcript.title('sg-session: one sign-in in the browser, and every tool has the session')
  const { site, studio, broker, desktop, app, icon } = await raise()

  transcript.act('Nobody is signed in, and a tool that asks is told what to do')
  // Not the plug-in: the artist would be asked about that one before there is a session.
  const ask = () => studio.python('python3', inHost, 'maya')
  sayRefusal(transcript, 'a tool asks', await transcript.during('a tool asks', ask))

  const signedInAs = await signIn(studio, desktop, icon)
  const maySee = await toolsHaveIt(transcript, studio)
  const done = await workAsArtist(transcript, studio, site, !values.once)

  transcript.act(values.once ? 'A program that IT has not listed is refused' : 'Who had it is on record')
  if (values.once)
    sayRefusal(
      transcript,
      'another program',
      await transcript.during('another program', () => studio.python('python3', '-m', 'sg_session', 'get', '--json')),
    )
  const mayHave = [plugin, inHost, ...(blender ? [realpathSync(blender)] : [])]
  await transcript.step('on record', () => whoHadIt(studio, mayHave, [commandLine.script]))

  const tokens = [await tokenHeld(studio)]
  let hasQuit = false
  if (!values.once) {
    waiting = new AbortController()
    hasQuit = await untilQuit(transcript, studio, app, waiting.signal)
    waiting = undefined
    if (!hasQuit) tokens.push(await tokenHeld(studio))
  }
  if (values.pictures && icon) await drawPictures(values.pictures, studio, icon)
  transcript.act('Signed out, and nothing is left')
  await putAway(transcript, { studio, broker, app, hasQuit, icon, tokens, ask })
  const { login, read, created_by } = done
  return { login, site: done.site, read, created_by, signed_in: signedInAs, tools: maySee }
}

interface Raised {
  readonly site: Site
  readonly studio: Studio
  readonly broker: Running
  readonly desktop: Desktop | undefined
  readonly app: Running
  readonly icon: TrayItem | undefined
}

/** Raises the curtain: everything the artist's studio has, as programs of their own where they are programs. */
async function raise(): Promise<Raised> {
  transcript.act('A studio on this machine, and an artist’s desktop')
  const site = await transcript.during('a ShotGrid site', () => startSite({ switches: { sudoSessionOwner: 'human' } }))
  closing.push(() => site.close())
  transcript.line('done', 'ShotGrid site', `${site.url} (sandbox)`)
  const redirectUris = redirectPorts.map((port) => `http://localhost:${port}/callback`)
  const identity = await transcript.during('an Autodesk Identity', () =>
    startIdentity({ clients: [{ clientId, redirectUris }] }),
  )
  closing.push(() => identity.close())
  transcript.line('done', 'Autodesk Identity', `${identity.issuer} (sandbox)`)
  const [brokerPort = 0] = await freePorts(1)
  const studio = await openStudio({
    ...{ siteUrl: site.url, issuer: identity.issuer, clientId, redirectPorts, brokerPort, tools },
    realBrowser: !values.once,
  })
  closing.push(() => studio.close())
  const broker = await transcript.during('the studio’s broker', () => studio.startBroker())
  transcript.line('done', 'the studio’s broker', `${studio.brokerUrl}, process ${broker.pid}`)
  const desktop = values.once ? await transcript.during('a desktop', () => startDesktop()) : undefined
  if (desktop) closing.push(() => desktop.stop())
  const app = await transcript.during('the tray app', () => studio.startApp(electron, desktop?.env))
  closing.push(() => app.stop())
  const icon = await desktop?.panel.item()
  await icon?.untilMenu((menu) => menu.some(({ label }) => label === 'Sign in…'), 'the menu')
  transcript.line(
    'done',
    'the tray app',
    `process ${app.pid}, ${icon ? `its icon is in the panel: ${statusLine(icon)}` : 'its icon is in your panel'}`,
  )
  return { site, studio, broker, desktop, app, icon }
}

/** Returns what is shown of who is signed in. */
async function signIn(studio: Studio, desktop: Desktop | undefined, icon: TrayItem | undefined): Promise<string> {
  const begunAt = performance.now()
  const time = () => seconds(performance.now() - begunAt)
  if (!icon || !desktop) {
    transcript.act('Your turn: sign in, in your browser')
    const signIn = studio.startSgSession('sign-in')
    await untilSaid(signIn, '/authorize?', startLimitMs)
    const address = /^ {2}(http\S+)$/m.exec(signIn.stderr())?.[1]
    transcript.line('advice', 'sign in as', `${artist.email} with the password ${artist.autodesk?.password}`)
    transcript.say(`If no browser opened, open this address:\n${address}`)
    const status = await transcript.during('waiting for you', () => signIn.ended)
    if (status !== 0) throw new Error(`the sign-in came to nothing: ${signIn.stderr()}`)
    const said = signIn.stdout().trim()
    transcript.line('done', 'signed in', `${said}, after ${time()}`)
    return said
  }
  transcript.act('One click, and the browser does the rest')
  if (values.pictures) await drawMenu(icon, join(values.pictures, 'tray-sign-in.png'))
  await icon.click('Sign in…')
  transcript.line('done', 'one click', '“Sign in…”, in the tray’s real menu, over D-Bus, as a panel does')
  const address = await transcript.during('the browser', () => studio.openedAddress())
  const { origin, pathname } = new URL(address)
  transcript.line('done', 'the browser opens', `${origin}${pathname}?…`)
  await transcript.step('Chromium signs in', () => signInWithChromium(address, desktop))
  await icon.untilShown(({ tooltip }) => tooltip.includes('Signed in as'), 'that the artist is signed in')
  transcript.line('done', 'signed in', `${statusLine(icon)}; ${time()} after the click`)
  return statusLine(icon)
}

/** What is on the pictures of the documentation besides the browser's pages. */
async function drawPictures(folder: string, studio: Studio, icon: TrayItem): Promise<void> {
  await drawMenu(icon, join(folder, 'tray-menu.png'))
  const path = [studio.env['PYTHONPATH'], join(root, 'test', 'python', 'stand_in')].join(delimiter)
  const { status, stdout, stderr } = await studio.python('env', `PYTHONPATH=${path}`, 'python3', morning)
  if (status !== 0 || stderr !== '') throw new Error(`Python printed: ${stderr}`)
  await drawMorning(folder, stdout.trimEnd())
}

async function signInWithChromium(address: string, desktop: Desktop): Promise<string> {
  const browser = await launchChromium(desktop.env['DISPLAY'])
  const page = await browser.newPage({ viewport: { width: 900, height: 620 } })
  const picture = async (name: string) =>
    values.pictures && (await page.screenshot({ path: join(values.pictures, name) }))
  const heading = await signInAt(page, address, artist, () => picture('sign-in.png'))
  await picture('signed-in.png')
  await browser.close()
  return `e-mail and password on Autodesk’s page, and back: “${heading}”`
}

/** What the tooltip says of the site. */
function statusLine(icon: TrayItem): string {
  return icon.tooltip().split('\n').slice(1).join(', ')
}
