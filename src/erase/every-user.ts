import { spawn } from 'node:child_process'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Somebody with a home on this machine. */
export interface HomeOwner {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

export interface AsUserEnded {
  /** Undefined when it could not be started, or was ended at its limit. */
  readonly status: number | undefined
  readonly stdout: string
}

/** Where people have their homes, and the first of their numbers: below them are the accounts of services, which have no sessions. */
export interface PeoplesPlace {
  readonly homes: string
  readonly firstPerson: number
  readonly firstGroup: number
}

/**
 * Linux: UID_MIN and GID_MIN of login.defs at Debian and Red Hat. macOS keeps its people in Open Directory, from 501 on, and not in /etc/passwd;
 * their group is staff, 20.
 */
export function peoplesPlace(platform: NodeJS.Platform): PeoplesPlace {
  if (platform === 'darwin') return { homes: '/Users', firstPerson: 501, firstGroup: 20 }
  return { homes: '/home', firstPerson: 1_000, firstGroup: 1_000 }
}

const nobody = 65_534
const mostCharacters = 1024 * 1024

/**
 * Everybody whose home is on this machine: who stands in /etc/passwd, and who owns a folder in /home (macOS: /Users), which is
 * where accounts of a directory have theirs once they have logged in. Root too.
 */
export async function homeOwners(
  passwdFile = '/etc/passwd',
  { homes, firstPerson, firstGroup } = peoplesPlace(process.platform),
): Promise<HomeOwner[]> {
  const listed = judgePasswd(await readFile(passwdFile, 'utf8').catch(() => ''), firstPerson)
  const found: HomeOwner[] = []
  for (const owner of listed) if ((await lstat(owner.home).catch(() => undefined))?.isDirectory()) found.push(owner)
  for (const name of await readdir(homes).catch(() => [])) {
    const home = join(homes, name)
    const folder = await lstat(home).catch(() => undefined)
    if (!folder?.isDirectory() || !isPerson(folder.uid, firstPerson) || found.some(({ uid }) => uid === folder.uid))
      continue
    // A home that root has made may still have root's group, or a service's.
    found.push({ name, uid: folder.uid, gid: folder.gid < firstGroup ? nobody : folder.gid, home })
  }
  return found
}

/** The people of a file as passwd(5) describes it, with root; lines that are none are passed over. */
export function judgePasswd(text: string, firstPerson: number): HomeOwner[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uidText = '', gidText = '', , home = ''] = line.split(':')
    const [uid, gid] = [uidText, gidText].map((number) => (/^\d{1,10}$/.test(number) ? Number(number) : Number.NaN))
    if (name === '' || !home.startsWith('/') || uid === undefined || gid === undefined) return []
    if (!(uid === 0 || isPerson(uid, firstPerson)) || Number.isNaN(gid)) return []
    return [{ name, uid, gid, home }]
  })
}

function isPerson(uid: number, firstPerson: number): boolean {
  return uid >= firstPerson && uid !== nobody
}

/**
 * Runs a program as that user, with the environment of a login and nothing of ours, no input, at most `limitMs`, and takes what it
 * prints. So root itself never opens what a user could have turned into a link. Never throws; what it prints may be the user's work.
 */
export function runAsUser(
  { name, uid, gid, home }: HomeOwner,
  [command = '', ...args]: readonly string[],
  limitMs: number,
): Promise<AsUserEnded> {
  const runtime = `/run/user/${uid}`
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    USER: name,
    LOGNAME: name,
    LANG: 'C.UTF-8',
    XDG_RUNTIME_DIR: runtime,
    // Where systemd's login has it; without a login nothing answers there.
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus`,
  }
  return new Promise<AsUserEnded>((resolve) => {
    // Node gives up the groups of root with it.
    const child = spawn(command, args, { uid, gid, env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
    let stdout = ''
    let isOver = false
    const end = (status: number | undefined): void => {
      isOver = true
      clearTimeout(timer)
      child.stdout.destroy()
      resolve({ status, stdout })
    }
    const timer = setTimeout(() => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
      end(undefined)
    }, limitMs)
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (!isOver) stdout = (stdout + chunk).slice(0, mostCharacters)
    })
    child.once('error', () => end(undefined))
    child.once('close', (status) => end(status ?? undefined))
  }).catch(() => ({ status: undefined, stdout: '' }))
}
