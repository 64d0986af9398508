/**
 * A body as it came, unless one of the secrets stands in it: then it breaks off before that. Sites, and what stands before them,
 * have repeated a request in a page about its failure; with it would go what the broker made the request with.
 */
export async function* withhold(
  body: AsyncIterable<Uint8Array>,
  secrets: readonly string[],
): AsyncGenerator<Uint8Array> {
  const wanted = [...new Set(secrets.flatMap(writings))].filter((text) => text !== '').map((text) => Buffer.from(text))
  const longest = Math.max(1, ...wanted.map(({ length }) => length))
  let held: Uint8Array = Buffer.alloc(0)
  for await (const chunk of body) {
    const seen = Buffer.concat([held, chunk])
    if (wanted.some((secret) => seen.includes(secret)))
      throw new Error('the answer repeats what the call was made with')
    // Its end may be the beginning of a secret.
    const free = Math.max(0, seen.length - longest + 1)
    held = seen.subarray(free)
    if (free > 0) yield seen.subarray(0, free)
  }
  if (held.length > 0) yield held
}

/** As text, in JSON, in a form, in HTML. */
function writings(secret: string): string[] {
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), html]
}
