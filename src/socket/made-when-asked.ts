/**
 * Makes each of the values when somebody first asks for it, and only once. The schemas of all messages together take a command that
 * sends one of them an eighth of its time to the answer.
 */
export function madeWhenAsked<M extends Readonly<Record<string, () => unknown>>>(
  makers: M,
): { readonly [K in keyof M]: ReturnType<M[K]> } {
  const made = {}
  for (const [name, make] of Object.entries(makers)) {
    let value: unknown
    Object.defineProperty(made, name, { enumerable: true, get: () => (value ??= make()) })
  }
  return made as { readonly [K in keyof M]: ReturnType<M[K]> }
}
