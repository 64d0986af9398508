/** What an interpreter was told to run: a file as it was named, or a module by its name. */
export type ScriptNamed = { readonly file: string } | { readonly module: string }

/** No file has a longer path: PATH_MAX of Linux. Nothing that is remembered or told of a program may be longer either. */
export const longestScript = 4_096

/** How an interpreter takes its arguments apart. */
interface Grammar {
  /** Short options that take a value: what is left of the cluster, else the next argument. */
  readonly valued: string
  /** Short options that take what is left of the cluster, be it nothing. */
  readonly glued: string
  /** Short options after which there is no script. */
  readonly without: string
  /** Short options that name a module. */
  readonly module: string
  /** Long options that take the next argument as their value when it is not behind a `=`. */
  readonly longValued: readonly string[]
  readonly longWithout: readonly string[]
}

// `python --help-all`
const python: Grammar = {
  ...{ valued: 'WXQ', glued: '', without: 'c?hV', module: 'm' },
  ...{ longValued: ['--check-hash-based-pycs'], longWithout: ['--help', '--help-all', '--version'] },
}
// `node --help`: the options of V8 have their values behind a `=`.
const node: Grammar = {
  ...{ valued: 'rC', glued: '', without: 'ep', module: '' },
  longValued: [
    ...['--require', '--import', '--loader', '--experimental-loader', '--conditions', '--env-file', '--title'],
    ...['--env-file-if-exists', '--input-type', '--watch-path', '--inspect-port', '--diagnostic-dir', '--icu-data-dir'],
    ...[
      '--disable-warning',
      '--localstorage-file',
      '--openssl-config',
      '--unhandled-rejections',
      '--max-http-header-size',
    ],
  ],
  longWithout: ['--eval', '--print', '--test', '--run'],
}
// bash(1), dash(1); `+o` as `-o`.
const shell: Grammar = {
  ...{ valued: 'oO', glued: '', without: 'cs', module: '' },
  ...{ longValued: ['--rcfile', '--init-file'], longWithout: ['--help', '--version'] },
}
// perlrun(1)
const perl: Grammar = {
  ...{ valued: 'I', glued: '0CDFMVdilmx', without: 'eEv', module: '' },
  ...{ longValued: [], longWithout: ['--help', '--version'] },
}
// ruby(1)
const ruby: Grammar = {
  ...{ valued: 'CEIXr', glued: '0FKTWix', without: 'ehv', module: '' },
  ...{ longValued: ['--encoding', '--external-encoding', '--internal-encoding'], longWithout: ['--help', '--version'] },
}

const interpreters: readonly [RegExp, (args: readonly string[]) => ScriptNamed | undefined][] = [
  [/^(python|pypy)[\d.]*[a-z]?$|^mayapy[\d.]*$/i, (args) => firstScript(args, python)],
  // A scene may stand before the script.
  [
    /^hython[\d.]*$/i,
    (args) =>
      firstScript(
        args.filter((argument) => !/\.hip(lc|nc)?$/i.test(argument)),
        python,
      ),
  ],
  [/^node(js)?[\d.]*$/i, (args) => firstScript(args[0] === 'inspect' ? args.slice(1) : args, node)],
  [/^(ba|da|z|k|mk|a)?sh[\d.]*$/i, (args) => firstScript(args, shell)],
  [/^perl[\d.]*$/i, (args) => firstScript(args, perl)],
  [/^ruby[\d.]*$/i, (args) => firstScript(args, ruby)],
  [/^nuke[\w.-]*$/i, scriptOfNuke],
  [/^blender[\d.-]*$/i, scriptOfBlender],
  [/^(houdini|houdinifx|houdinicore|hindie|happrentice)[\d.]*$/i, scriptOfHoudini],
]

/** Whether a program file is an interpreter, whose script says more of what runs than the file does. */
export function isInterpreter(executable: string): boolean {
  return interpreters.some(([name]) => name.test(programName(executable)))
}

/**
 * The script that an interpreter runs, from its arguments (the first is its own name). Undefined for a program that is no
 * interpreter, one that has no script (`python -c`, standard input), and for arguments that make no sense.
 */
export function scriptOf(executable: string, args: readonly string[]): ScriptNamed | undefined {
  const name = programName(executable)
  return interpreters.find(([known]) => known.test(name))?.[1](args.slice(1))
}

/** `/usr/autodesk/maya2025/bin/mayapy.bin` is mayapy, `C:\Python311\python.exe` and `python-dbg` are python, `/opt/hfs20/bin/houdini-bin` houdini. */
function programName(executable: string): string {
  const name = (executable.split(/[/\\]/).at(-1) ?? '').replace(/\.exe$/i, '')
  return name.replace(/[._-](bin|d|dbg|debug|c|intel64|\w+-linux-gnu)$/i, '')
}

/** The first argument that is neither an option nor the value of one. */
function firstScript(args: readonly string[], grammar: Grammar): ScriptNamed | undefined {
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? ''
    if (argument === '--') return named(args[index + 1])
    if (argument === '-' || argument === '') return undefined
    if (argument.startsWith('--')) {
      const [option = ''] = argument.split('=')
      if (grammar.longWithout.includes(option)) return undefined
      if (grammar.longValued.includes(argument)) index += 1
      continue
    }
    if (!/^[-+]/.test(argument) || (argument.startsWith('+') && grammar !== shell)) return named(argument)
    for (let at = 1; at < argument.length; at += 1) {
      const letter = argument.charAt(at)
      const rest = argument.slice(at + 1)
      if (grammar.without.includes(letter)) return undefined
      if (grammar.module.includes(letter)) return moduleNamed(rest === '' ? args[index + 1] : rest)
      if (grammar.valued.includes(letter) && rest === '') index += 1
      if (grammar.valued.includes(letter) || grammar.glued.includes(letter)) break
    }
  }
  return undefined
}

/** Terminal mode runs Python: `Nuke15.1 -t script.py …`. Scenes are not scripts. */
function scriptOfNuke(args: readonly string[]): ScriptNamed | undefined {
  const at = args.findIndex((argument) => argument === '-t' || argument === '--tg')
  return at < 0 ? undefined : named(args.slice(at + 1).find((argument) => !argument.startsWith('-')))
}

/** `blender -b scene.blend -P script.py -- …`: the first of several. */
function scriptOfBlender(args: readonly string[]): ScriptNamed | undefined {
  const end = args.indexOf('--')
  const own = end < 0 ? args : args.slice(0, end)
  const at = own.findIndex((argument) => argument === '-P' || argument === '--python')
  return at < 0 ? undefined : named(own[at + 1])
}

/** `houdini scene.hip script.py` or `script.cmd`. */
function scriptOfHoudini(args: readonly string[]): ScriptNamed | undefined {
  return named(args.find((argument) => !argument.startsWith('-') && /\.(py|cmd)$/i.test(argument)))
}

function named(file: string | undefined): ScriptNamed | undefined {
  return file === undefined || file === '' || file === '-' ? undefined : { file }
}

function moduleNamed(module: string | undefined): ScriptNamed | undefined {
  return module === undefined || module === '' ? undefined : { module }
}
