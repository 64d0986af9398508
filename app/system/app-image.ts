import { posix } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The file of the AppImage that `executable` runs from; undefined when it runs from none. The runtime of an AppImage says it in the
 * environment, which every program started from one inherits, and which anybody can set: so `executable` must lie in the folder that is
 * named, and that must be one as the runtime makes them: it mounts the image, or unpacks it where it cannot. An installed program never does.
 */
export function appImageOf({ APPIMAGE: file, APPDIR: mount }: Environment, executable: string): string | undefined {
  if (!file || !mount || !posix.isAbsolute(file) || !posix.isAbsolute(mount)) return undefined
  const folder = posix.normalize(mount).replace(/\/$/, '')
  if (!/^(\.mount_|appimage_extracted_)./.test(posix.basename(folder))) return undefined
  return executable.startsWith(`${folder}/`) ? file : undefined
}

/** The AppImage that this process runs from. */
export function thisAppImage(): string | undefined {
  return process.platform === 'linux' ? appImageOf(process.env, process.execPath) : undefined
}

/** The environment without what the mount of the running AppImage put into it: the next one brings its own. */
export function withoutMount(env: Environment): Record<string, string> {
  const mount = env['APPDIR']
  const own = new Set(['APPDIR', 'APPIMAGE', 'ARGV0', 'OWD'])
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]): [string, string][] => {
      if (value === undefined || own.has(name)) return []
      if (!mount || !value.includes(mount)) return [[name, value]]
      const rest = value.split(':').filter((part) => part !== mount && !part.startsWith(`${mount}/`))
      return rest.some((part) => part !== '') ? [[name, rest.join(':')]] : []
    }),
  )
}
