import { open, realpath } from 'node:fs/promises'
import { basename, delimiter, dirname, join } from 'node:path'
import type { OwnCommand } from '../../src/agent.ts'
import { whyNotRootOwned } from '../../src/system/read-guarded.ts'

const executableName = process.platform === 'win32' ? 'sg-session.exe' : 'sg-session'

/**
 * The command line whose word about programs the app takes. As an executable: the one that was installed with the app, in `bin` of one of
 * `appFolders`, and the `sg-session` of the app's own environment where only root can have put it. As a script: the one of the app's
 * environment, and the one beside the app where that runs from its sources. Undefined where there is none; Windows has executables only.
 */
export async function installedCommand(
  path = process.env['PATH'] ?? '',
  appFolders = foldersOfApp(),
): Promise<OwnCommand | undefined> {
  const sources = join(import.meta.dirname, '..', '..')
  const onPath = process.platform === 'win32' ? [] : path.split(delimiter).filter((folder) => folder.startsWith('/'))
  const [brought, found, ours] = await Promise.all([
    existing(appFolders.map((folder) => join(folder, 'bin', executableName))),
    existing(onPath.map((folder) => join(folder, executableName))),
    existing([join(sources, 'dist', 'cli', 'sg-session.js'), join(sources, 'src', 'cli', 'sg-session.ts')]),
  ])
  const scripts = [...ours]
  const executables = [...brought]
  for (const file of found) {
    if (await isScript(file)) scripts.push(file)
    else if (await isInstalledExecutable(file)) executables.push(file)
  }
  return scripts.length + executables.length === 0 ? undefined : { scripts, executables }
}

/** Where packages put what comes with the app: beside its program, or among its resources. */
function foldersOfApp(): string[] {
  const { resourcesPath } = process as { readonly resourcesPath?: string }
  return [dirname(process.execPath), ...(resourcesPath === undefined ? [] : [resourcesPath])]
}

/** A link on the PATH may lead to any program: to Python, say, and then every script would be our command line. */
async function isInstalledExecutable(file: string): Promise<boolean> {
  if (basename(file) !== executableName) return false
  return (await whyNotRootOwned(file).catch((error: unknown) => error)) === undefined
}

/** Links resolved; without what is not there. */
async function existing(places: readonly string[]): Promise<string[]> {
  const found = await Promise.all(places.map((place) => realpath(place).catch(() => undefined)))
  return [...new Set(found.filter((place) => place !== undefined))]
}

/** Whether an interpreter runs it. A file that we may not read counts as none: nothing runs it for this user. */
async function isScript(file: string): Promise<boolean> {
  if (/\.[cm]?[jt]s$/.test(file)) return true
  const handle = await open(file).catch(() => undefined)
  if (!handle) return false
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.toString('latin1') === '#!'
  } catch {
    return false
  } finally {
    await handle.close()
  }
}
