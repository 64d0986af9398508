import { readFile, readlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Program } from './program.ts'

/** What the system says of the process that started this one. */
export interface ParentLook {
  /** As /proc/<pid>/exe has it: one whose file was replaced is called deleted. */
  readonly executable: string
  readonly commandLine: readonly string[]
  readonly folder: string
}

/** Undefined where it cannot be told: on systems without /proc, or when it has ended. */
export async function lookAtParent(pid = process.ppid): Promise<ParentLook | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const [executable, commandLine, folder] = await Promise.all([
      readlink(`/proc/${pid}/exe`),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
    ])
    return { executable, commandLine: commandLine.split('\0').slice(0, -1), folder }
  } catch {
    return undefined
  }
}

/**
 * Whether the parent runs the same program as this process does: the same file, or for a script the same interpreter and the same
 * script. The script is what its command line says. `executable`: this process's own.
 */
export function isSameProgram(parent: ParentLook, own: Pick<Program, 'files' | 'isExecutable'>, executable: string) {
  const running = parent.executable.replace(/ \(deleted\)$/, '')
  const isSameFile = running === executable || isSameInMount(running, executable)
  if (!isSameFile || own.isExecutable) return isSameFile
  const [script] = own.files
  return parent.commandLine.slice(1).some((argument) => resolve(parent.folder, argument) === script)
}

/** An AppImage lies in another mount each time, in the folder for temporary files. */
function isSameInMount(one: string, other: string): boolean {
  const [, folder, path] = /^(.*)\/\.mount_[^/]+\/(.+)$/.exec(one) ?? []
  const [, otherFolder, otherPath] = /^(.*)\/\.mount_[^/]+\/(.+)$/.exec(other) ?? []
  return path !== undefined && path === otherPath && folder === otherFolder
}
