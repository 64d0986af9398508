import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How often a secret was found, by the way it is written. JSON writes these as UTF-8. */
export interface Copies {
  utf8: number
  utf16: number
  base64: number
}

type Secrets = Readonly<Record<string, string>>

/**
 * How often each secret stands in the memory of a running process: all its pages that exist, read from `/proc/PID/mem`, which
 * is what gdb's `gcore` copies into a file, without the file. What is looked for is a piece near the secret's end: of text that
 * was freed the beginning is written over first, and of two JWTs the beginnings are the same.
 */
export function copiesIn(pid: number, secrets: Secrets): Record<string, Copies> {
  const count = new Count(secrets)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const pages = openSync(`/proc/${pid}/pagemap`, 'r')
  try {
    for (const { begin, end } of readableMappings(pid)) {
      for (const { at, bytes } of presentRuns(pages, begin, end)) {
        const run = Buffer.alloc(bytes)
        // What was unmapped meanwhile is gone.
        try {
          count.add(run.subarray(0, readSync(memory, run, 0, bytes, at)))
        } catch {}
      }
    }
  } finally {
    closeSync(memory)
    closeSync(pages)
  }
  return count.found
}

/** The same in the core file that `gcore` makes. `ignoringFilter`: also of what the process says is not to be dumped. */
export async function copiesInCore(
  pid: number,
  secrets: Secrets,
  ignoringFilter: boolean,
): Promise<{ readonly bytes: number; readonly found: Record<string, Copies> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-core-'))
  try {
    const core = join(folder, 'core')
    await takeCore(pid, core, ignoringFilter ? 'off' : 'on')
    return countInFile(core, secrets)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function countInFile(
  name: string,
  secrets: Secrets,
): { readonly bytes: number; readonly found: Record<string, Copies> } {
  const count = new Count(secrets)
  const file = openSync(name, 'r')
  const block = Buffer.alloc(1024 * 1024)
  const zeros = Buffer.alloc(block.length)
  let kept = 0
  let bytes = 0
  for (let read = readSync(file, block, kept, block.length - kept, bytes); read > 0; ) {
    bytes += read
    const view = block.subarray(0, kept + read)
    if (!view.equals(zeros.subarray(0, view.length))) count.add(view)
    // A secret that begins here and ends in the next block.
    kept = Math.min(longestForm - 1, view.length)
    view.copy(block, 0, view.length - kept)
    read = readSync(file, block, kept, block.length - kept, bytes)
  }
  closeSync(file)
  return { bytes, found: count.found }
}

const pieceLength = 16
/** In UTF-16. Shorter ones may be counted twice where blocks meet. */
const longestForm = 2 * pieceLength

class Count {
  readonly found: Record<string, Copies> = {}
  readonly #wanted: { readonly name: string; readonly form: keyof Copies; readonly bytes: Buffer }[] = []

  constructor(secrets: Secrets) {
    for (const [name, secret] of Object.entries(secrets)) {
      if (secret.length < pieceLength) throw new Error(`"${name}" is too short to be told from other text`)
      const piece = secret.slice(-pieceLength - 1, -1)
      this.found[name] = { utf8: 0, utf16: 0, base64: 0 }
      this.#wanted.push({ name, form: 'utf8', bytes: Buffer.from(piece, 'utf8') })
      this.#wanted.push({ name, form: 'utf16', bytes: Buffer.from(piece, 'utf16le') })
      for (const text of base64Of(piece)) this.#wanted.push({ name, form: 'base64', bytes: Buffer.from(text) })
    }
  }

  add(view: Buffer): void {
    for (const { name, form, bytes } of this.#wanted) {
      const copies = this.found[name]
      if (!copies) continue
      for (let at = view.indexOf(bytes); at >= 0; at = view.indexOf(bytes, at + 1)) copies[form] += 1
    }
  }
}

/** As it stands inside longer base64, at each of the three places it can begin; what its neighbours have a part in cut off. */
function base64Of(piece: string): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${'.'.repeat(shift)}${piece}`).toString('base64')
    return text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + piece.length) * 8) / 6))
  })
}

function readableMappings(pid: number): { begin: number; end: number }[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  return lines.flatMap((line) => {
    const [, begin, end] = /^([0-9a-f]+)-([0-9a-f]+) r\S* (?!.*\[v(?:var|syscall|var_vclock)\])/.exec(line) ?? []
    return begin === undefined || end === undefined ? [] : [{ begin: parseInt(begin, 16), end: parseInt(end, 16) }]
  })
}

const pageBytes = 4096
const entryBytes = 8

/** Pages that exist, next to each other taken together: a reservation of gigabytes is not read. */
function* presentRuns(pages: number, begin: number, end: number): Generator<{ at: number; bytes: number }> {
  const most = 4096
  for (let at = begin; at < end; at += most * pageBytes) {
    const count = Math.min(most, (end - at) / pageBytes)
    const entries = Buffer.alloc(count * entryBytes)
    readSync(pages, entries, 0, entries.length, (at / pageBytes) * entryBytes)
    let first = -1
    for (let page = 0; page <= count; page += 1) {
      // proc_pid_pagemap(5): bit 63 present, bit 62 swapped.
      const isThere = page < count && ((entries[page * entryBytes + 7] ?? 0) & 0xc0) !== 0
      if (isThere && first < 0) first = page
      if (isThere || first < 0) continue
      yield { at: at + first * pageBytes, bytes: (page - first) * pageBytes }
      first = -1
    }
  }
}

async function takeCore(pid: number, core: string, filter: 'on' | 'off'): Promise<void> {
  const commands = [`set use-coredump-filter ${filter}`, `gcore ${core}`].flatMap((command) => ['-ex', command])
  const gdb = spawn('gdb', ['-nx', '-batch', '-iex', 'set auto-solib-add off', '-p', String(pid), ...commands])
  let said = ''
  for (const stream of [gdb.stdout, gdb.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
  }
  const status = await new Promise((resolve) => gdb.once('close', resolve))
  if (!said.includes('Saved corefile')) throw new Error(`gdb ended with ${status}: ${said.slice(-2000)}`)
}
