import type { ConsentQuestion } from '../../../src/agent.ts'
import { markUnseen } from '../../../src/printable.ts'
import type { Strings } from '../../strings/en.ts'

/** As long as three lines of a window. */
const longestPath = 110
const longestName = 44

/** Every space but a single ordinary one: enough of them would push a path's end out of sight. */
const oddSpaces = /(?! )\p{Z}|(?<= ) | (?= )/gu

interface Program {
  readonly executable?: string | undefined
  readonly script?: string | undefined
}

export interface Shown {
  readonly value: string
  /** The whole, where `value` leaves out its middle. */
  readonly whole?: string
}

/** A path of another program, every character of it visible. Too long, it loses its middle: what decides is at its ends. */
export function shownPath(path: string): Shown {
  return shortened(path, longestPath)
}

/** The file's name alone. */
export function shownFileName(path: string): string {
  return shortened(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1), longestName).value
}

/** “python3.11 running publish.py”: the program file first, for the script is only what its command line says. */
export function programName({ executable, script }: Program, { program }: Strings): string {
  if (executable === undefined) return program.unknown
  const name = shownFileName(executable)
  return script === undefined ? name : program.running(name, shownFileName(script))
}

/** Where program and script lie, a line each. */
export function programPaths({ executable, script }: Program): string {
  return [executable, script].flatMap((path) => (path === undefined ? [] : [visible(path)])).join('\n')
}

/** The program a question is about. */
export function questionName({ tool: { identified } }: ConsentQuestion, strings: Strings): string {
  return programName(identified.kind === 'known' ? identified.peer : {}, strings)
}

function shortened(text: string, longest: number): Shown {
  const whole = visible(text)
  const letters = [...whole]
  if (letters.length <= longest) return { value: whole }
  const head = Math.floor(longest / 3)
  return { value: `${letters.slice(0, head).join('')} … ${letters.slice(head + 3 - longest).join('')}`, whole }
}

function visible(text: string): string {
  return markUnseen(text).replace(oddSpaces, '\u2423')
}
