import { runProgram } from '../../system/run-program.ts'

/**
 * Has a program of the system say what it knows: its file by its whole path, no shell, nothing in its arguments but options and
 * numbers. Undefined when it could not be run, took too long, or said more than anybody could read.
 */
export type AskSystem = (command: string, args: readonly string[]) => Promise<string | undefined>

const limitMs = 4_000
const mostCharacters = 8 * 1024 * 1024

export const askSystem: AskSystem = async (command, args) => {
  const { SystemRoot } = process.env
  const env = {
    LC_ALL: 'C',
    PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
    ...(SystemRoot === undefined ? {} : { SystemRoot }),
  }
  const { status, stdout, isWhole } = await runProgram(command, args, { env, limitMs, mostCharacters })
  return status !== undefined && isWhole ? stdout : undefined
}
