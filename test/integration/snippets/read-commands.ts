/** The commands of a piece of shell, each as its words; assignments, `sudo`, `env` and redirections are taken off. */
export function readCommands(shell: string): string[][] {
  const plain = shell
    // What is read by a command is no command.
    .replaceAll(/<<'?(\w+)'?\n[\s\S]*?\n\1\n/g, '\n')
    .replaceAll(/\\\n/g, ' ')
  return plain.split('\n').flatMap((line) =>
    splitLine(line)
      .map(bare)
      .filter((words) => words.length > 0),
  )
}

/** One line at `|`, `&&`, `||`, `;` and `&`, into words without their quotes, up to a comment. */
function splitLine(line: string): string[][] {
  const commands: string[][] = [[]]
  const token = /\s+|(#.*)|(&&|\|\||[|;&])|((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|\$\([^)]*\)|>&|[^\s"'\\|;&])+)/g
  for (const [, comment, separator, word] of line.matchAll(token)) {
    if (comment !== undefined) break
    if (separator !== undefined) commands.push([])
    else if (word !== undefined) commands.at(-1)?.push(word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2'))
  }
  return commands
}

function bare(words: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (/^[0-9]*[<>]/.test(word)) {
      // `> file`; `>file` and `2>&1` are one word.
      if (/^[0-9]*(<|>|>>)$/.test(word)) index += 1
      continue
    }
    kept.push(word)
  }
  for (;;) {
    const [first = ''] = kept
    if (/^\w+=/.test(first) || ['sudo', 'env', 'export'].includes(first)) kept.shift()
    else if (first === '-u') kept.splice(0, 2)
    else return kept
  }
}
