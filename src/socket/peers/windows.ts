import { win32 } from 'node:path'
import { z } from 'zod'
import type { Peers } from '../who-is-calling.ts'
import { type AskSystem, askSystem } from './ask-system.ts'
import { type Look, LookingPeers } from './looking-peers.ts'
import type { TableProcess } from './process-table.ts'

/** Windows has no numeric users: peer.ts. */
const noUid = -1

/**
 * Windows: Get-NetTCPConnection says which process owns a connection, Win32_Process what that runs and whose it is, both through one
 * run of Windows PowerShell, which takes most of a second. Not run on Windows yet: written after the documentation, tested on samples
 * made after it. A handle that a child inherited is not seen: the process that made the connection is the one that is named.
 */
export function windowsPeers(ask: AskSystem = askSystem): Peers {
  return new LookingPeers((port) => look(ask, port), win32.resolve)
}

async function look(ask: AskSystem, port: number): Promise<Look> {
  const system = process.env['SystemRoot'] ?? 'C:\\Windows'
  const shell = win32.join(system, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
  const output = await ask(shell, ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', question(port)])
  return judgeAnswer(output ?? '')
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

const nothing: Look = { held: new Map(), table: new Map() }

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
    held: new Map(
      connections.filter(({ pid }) => ours.has(pid)).map(({ port, pid }) => [port, { uid: noUid, pids: [pid] }]),
    ),
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
