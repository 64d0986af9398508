/** What `npm run docs` was asked to do. */
export interface Wishes {
  /** Ends after building, without serving. */
  readonly onlyBuild: boolean
  /** The path the site is served under, with a slash at both ends. */
  readonly base: string
  readonly port: number
}

export const usualPort = 8877

/** Reads the arguments of `npm run docs`. Throws with a sentence when one is not known or has no sense. */
export function readWishes(words: readonly string[]): Wishes {
  const wishes = { onlyBuild: false, base: '/', port: usualPort }
  const left = [...words]
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--build') wishes.onlyBuild = true
    else if (word === '--base') wishes.base = judgeBase(left.shift())
    else if (word === '--port') wishes.port = judgePort(left.shift())
    else throw new Error(`"${word}" is not known here: npm run docs -- [--build] [--base /PATH/] [--port NUMBER]`)
  }
  return wishes
}

function judgeBase(base = ''): string {
  if (/^\/(?:[\w.~-]+\/)*$/.test(base)) return base
  throw new Error(
    `"--base" takes a path that begins and ends with a slash, as in --base /sg-session/, and not "${base}"`,
  )
}

function judgePort(text = ''): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new Error(`"--port" takes a number from 1 to 65535, and not "${text}"`)
}
