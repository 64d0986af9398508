import { isLoopback } from '../../src/config/config.ts'

/**
 * The address, if it may be given to the system's opener: https, or http on this machine's loopback where that is allowed.
 * Undefined for every other scheme, for user names and passwords, and for characters that an opener, or a shell script that
 * is one, could misread.
 */
export function judgeOutsideAddress(text: string, rules: { readonly insecureLoopback: boolean }): URL | undefined {
  // What URL() would quietly repair (white space, backslashes, controls) is not an address somebody meant.
  if (!/^[\x21-\x7e]{1,8192}$/.test(text) || /[\\"'`<>^{|}$();!]/.test(text) || !URL.canParse(text)) return undefined
  if (!/^https?:\/\/[^/?#@]+([/?#]|$)/i.test(text)) return undefined
  const url = new URL(text)
  const safe = url.protocol === 'https:' || (rules.insecureLoopback && isLoopback(url))
  return safe ? url : undefined
}
