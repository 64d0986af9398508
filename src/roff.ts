/** What a manual page says, for mdoc(7): a sentence begins a line, and no line is longer than a terminal's. */
export function roffText(words: string): string[] {
  return words
    .split(/(?<=\.) (?=[A-Z0-9])/)
    .flatMap((sentence) => sentence.match(/.{1,72}(?= |$)|\S+/g) ?? [])
    .map((line) => escapeRoff(line.trim()))
}

/** mandoc_char(7): a backslash stands for itself only as `\e`; a line must not begin as a request does. */
export function escapeRoff(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replace(/^[.']/, '\\&$&')
    .replaceAll('"', '\\(dq')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
}
