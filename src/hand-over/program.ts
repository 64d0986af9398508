/** How a program was started, and how the one that takes its place is. */
export interface Program {
  readonly command: string
  /** Without `--take-over`. */
  readonly args: readonly string[]
  /** Of the process that is started; the same as ours when not said. */
  readonly env?: NodeJS.ProcessEnv
  /** What makes it up, the one that is run first; absolute. Another state of one of them is another program. */
  readonly files: readonly string[]
  /** Whether the first file is run by itself, or by an interpreter. */
  readonly isExecutable: boolean
}

/** Says to a program that it is started by the one whose place it takes. */
export const takeOverSwitch = '--take-over'

/** The descriptor that a successor finds its predecessor at. */
export const takeOverDescriptor = 3
