import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { desktopEntry } from '../../../../app/system/desktop-entry.ts'

/** The entry as a desktop reads it (Desktop Entry Specification 1.5), written after the specification alone. */
function keysOf(entry: string): Map<string, string> {
  const [group, ...lines] = entry.split('\n')
  expect(group).toBe('[Desktop Entry]')
  expect(lines.pop(), 'the last line is ended').toBe('')
  return new Map(
    lines.map((line) => {
      const [, key, value] = /^([A-Za-z0-9-]+(?:\[[a-z]+\])?)=(.*)$/.exec(line) ?? []
      if (key === undefined || value === undefined) throw new Error(`"${line}" is no key and value`)
      return [key, value] as const
    }),
  )
}

/** §4: `\s`, `\n`, `\t`, `\r` and `\\` in values of type string. */
function readString(value: string): string {
  const meanings: Record<string, string> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' }
  return value.replace(/\\(.?)/gs, (_all, escaped: string) => {
    const meaning = meanings[escaped]
    if (meaning === undefined) throw new Error(`"\\${escaped}" is no escape of a string`)
    return meaning
  })
}

/** §7: quoted arguments, in which `"`, `` ` ``, `$` and `\` are escaped; `%%` is a percent sign. */
function readExec(value: string): string[] {
  const exec = readString(value)
  const found = exec.match(/^("(?:[^"`$\\]|\\["`$\\])*"(?: |$))+$/s)
  if (!found) throw new Error(`${exec} is not a row of quoted arguments`)
  return [...exec.matchAll(/"((?:[^"`$\\]|\\["`$\\])*)"/gs)].map(([, inner = '']) => {
    const plain = inner.replace(/\\(["`$\\])/g, '$1')
    if (plain.replaceAll('%%', '').includes('%')) throw new Error(`${plain} holds a field code`)
    return plain.replaceAll('%%', '%')
  })
}

const execOf = (...command: string[]): string => keysOf(desktopEntry(command)).get('Exec') ?? ''

test('an ordinary program starts quietly at login', () => {
  expect(desktopEntry(['/opt/sg-session/sg-session', '--autostart']).split('\n')).toEqual([
    '[Desktop Entry]',
    'Type=Application',
    'Version=1.5',
    'Name=sg-session',
    'Comment=Signs you in to ShotGrid once a day',
    'Comment[fr]=Vous connecte à ShotGrid une fois par jour',
    'Exec="/opt/sg-session/sg-session" "--autostart"',
    'Terminal=false',
    'NoDisplay=true',
    'X-GNOME-Autostart-enabled=true',
    '',
  ])
})

describe('a program is started by its own name', () => {
  test.for([
    ['with spaces', '/opt/studio tools/sg session', '"/opt/studio tools/sg session"'],
    ['with a double quote', '/opt/a"b', '"/opt/a\\\\"b"'],
    ['with a single quote', "/opt/it's", '"/opt/it\'s"'],
    ['with a dollar', '/opt/$HOME/a', '"/opt/\\\\$HOME/a"'],
    ['with a backtick', '/opt/`id`', '"/opt/\\\\`id\\\\`"'],
    ['with a backslash', '/opt/a\\b', '"/opt/a\\\\\\\\b"'],
    ['with a percent sign', '/opt/100%/%f', '"/opt/100%%/%%f"'],
    ['with a line break', '/opt/a\nExec=evil', '"/opt/a\\nExec=evil"'],
    ['with a tab and a return', '/opt/a\tb\rc', '"/opt/a\\tb\\rc"'],
    ['with letters of any kind', '/home/Jürgen/日本', '"/home/Jürgen/日本"'],
    ['with what a shell reads', '/opt/a;b&c|d>(e)*?#~=', '"/opt/a;b&c|d>(e)*?#~="'],
    ['with nothing', '', '""'],
  ] as const)('%s', ([, program, exec]) => {
    expect(execOf(program)).toBe(exec)
    expect(readExec(exec)).toEqual([program])
  })
})

test('any command is read as it was written, and nothing but the command', () => {
  const argument = fc.string({ unit: fc.constantFrom(...'a \\"`$%f\n\r\t\'=;[]é'), maxLength: 12 })
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), (command) => {
      expect(readExec(execOf(...command))).toEqual(command)
    }),
  )
})
