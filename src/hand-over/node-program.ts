import { resolve } from 'node:path'
import { isSea } from 'node:sea'
import { type Program, takeOverSwitch } from './program.ts'

/** This process as it was started: the single executable, else the script that Node runs. */
export function thisNodeProgram(): Program {
  const args = process.argv.slice(2).filter((argument) => argument !== takeOverSwitch)
  const command = process.execPath
  if (isSea()) return { command, args, files: [command], isExecutable: true }
  const script = resolve(process.argv[1] ?? '')
  return { command, args: [...process.execArgv, script, ...args], files: [script], isExecutable: false }
}
