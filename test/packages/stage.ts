import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { inject, type TestContext } from 'vitest'
import type { Finished, Running } from '../sandbox/processes.ts'
import type { RootKind } from './debian-root.ts'
import { type Machine, openMachine, type SeenProcess, type User } from './machine.ts'

/** Where transcripts and lists are kept, for people to look at. */
export const resultFolder = resolve('test-results', 'packages')

/** A package of one of the two versions; skips the test where none was made. */
export async function packageFile(context: TestContext, which: 'older' | 'newer', kind: RegExp): Promise<string> {
  const made = inject('packages')
  if (typeof made === 'string') return context.skip(made)
  const found = (await readdir(made[which])).filter((name) => kind.test(name))
  if (found.length !== 1) throw new Error(`${found.length} files of ${made[which]} are ${kind}: ${found.join(', ')}`)
  return join(made[which], found[0] ?? '')
}

export const deb = /^sg-session.*\.deb$/

/** A Debian of one's own; skips the test, saying why, where none can be had. */
export function openDebian(context: TestContext, kind: RootKind): Promise<Machine> {
  const roots = inject('roots')
  return typeof roots === 'string' ? context.skip(roots) : openMachine(roots[kind], roots.folder)
}

/** One Debian for all tests of a file, opened by the first that wants it. */
export function sharedDebian(kind: RootKind, prepare: (machine: Machine, context: TestContext) => Promise<void>) {
  let opening: Promise<Machine> | undefined
  return {
    async open(context: TestContext): Promise<Machine> {
      for (const there of [inject('roots'), inject('packages')]) if (typeof there === 'string') context.skip(there)
      opening ??= openDebian(context, kind).then(async (machine) => {
        await prepare(machine, context)
        return machine
      })
      return opening
    },
    async close(): Promise<void> {
      await (await opening?.catch(() => undefined))?.close()
    },
  }
}

/** Brings a file of this machine into the root's temporary folder, which is not on its disk. Resolves with its path there. */
export async function bringIn(machine: Machine, file: string): Promise<string> {
  const there = join('/tmp', basename(file))
  await copyFile(file, machine.outside(there))
  return there
}

/** As root: Python writes what it has compiled beside what it has read, and says where. */
export const importClient = [
  ...['env', 'PYTHONPATH=/opt/sg-session/python', 'python3', '-c'],
  'import os, sg_session; assert os.path.isfile(sg_session.__cached__), sg_session.__cached__',
]

/** Keeps what a command printed. */
export async function keep(name: string, text: string): Promise<void> {
  await mkdir(resultFolder, { recursive: true })
  await writeFile(join(resultFolder, name), text)
}

/** Installs a package that is in the root, as whoever rolls it out does: nobody answers, and nothing says that nobody will. */
export async function install(
  machine: Machine,
  file: string,
  env: Readonly<Record<string, string>> = {},
  ...options: string[]
): Promise<Finished> {
  const { status, stdout, stderr } = await machine.run(
    ['sh', '-c', 'exec apt-get install -y "$@" <&- 2>&1', 'sh', ...options, file],
    { env },
  )
  return { status, stdout, stderr }
}

/** What is installed runs from here. */
export const place = '/opt/sg-session'

export async function ours(machine: Machine): Promise<SeenProcess[]> {
  const all = await machine.processes()
  return all.filter(({ executable }) => executable.startsWith(`${place}/`))
}

/** A user at a desktop of the root. */
export interface Login {
  readonly user: User
  /** What programs of the login get. */
  readonly env: Readonly<Record<string, string>>
  /** The addresses that programs wanted to open in the browser. */
  openedAddresses(): Promise<string[]>
  /** Starts the installed app; resolves when its command line says that it serves. */
  startApp(...args: string[]): Promise<{ readonly running: Running; readonly main: SeenProcess }>
}

const startLimitMs = 60_000

/** An unprivileged user at a screen of the root, with a session bus, whose browser writes down what it is to open. */
export async function logIn(machine: Machine, name = 'artist'): Promise<Login> {
  const user = await machine.addUser(name)
  const opened = `${user.env['XDG_RUNTIME_DIR']}/opened-addresses`
  const browser = '/usr/local/bin/studio-browser'
  await writeFile(machine.outside(browser), `#!/bin/sh\nprintf '%s\\n' "$1" >>${opened}\n`, { mode: 0o755 })
  // No listener of a name that the machine around the root could know too.
  const screen = machine.start(
    ['Xvfb', '-displayfd', '1', '-screen', '0', '1280x900x24', '-nolisten', 'tcp', '-nolisten', 'local'],
    { user },
  )
  const number = await untilMatch(screen, /^(\d+)\n/)
  const bus = machine.start(
    ['dbus-daemon', '--session', '--nofork', '--print-address=1', `--address=unix:path=/run/user/${user.uid}/bus`],
    { user },
  )
  const address = await untilMatch(bus, /^(unix:\S+)\n/)
  const env = {
    ...user.env,
    DISPLAY: `:${number}`,
    DBUS_SESSION_BUS_ADDRESS: address,
    BROWSER: browser,
    XDG_SESSION_TYPE: 'x11',
    XDG_CURRENT_DESKTOP: 'sandbox',
    NO_AT_BRIDGE: '1',
  }
  return {
    user,
    env,
    async openedAddresses() {
      const text = await readFile(machine.outside(opened), 'utf8').catch(() => '')
      return text.split('\n').filter(Boolean)
    },
    async startApp(...args) {
      const running = machine.start([`${place}/sg-session-app`, ...args], { user, env })
      const deadline = performance.now() + startLimitMs
      for (;;) {
        const { status, stderr } = await machine.run(['sg-session', 'status'], { user, env })
        if (status === 0) break
        if (performance.now() > deadline) throw new Error(`the app does not serve: ${stderr}${running.stderr()}`)
        await new Promise((wake) => setTimeout(wake, 200))
      }
      return { running, main: await mainProcess(machine, user) }
    },
  }
}

/** The app's own first process: its others are told what they are. */
export async function mainProcess(machine: Machine, user: User): Promise<SeenProcess> {
  const all = await ours(machine)
  const found = all.filter(
    ({ executable, arguments: args, status }) =>
      executable === `${place}/sg-session-app` &&
      !args.some((argument) => argument.startsWith('--type=')) &&
      new RegExp(`^Uid:\\s+${user.uid}\\s`, 'm').test(status),
  )
  const [main] = found
  if (!main) throw new Error(`no process of the app among ${all.length}`)
  return main
}

/** Ends it as the tray's Quit does, and waits. */
export async function quit(machine: Machine, { pid }: SeenProcess): Promise<void> {
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + 20_000
  while ((await machine.processes()).some((one) => one.pid === pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not end`)
    await new Promise((wake) => setTimeout(wake, 100))
  }
}

async function untilMatch(running: Running, what: RegExp): Promise<string> {
  const deadline = performance.now() + startLimitMs
  for (;;) {
    const found = what.exec(running.stdout())?.[1]
    if (found !== undefined) return found
    const ended = await Promise.race([running.ended, new Promise<undefined>((wake) => setTimeout(wake, 50))])
    if (ended !== undefined || performance.now() > deadline) throw new Error(`it did not start: ${running.stderr()}`)
  }
}
