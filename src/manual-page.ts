import { escapeRoff, roffText } from './roff.ts'

/** What a command line program says of one of its commands. commander's Command is one. */
export interface CommandShown {
  name(): string
  description(): string
  /** What it takes, as it stands behind its name. */
  usage(): string
  readonly commands: readonly CommandShown[]
  readonly options: readonly {
    /** `-s, --site <url>` */
    readonly flags: string
    readonly description: string
    readonly hidden: boolean
    readonly defaultValue?: unknown
    readonly argChoices?: readonly string[] | undefined
    readonly envVar?: string | undefined
  }[]
  readonly registeredArguments: readonly { name(): string; readonly description: string }[]
}

/** What stands in a manual page beside the commands. */
export interface ManualPageParts {
  readonly section: 1 | 8
  /** What its age is said to be; decides nothing else. */
  readonly date: Date
  /** What a command says below its options in its help. */
  readonly remarks: (command: CommandShown) => string
  readonly environment: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
  readonly exitStatuses: readonly { readonly status: number; readonly means: string; readonly sentence?: string }[]
  /** `sg-session 1` */
  readonly seeAlso: readonly string[]
}

/** The manual page of a program, from what its commands say of themselves; in mdoc(7). */
export function manualPage(program: CommandShown, parts: ManualPageParts): string {
  const name = program.name()
  const day = parts.date.toLocaleDateString('en-US', {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    timeZone: 'UTC',
  })
  return [
    `.Dd ${day}`,
    `.Dt ${name.toUpperCase()} ${parts.section}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${name}`,
    `.Nd ${escapeRoff(
      program
        .description()
        .replace(/\.$/, '')
        .replace(/^./, (first) => first.toLowerCase()),
    )}`,
    '.Sh SYNOPSIS',
    ...leaves(program).flatMap((path) => ['.Nm', ...synopsis(path)]),
    '.Sh DESCRIPTION',
    ...roffText(program.description()),
    '.Sh COMMANDS',
    ...leaves(program).flatMap((path) => describeCommand(path, parts)),
    '.Sh ENVIRONMENT',
    ...list('Ev', parts.environment),
    '.Sh FILES',
    ...list('Pa', parts.files),
    '.Sh EXIT STATUS',
    '.Bl -tag -width Ds',
    ...parts.exitStatuses.flatMap(({ status, means, sentence }) => [
      `.It ${status}`,
      ...roffText(sentence === undefined ? `${means}.` : `${means}: ${sentence}`),
    ]),
    '.El',
    '.Sh SEE ALSO',
    ...parts.seeAlso.map((page, index) => `.Xr ${page}${index + 1 < parts.seeAlso.length ? ' ,' : ''}`),
    '',
  ].join('\n')
}

/** From the command below the program to the one that does something: `tools list` is two of them. */
type Path = readonly CommandShown[]

function leaves({ commands }: CommandShown, above: Path = []): Path[] {
  return commands.flatMap((command) =>
    command.commands.length > 0 ? leaves(command, [...above, command]) : [[...above, command]],
  )
}

function synopsis(path: Path): string[] {
  const command = path.at(-1)
  const takes = (command?.usage() ?? '').replace('[options]', '').trim()
  const words = path.map((one) => one.name()).join(' ')
  const hasOptions = command?.options.some(({ hidden }) => !hidden) === true
  return [
    `.Cm ${words}`,
    ...(hasOptions ? ['.Op Ar options'] : []),
    ...(takes === '' ? [] : [`.Ar ${escapeRoff(takes)}`]),
  ]
}

function describeCommand(path: Path, { remarks }: ManualPageParts): string[] {
  const command = path.at(-1)
  if (!command) return []
  const args = command.registeredArguments.filter(({ description }) => description !== '')
  const options = command.options.filter(({ hidden }) => !hidden)
  const rows = [
    ...args.flatMap((argument) => [
      `.It Ar ${escapeRoff(argument.name())}`,
      ...roffText(asSentence(argument.description)),
    ]),
    ...options.flatMap((option) => [`.It ${flags(option.flags)}`, ...roffText(describeOption(option))]),
  ]
  const remark = remarks(command).trim()
  return [
    `.Ss ${path.map((one) => one.name()).join(' ')}`,
    ...roffText(asSentence(command.description())),
    ...(rows.length > 0 ? ['.Bl -tag -width Ds', ...rows, '.El'] : []),
    ...(remark === '' ? [] : ['.Pp', ...remark.split('\n').flatMap(roffText)]),
  ]
}

function describeOption({ description, defaultValue, argChoices, envVar }: CommandShown['options'][number]): string {
  const isSaid = defaultValue !== undefined && defaultValue !== false && defaultValue !== true
  return [
    asSentence(description),
    ...(argChoices ? [`One of ${argChoices.join(', ')}.`] : []),
    ...(isSaid ? [`Default: ${defaultValue}.`] : []),
    ...(envVar === undefined ? [] : [`Also: ${envVar} in the environment.`]),
  ].join(' ')
}

/** `-s, --site <url>` as mdoc marks it: `Fl s , Fl -site Ar url`. */
function flags(text: string): string {
  return text
    .split(/[ ,|]+(?![^[<]*[\]>])/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part.startsWith('-')) return `Fl ${part.slice(1)}`
      const named = part.replace(/^[[<]|[\]>]$/g, '')
      return part.startsWith('[') ? `Op Ar ${named}` : `Ar ${named}`
    })
    .join(' ')
    .replaceAll(/ (?=Fl)/g, ' , ')
}

function list(macro: 'Ev' | 'Pa', rows: Readonly<Record<string, string>>): string[] {
  const items = Object.entries(rows).flatMap(([name, words]) => [`.It ${macro} ${name}`, ...roffText(words)])
  return ['.Bl -tag -width Ds', ...items, '.El']
}

function asSentence(words: string): string {
  return `${words.replace(/^./, (first) => first.toUpperCase())}.`
}
