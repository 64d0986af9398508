import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Finished, finished, type Running, startProcess, untilSaid } from '../sandbox/processes.ts'

/** How a program is started in a root: as root with nearly no environment when not told otherwise. */
export interface How {
  readonly user?: User
  readonly env?: Readonly<Record<string, string>>
}

export interface User {
  readonly name: string
  readonly uid: number
  readonly home: string
  /** What a login gives: HOME, XDG_RUNTIME_DIR and so on. */
  readonly env: Readonly<Record<string, string>>
}

export interface SeenProcess {
  /** As the machine around the root calls it. */
  readonly pid: number
  readonly executable: string
  /** Cut at blanks too: Chromium writes those of its other processes as one text. */
  readonly arguments: readonly string[]
  /** As in proc(5). */
  readonly status: string
}

/** A Debian root with processes, mounts and temporary files of its own, and the network of the machine around it. */
export interface Machine {
  /** Runs a program to its end. */
  run(command: readonly string[], how?: How): Promise<Finished>
  /** The same, where only success counts: what it printed. Throws all it said when its status is not 0. */
  demand(command: readonly string[], how?: How): Promise<string>
  start(command: readonly string[], how?: How): Running
  /** Where a file of the root is seen from outside, as long as the root is open. */
  outside(path: string): string
  addUser(name: string): Promise<User>
  processes(): Promise<SeenProcess[]>
  /** Every file of its disk: `drwxr-xr-x root:root /opt`, links with what they name. */
  files(...below: string[]): Promise<string[]>
  /** Ends every process in it and removes what was written. */
  close(): Promise<void>
}

const startLimitMs = 20_000
const hostEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

/** Opens a root over the unpacked one in `lower`, which stays as it is. `folder`: where what is written goes. */
export async function openMachine(lower: string, folder: string): Promise<Machine> {
  const place = await mkdtemp(join(folder, 'machine-'))
  const [upper = '', work = '', at = ''] = await Promise.all(
    ['upper', 'work', 'at'].map((name) => mkdir(join(place, name), { mode: 0o755 }).then(() => join(place, name))),
  )
  const script = resolve(import.meta.dirname, 'enter-root.sh')
  const spaces = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child']
  const init = startProcess('unshare', [...spaces, '--', 'sh', script, lower, upper, work, at], hostEnv)
  await untilSaid(init, 'ready ', startLimitMs)
  const pid = Number(/ready (\d+)/.exec(init.stdout())?.[1])
  const space = await readlink(`/proc/${pid}/ns/mnt`)

  const start = (command: readonly string[], { user, env = {} }: How = {}): Running => {
    const all = { ...hostEnv, LANG: 'C.UTF-8', ...(user ? user.env : { HOME: '/root' }), ...env }
    const asUser = user ? ['setpriv', '--reuid', `${user.uid}`, '--regid', `${user.uid}`, '--init-groups', '--'] : []
    const inside = [
      'env',
      '-i',
      '-C',
      user?.home ?? '/',
      ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
    ]
    const enter = ['--target', `${pid}`, '--mount', '--pid', '--ipc', '--uts', '--root', '--wd', '--']
    return startProcess('nsenter', [...enter, ...inside, ...asUser, ...command], hostEnv)
  }
  const run = (command: readonly string[], how?: How): Promise<Finished> => finished(start(command, how))
  const demand = async (command: readonly string[], how?: How): Promise<string> => {
    const { status, stdout, stderr } = await run(command, how)
    if (status !== 0) throw new Error(`"${command.join(' ')}" ended with ${status}: ${stdout}${stderr}`)
    return stdout
  }
  return {
    run,
    demand,
    start,
    outside: (path) => join('/proc', `${pid}`, 'root', path),
    async addUser(name) {
      await demand(['useradd', '--create-home', '--user-group', '--shell', '/bin/bash', name])
      const uid = Number(await demand(['id', '-u', name]))
      const home = `/home/${name}`
      const runtime = `/run/user/${uid}`
      await demand(['install', '-d', '-m', '700', '-o', name, '-g', name, runtime])
      return { name, uid, home, env: { HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: runtime } }
    },
    async processes() {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
      return (await Promise.all(pids.map((one) => look(one, space)))).flatMap((seen) => seen ?? [])
    },
    async files(...below) {
      const form = [
        '-xdev',
        '(',
        '-type',
        'l',
        '-printf',
        '%M %u:%g %p -> %l\\n',
        '-o',
        '-printf',
        '%M %u:%g %p\\n',
        ')',
      ]
      const listed = await demand(['find', ...(below.length > 0 ? below : ['/']), ...form])
      return listed.split('\n').filter(Boolean).sort()
    },
    async close() {
      await init.stop('SIGKILL')
      await rm(place, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Undefined for what is gone, or in another place. */
async function look(pid: number, space: string): Promise<SeenProcess | undefined> {
  const place = (name: string): string => join('/proc', `${pid}`, name)
  try {
    // Not the process namespace: Chromium gives its own processes another.
    if ((await readlink(place('ns/mnt'))) !== space) return undefined
    const [executable, commandLine, status] = await Promise.all([
      readlink(place('exe')),
      readFile(place('cmdline'), 'utf8'),
      readFile(place('status'), 'utf8'),
    ])
    return { pid, executable, arguments: commandLine.split(/[\0 ]/).filter(Boolean), status }
  } catch {
    return undefined
  }
}
