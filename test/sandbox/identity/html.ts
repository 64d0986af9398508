/** Text that is markup already: made by `html`, or from a constant of ours. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Piece = string | number | Markup | readonly Markup[] | undefined

/** Markup from a template: every inserted text is escaped, inserted markup is not; undefined inserts nothing. */
export function html(template: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(template.map((text, i) => text + (i < pieces.length ? rendered(pieces[i]) : '')).join(''))
}

function rendered(piece: Piece): string {
  if (piece === undefined) return ''
  if (piece instanceof Markup) return piece.text
  if (typeof piece === 'object') return piece.map(({ text }) => text).join('')
  return String(piece).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
