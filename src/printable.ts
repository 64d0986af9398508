/**
 * Text that came from elsewhere, for a terminal or a window: what moves the cursor, turns text round or is drawn as nothing stands
 * there as its number, so that two names never look alike.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
    (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`,
  )
}
