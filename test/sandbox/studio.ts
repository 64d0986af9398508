import { chmod, mkdir, mkdtemp, readdir, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { noteSecret } from './canaries.ts'
import { sandboxScripts } from './people.ts'
import {
  brokerProgram,
  commandLineProgram,
  compileCache,
  type Finished,
  finished,
  type Running,
  startProcess,
  untilSaid,
} from './processes.ts'

export interface StudioOptions {
  readonly siteUrl: string
  readonly issuer: string
  readonly clientId: string
  readonly redirectPorts: readonly number[]
  readonly brokerPort: number
  readonly webApps?: readonly { readonly origin: string; readonly clientId: string }[]
  /** PEM of the authority that signed the sandbox's servers; without it everything speaks http on loopback. */
  readonly tls?: { readonly ca: string; readonly key: string; readonly cert: string }
  /** What the broker gives out; what it finds the site can do, when not said. */
  readonly issue?: 'session' | 'rest' | 'gateway'
  /** Seconds the broker says a session lasts. */
  readonly sessionLifetimeS?: number
  /** How often an hour the broker lets a person have a session. */
  readonly exchangesPerPerson?: number
  /** Whether tools may have the artist's Autodesk token. */
  readonly serveAccessToken?: boolean
  /** What IT says about programs; every program of the artist when not said. */
  readonly tools?: Readonly<Record<string, unknown>>
  /** Open links with the desktop's own browser instead of writing them down. */
  readonly realBrowser?: boolean
}

/** How a program is started. */
export interface How {
  /** A program that runs it, with its arguments, in the process that it becomes. */
  readonly wrapper?: readonly string[]
  /** Added to the environment of the artist's login; undefined takes away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly logLevel?: 'info' | 'debug'
  /** What Node runs in the place of the command line's own entry file. */
  readonly program?: string
  /** Switches of Node itself. */
  readonly nodeFlags?: readonly string[]
}

/** What an IT department sets up and an artist's login has, in one throw-away folder: the real programs, as processes. */
export interface Studio {
  readonly folder: string
  readonly brokerUrl: string
  /** Environment of the artist's login. */
  readonly env: Readonly<Record<string, string>>
  startBroker(how?: How): Promise<Running>
  startAgent(how?: How): Promise<Running>
  /** Starts the tray app on a desktop; resolves when tools are served. */
  startApp(electron: string, desktop?: Readonly<Record<string, string>>): Promise<Running>
  /** Runs `sg-session …` to its end. */
  sgSession(...args: string[]): Promise<Finished>
  /** Starts `sg-session …` and leaves it running. */
  startSgSession(...args: string[]): Running
  /** Runs a Python script with the client on its path. */
  python(interpreter: string, ...args: string[]): Promise<Finished>
  startPython(interpreter: string, ...args: string[]): Running
  /** The next address that a program wanted to open in the browser. */
  openedAddress(): Promise<string>
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>
}

const root = resolve(import.meta.dirname, '..', '..')
const node = process.execPath
const startLimitMs = 20_000

export async function openStudio(options: StudioOptions): Promise<Studio> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-studio-'))
  const place = (...parts: string[]): string => join(folder, ...parts)
  await Promise.all(
    ['home/.config/sg-session', 'run', 'broker', 'bin'].map((name) =>
      mkdir(place(name), { recursive: true, mode: 0o700 }),
    ),
  )
  const scheme = options.tls ? 'https' : 'http'
  const brokerUrl = `${scheme}://127.0.0.1:${options.brokerPort}`
  const loopback = options.tls ? [] : ['--allow-insecure-loopback']
  await writeConfiguration(options, place, brokerUrl)

  const opened = place('opened-addresses')
  await writeFile(opened, '')
  await writeProgram(place('bin', 'browser'), `printf '%s\\n' "$1" >> '${opened}'`)
  if (!options.realBrowser) await makeDefaultBrowser(place)
  // What `start_agent=True` finds on the PATH.
  await writeProgram(
    place('bin', 'sg-session'),
    `exec '${node}' '${commandLineProgram}' "$@"${loopbackFor('agent', loopback)}`,
  )
  const env: Record<string, string> = {
    PATH: [place('bin'), process.env['PATH'] ?? ''].join(delimiter),
    HOME: place('home'),
    XDG_CONFIG_HOME: place('home', '.config'),
    XDG_RUNTIME_DIR: place('run'),
    PYTHONPATH: join(root, 'src', 'client', 'python'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYENV_VERSION: process.env['PYENV_VERSION'] ?? '',
    // Where the real shotgun_api3 lies, if somebody has it.
    ...(process.env['SG_REAL_CLIENTS'] ? { SG_REAL_CLIENTS: process.env['SG_REAL_CLIENTS'] } : {}),
    LANG: 'C.UTF-8',
    ...compileCache,
    ...(options.realBrowser ? desktopEnvironment() : { BROWSER: place('bin', 'browser') }),
  }

  const running = new Set<Running>()
  const start = (command: string, args: readonly string[], more: How['env'] = {}): Running => {
    const whole = Object.entries({ ...env, ...more }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    )
    const started = startProcess(command, args, Object.fromEntries(whole))
    running.add(started)
    started.ended.then(() => running.delete(started))
    return started
  }
  const startReady = async (args: readonly string[], ready: string, how: How = {}): Promise<Running> => {
    const [command = node, ...rest] = [...(how.wrapper ?? []), node, ...(how.nodeFlags ?? []), ...args]
    const started = start(command, rest, how.env)
    await untilSaid(started, ready, startLimitMs)
    return started
  }
  let read = 0
  return {
    folder,
    brokerUrl,
    env,
    startBroker: (how) =>
      startReady([brokerProgram, 'serve', '--config', place('broker', 'broker.json'), ...loopback], 'serves', how),
    async startAgent(how = {}) {
      const options = ['--log-level', how.logLevel ?? 'info', ...loopback]
      const agent = await startReady([how.program ?? commandLineProgram, 'agent', ...options], 'is ready', how)
      // One that was started in another place announces itself there.
      const announced = await readFile(place('run', 'sg-session', 'endpoint.json'), 'utf8').catch(() => '{}')
      const endpoint: { key?: string } = JSON.parse(announced)
      if (endpoint.key) noteSecret('endpoint key', endpoint.key)
      return agent
    },
    async startApp(electron, desktop = {}) {
      // Root cannot have Chromium's sandbox; everybody else does.
      const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
      const app = start(electron, [...asRoot, root, ...loopback], desktop)
      const deadline = performance.now() + startLimitMs
      while ((await finished(start(node, [commandLineProgram, 'status']))).status !== 0) {
        if (performance.now() > deadline) throw new Error(`the tray app does not serve: ${app.stderr()}`)
      }
      return app
    },
    sgSession: (...args) => finished(start(node, [commandLineProgram, ...args])),
    startSgSession: (...args) => start(node, [commandLineProgram, ...args]),
    python: (interpreter, ...args) => finished(start(interpreter, args)),
    startPython: (interpreter, ...args) => start(interpreter, args),
    async openedAddress() {
      const stop = AbortSignal.timeout(startLimitMs)
      const next = async (): Promise<string | undefined> =>
        (await readFile(opened, 'utf8')).split('\n').slice(0, -1)[read]
      const changes = watch(opened, { signal: stop })[Symbol.asyncIterator]()
      for (let found = await next(); ; found = await next()) {
        if (found !== undefined) {
          read += 1
          await changes.return?.()
          return found
        }
        await changes.next()
      }
    },
    async close() {
      await Promise.all([...running].map((one) => one.stop()))
      // Plug-ins start agents of their own, which outlive them: one that comes up late would go elsewhere, without this folder.
      for (let rounds = 0; rounds < 5 && (await endProcessesOf(folder)); rounds += 1) await setTimeout(50)
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Ends what was started with an environment of this studio, whoever started it (Linux). Resolves with whether there was any. */
async function endProcessesOf(folder: string): Promise<boolean> {
  let found = false
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (Number(pid) === process.pid || !environment.includes(`XDG_RUNTIME_DIR=${join(folder, 'run')}\0`)) continue
    found = true
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  return found
}

function loopbackFor(command: string, loopback: readonly string[]): string {
  return loopback.length > 0 ? ` $([ "$1" = ${command} ] && echo ${loopback.join(' ')})` : ''
}

async function writeConfiguration(
  options: StudioOptions,
  place: (...parts: string[]) => string,
  brokerUrl: string,
): Promise<void> {
  const { siteUrl, issuer, clientId, redirectPorts, tls } = options
  const [script] = sandboxScripts
  if (!script) throw new Error('the sandbox has no script')
  const extraCa = tls ? { extraCa: place('ca.pem') } : {}
  if (tls) {
    await writeFile(place('ca.pem'), tls.ca)
    await writeFile(place('broker', 'tls.key'), tls.key, { mode: 0o600 })
    await writeFile(place('broker', 'tls.pem'), tls.cert)
  }
  await writeFile(place('broker', 'script.key'), `${script.key}\n`, { mode: 0o600 })
  const broker = {
    issuer: brokerUrl,
    listen: { port: options.brokerPort, ...(tls ? { tls: { certFile: 'tls.pem', keyFile: 'tls.key' } } : {}) },
    identity: { issuer, clientId },
    webApps: options.webApps ?? [],
    database: { file: 'broker.sqlite' },
    network: extraCa,
    ...(options.exchangesPerPerson === undefined
      ? {}
      : { limits: { exchangesPerPerson: { most: options.exchangesPerPerson, seconds: 3600 } } }),
    sites: [
      {
        url: siteUrl,
        scripts: [{ name: script.name, keyFile: 'script.key' }],
        ...(options.issue === undefined ? {} : { issue: options.issue }),
        ...(options.sessionLifetimeS === undefined ? {} : { sessionLifetimeS: options.sessionLifetimeS }),
      },
    ],
  }
  const settings = {
    sites: [{ url: siteUrl, name: 'Studio Example', broker: brokerUrl }],
    identity: {
      ...{ issuer, clientId, redirectPorts },
      ...(options.serveAccessToken === undefined ? {} : { serveAccessToken: options.serveAccessToken }),
    },
    tools: options.tools ?? { consent: 'allow-all' },
    network: extraCa,
  }
  await writeFile(place('broker', 'broker.json'), JSON.stringify(broker, undefined, 2))
  await writeFile(place('home', '.config', 'sg-session', 'settings.json'), JSON.stringify(settings, undefined, 2))
}

/** What xdg-open asks before it looks at $BROWSER: the desktop's default for web addresses. */
async function makeDefaultBrowser(place: (...parts: string[]) => string): Promise<void> {
  const applications = place('home', '.local', 'share', 'applications')
  await mkdir(applications, { recursive: true })
  const entry = ['[Desktop Entry]', 'Type=Application', 'Name=Browser', `Exec=${place('bin', 'browser')} %u`]
  await writeFile(join(applications, 'sandbox-browser.desktop'), `${entry.join('\n')}\n`)
  const schemes = ['http', 'https'].map((scheme) => `x-scheme-handler/${scheme}=sandbox-browser.desktop`)
  await writeFile(
    place('home', '.config', 'mimeapps.list'),
    `[Default Applications]\n${schemes.join('\n')}\ntext/html=sandbox-browser.desktop\n`,
  )
}

async function writeProgram(file: string, body: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${body}\n`)
  await chmod(file, 0o755)
}

function desktopEnvironment(): Record<string, string> {
  const names = [
    'DISPLAY',
    'WAYLAND_DISPLAY',
    'XAUTHORITY',
    'DBUS_SESSION_BUS_ADDRESS',
    'BROWSER',
    'XDG_CURRENT_DESKTOP',
    'XDG_DATA_DIRS',
  ]
  const found = Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
  const { XDG_RUNTIME_DIR: runtime, WAYLAND_DISPLAY: wayland } = process.env
  // The studio has a runtime folder of its own; the compositor's socket stays where it is.
  return runtime && wayland ? { ...found, WAYLAND_DISPLAY: resolve(runtime, wayland) } : found
}
