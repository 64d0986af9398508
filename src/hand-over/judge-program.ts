/** One file of a program as it lay there when it was looked at. */
export interface FileLook {
  readonly path: string
  /** Device, inode, size and times: another state of the file is another text. */
  readonly version: string
  readonly uid: number
  /** Permission bits. */
  readonly mode: number
  readonly isFile: boolean
  /** Whether only root can have put it there: it and every folder above it. */
  readonly isRootOwned: boolean
  /** The first folder above it that somebody else could put another file into; undefined when there is none. */
  readonly openFolder: string | undefined
}

/** A program: its files, the one that is run first. Undefined where there is none now. */
export type ProgramLook = readonly (FileLook | undefined)[]

export type ProgramVerdict =
  | { readonly is: 'same' }
  /** Not whole: part of it is missing, or is being written. */
  | { readonly is: 'unfinished'; readonly because: string }
  /** Another one, and not one to start. */
  | { readonly is: 'refused'; readonly because: string }
  | { readonly is: 'replaced' }

export interface JudgeRules {
  /** The user who runs the program. */
  readonly uid: number
  /** Whether the first file is run by itself, or by an interpreter. */
  readonly isExecutable: boolean
}

/**
 * What lies on the disk now, held against what this process was started from. Only what the system or the same user has put there, where
 * nobody else could have, is ever started; and only root's where it was root's.
 */
export function judgeProgram(
  started: ProgramLook,
  now: ProgramLook,
  { uid, isExecutable }: JudgeRules,
): ProgramVerdict {
  const isSame = now.every((file, index) => file !== undefined && file.version === started[index]?.version)
  if (isSame) return { is: 'same' }
  for (const [index, file] of now.entries()) {
    const before = started[index]
    if (!file) return { is: 'unfinished', because: `"${before?.path ?? 'a part of it'}" is not there` }
    const said = `"${file.path}"`
    if (!file.isFile) return { is: 'refused', because: `${said} is no file` }
    // One that is being unpacked gets its bits last.
    if (index === 0 && isExecutable && (file.mode & 0o111) === 0)
      return { is: 'unfinished', because: `${said} cannot be executed` }
    if (file.uid !== 0 && file.uid !== uid) return { is: 'refused', because: `${said} belongs to another user` }
    if ((file.mode & 0o022) !== 0) return { is: 'refused', because: `others can write to ${said}` }
    if (before?.isRootOwned && !file.isRootOwned)
      return { is: 'refused', because: `${said} was root’s alone when this process was started, and is not now` }
    if (file.openFolder !== undefined)
      return { is: 'refused', because: `others can put files into "${file.openFolder}", where ${said} lies` }
  }
  return { is: 'replaced' }
}
