import { win32 } from 'node:path'
import { z } from 'zod'
import type { Ends } from '../../connection-table.ts'
import { SharedLook } from '../../shared-look.ts'
import type { Identified, Peer } from '../peer.ts'
import type { Met, Peers } from '../who-is-calling.ts'
import { type AskSystem, askSystem } from './ask-system.ts'
import { isSamePeer, judgeHolders, type TableProcess } from './process-table.ts'

/** Windows has no numeric users: peer.ts. */
const noUid = -1

interface Look {
  /** By the peer's port: the process that owns that end, where it is this user's. */
  readonly owners: ReadonlyMap<number, number>
  readonly table: ReadonlyMap<number, TableProcess>
}

/**
 * Windows: Get-NetTCPConnection says which process owns a connection, Win32_Process what that runs and whose it is, both through one
 * run of Windows PowerShell, which takes most of a second. Not run on Windows yet: written after the documentation, tested on samples
 * made after it. A handle that a child inherited is not seen: the process that made the connection is the one that is named.
 */
export class WindowsPeers implements Peers {
  readonly #ask: AskSystem
  readonly #looks = new Map<number, SharedLook<Look>>()

  constructor(ask: AskSystem = askSystem) {
    this.#ask = ask
  }

  meet(ends: Ends): Met {
    return { ends, at: performance.now(), row: Promise.resolve(undefined), isForeign: Promise.resolve(false) }
  }

  async identify({ ends: { localPort, remotePort } }: Met, claimedPid: number): Promise<Identified> {
    if (!localPort || !remotePort) return { kind: 'unknown', because: 'its connection is over' }
    return this.#identify(localPort, remotePort, claimedPid)
  }

  async isStill(peer: Peer): Promise<boolean> {
    const [localPort = 0, remotePort = 0] = peer.socketMark.split(' ').map(Number)
    return isSamePeer(peer, await this.#identify(localPort, remotePort, peer.pid))
  }

  async #identify(localPort: number, remotePort: number, claimedPid: number): Promise<Identified> {
    const shared = this.#looks.get(localPort) ?? new SharedLook(() => this.#lookNow(localPort))
    this.#looks.set(localPort, shared)
    const { owners, table } = await shared.ask()
    const pid = owners.get(remotePort)
    if (pid === undefined) return { kind: 'unknown', because: 'no process of this user holds its connection' }
    const held = { uid: noUid, pids: [pid], socketMark: `${localPort} ${remotePort}` }
    return judgeHolders(held, table, claimedPid, win32.resolve)
  }

  async #lookNow(port: number): Promise<Look> {
    const system = process.env['SystemRoot'] ?? 'C:\\Windows'
    const shell = win32.join(system, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
    const output = await this.#ask(shell, ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', question(port)])
    return judgeAnswer(output ?? '')
  }
}

/** The owner is asked only of processes that hold a connection: each costs some ms. */
function question(port: number): string {
  return [
    "$ErrorActionPreference = 'Stop'",
    '[Console]::OutputEncoding = [Text.Encoding]::UTF8',
    `$connections = @(Get-NetTCPConnection -State Established -RemoteAddress 127.0.0.1 -RemotePort ${port} | ForEach-Object { @{ port = [int]$_.LocalPort; pid = [int]$_.OwningProcess } })`,
    '$holders = @($connections | ForEach-Object { $_.pid } | Sort-Object -Unique)',
    '$processes = @(Get-CimInstance Win32_Process | ForEach-Object { $sid = $null; if ($holders -contains [int]$_.ProcessId) { $sid = (Invoke-CimMethod -InputObject $_ -MethodName GetOwnerSid).Sid }; @{ pid = [int]$_.ProcessId; parent = [int]$_.ParentProcessId; path = $_.ExecutablePath; line = $_.CommandLine; started = $(if ($_.CreationDate) { $_.CreationDate.ToUniversalTime().Ticks.ToString() }); sid = $sid } })',
    '@{ me = [Security.Principal.WindowsIdentity]::GetCurrent().User.Value; connections = $connections; processes = $processes } | ConvertTo-Json -Compress -Depth 3',
  ].join('; ')
}

const answerSchema = z.object({
  me: z.string().min(1),
  connections: z.array(z.object({ port: z.number().int(), pid: z.number().int() })),
  processes: z.array(
    z.object({
      pid: z.number().int(),
      parent: z.number().int(),
      path: z.string().nullish(),
      line: z.string().nullish(),
      started: z.string().nullish(),
      sid: z.string().nullish(),
    }),
  ),
})

const nothing: Look = { owners: new Map(), table: new Map() }

/** What PowerShell said; nothing when that is not what was asked. */
export function judgeAnswer(output: string): Look {
  let answer: unknown
  try {
    answer = JSON.parse(output.replace(/^\ufeff/, ''))
  } catch {
    return nothing
  }
  const parsed = answerSchema.safeParse(answer)
  if (!parsed.success) return nothing
  const { me, connections, processes } = parsed.data
  const ours = new Set(processes.filter(({ sid }) => sid === me).map(({ pid }) => pid))
  const table = processes.flatMap(({ pid, parent, path, line, started }): [number, TableProcess][] => {
    if (!started) return []
    const args = splitCommandLine(line ?? '')
    return [[pid, { pid, parent, startMark: started, args, ...(path ? { executable: path } : {}) }]]
  })
  return {
    owners: new Map(connections.filter(({ pid }) => ours.has(pid)).map(({ port, pid }) => [port, pid])),
    table: new Map(table),
  }
}

/**
 * A command line as a C program sees it: spaces part, quotes hold together; backslashes before a quote count half, and an odd one
 * makes the quote a letter. CommandLineToArgvW.
 */
export function splitCommandLine(line: string): string[] {
  const args: string[] = []
  let current: string | undefined
  let isQuoted = false
  for (const [part = ''] of line.matchAll(/\\*"|[ \t]+|\\+|[^\\" \t]+/g)) {
    if (part.endsWith('"')) {
      const backslashes = part.length - 1
      current = (current ?? '') + '\\'.repeat(Math.floor(backslashes / 2))
      if (backslashes % 2 === 1) current += '"'
      else isQuoted = !isQuoted
    } else if (/^[ \t]/.test(part) && !isQuoted) {
      if (current !== undefined) args.push(current)
      current = undefined
    } else {
      current = (current ?? '') + part
    }
  }
  return current === undefined ? args : [...args, current]
}
