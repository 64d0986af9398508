import { parseArgs } from 'node:util'

/** The systems there are packages for, and the one each is made on: the command line holds its Node, and keytar is compiled for it. */
const madeOn = { linux: 'linux', mac: 'darwin', win: 'win32' } as const
export type DistSystem = keyof typeof madeOn

export interface DistWishes {
  readonly system: DistSystem
  readonly testBuild: boolean
  readonly fast: boolean
  readonly version: string | undefined
  readonly maintainer: string | undefined
  readonly homepage: string | undefined
}

/** Reads `linux --test-build --fast --version V --maintainer "NAME <ADDRESS>" --homepage URL`. Throws what is wrong with it. */
export function judgeDistArguments([name, ...args]: readonly string[], platform = process.platform): DistWishes {
  const system = Object.keys(madeOn).find((one): one is DistSystem => one === name)
  if (!system) throw new Error(`"${name ?? ''}" is none of ${Object.keys(madeOn).join(', ')}`)
  if (platform !== madeOn[system])
    throw new Error(`packages for "${system}" are made on that system: the release's workflow has all three`)
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const options = { 'test-build': flag, fast: flag, version: text, maintainer: text, homepage: text }
  const { values } = parseArgs({ args, options })
  const { version, maintainer, homepage, fast, 'test-build': testBuild } = values
  if (version !== undefined && !testBuild)
    throw new Error('"--version" is for test builds: a release has the version of package.json')
  if (version !== undefined && !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`"--version" must be X.Y.Z, not "${version}"`)
  if (maintainer !== undefined && !/^[^<>]+ <[^<>@\s]+@[^<>@\s]+>$/.test(maintainer))
    throw new Error(`"--maintainer" must be NAME <ADDRESS>, not "${maintainer}"`)
  return { system, testBuild, fast, version, maintainer, homepage }
}
