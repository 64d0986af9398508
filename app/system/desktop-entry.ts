/** An autostart entry (Desktop Entry Specification 1.5) that runs `command`. */
export function desktopEntry(command: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Version=1.5',
    'Name=sg-session',
    'Comment=Signs you in to ShotGrid once a day',
    'Comment[fr]=Vous connecte à ShotGrid une fois par jour',
    `Exec=${command.map(quoted).join(' ')}`,
    'Terminal=false',
    'NoDisplay=true',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n')
}

/** Quoted for an Exec key: its own quoting rule first, then no field codes, then the rule of string values. */
function quoted(argument: string): string {
  const escaped = argument.replaceAll(/["`$\\]/g, String.raw`\$&`).replaceAll('%', '%%')
  return `"${escaped.replaceAll(/[\\\n\r\t]/g, (character) => inString[character] ?? character)}"`
}

const inString: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
