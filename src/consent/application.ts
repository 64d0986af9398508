import type { CallingTool } from '../socket/gate.ts'

/** What is remembered of a program: never a process. */
export interface Application {
  readonly executable: string
  /** Of an interpreter. */
  readonly script?: string
}

/** As it comes from a file. */
export interface NamedProgram {
  readonly executable: string
  readonly script?: string | undefined
}

export function applicationOf({ executable, script }: NamedProgram): Application {
  return { executable, ...(script === undefined ? {} : { script }) }
}

export function isSameApplication(one: NamedProgram, other: NamedProgram): boolean {
  return one.executable === other.executable && one.script === other.script
}

/** Whether a connection is one of that application's. */
export function isOf({ identified }: CallingTool, application: Application): boolean {
  return identified.kind === 'known' && isSameApplication(identified.peer, application)
}

const languages =
  /(^|[/\\])(python|pypy|mayapy|hython|node(js)?|(ba|da|z|k|mk|a|c|tc|fi)?sh|perl|ruby|pwsh|powershell|busybox|php|lua(jit)?|tclsh|deno|bun)[\d.]*[a-z]?([._-](bin|d|dbg|debug|c|intel64|\w+-linux-gnu))?(\.exe)?$/i

/** An interpreter that runs no script, but what is typed or handed to it: a yes to it would be one to everything. */
export function isBareInterpreter({ executable, script }: NamedProgram): boolean {
  return script === undefined && languages.test(executable)
}
