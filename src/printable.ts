/** Controls, bidi and other format characters, breaks of lines, halves of pairs; what fonts draw as nothing. */
export const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/**
 * Text that came from elsewhere, for a terminal or a window: what moves the cursor, turns text round or is drawn as nothing stands
 * there as its number, so that two names never look alike.
 */
export function printable(text: string): string {
  return text.replace(unseen, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`)
}

/** The same where room is short: one mark for each of them. */
export function markUnseen(text: string): string {
  return text.replace(unseen, '\ufffd')
}
