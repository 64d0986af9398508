import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { System } from '../system/paths.ts'

/** A program that runs Python, and how it is told to. */
export interface Interpreter {
  readonly file: string
  readonly kind: 'python' | 'blender'
}

const onPath = ['python3', 'python', 'mayapy', 'hython', 'blender']
const mostOfOneKind = 12

/** A place with one `*` in a folder's name: whatever versions are installed there. */
interface Place {
  readonly folder: string
  readonly name: RegExp
  /** From the folder that was found to the program. */
  readonly program: string
}

/** Where DCCs of this system and pyenv put their Pythons. */
export function usualPlaces({ platform, env, home }: Pick<System, 'platform' | 'env' | 'home'>): Place[] {
  const pyenv = {
    folder: join(env['PYENV_ROOT'] ?? join(home, '.pyenv'), 'versions'),
    name: /./,
    program: 'bin/python',
  }
  switch (platform) {
    case 'win32': {
      const programs = env['PROGRAMFILES'] ?? 'C:\\Program Files'
      return [
        { folder: join(programs, 'Autodesk'), name: /^Maya/, program: 'bin/mayapy.exe' },
        { folder: join(programs, 'Side Effects Software'), name: /^Houdini/, program: 'bin/hython.exe' },
        { folder: join(programs, 'Blender Foundation'), name: /^Blender/, program: 'blender.exe' },
      ]
    }
    case 'darwin':
      return [
        { folder: '/Applications/Autodesk', name: /^maya/, program: 'Maya.app/Contents/bin/mayapy' },
        {
          folder: '/Applications/Houdini',
          name: /^Houdini/,
          program: 'Frameworks/Houdini.framework/Versions/Current/Resources/bin/hython',
        },
        { folder: '/Applications', name: /^Blender.*\.app$/, program: 'Contents/MacOS/Blender' },
        pyenv,
      ]
    default:
      return [
        { folder: '/usr/autodesk', name: /^maya/, program: 'bin/mayapy' },
        { folder: '/opt', name: /^hfs/, program: 'bin/hython' },
        { folder: '/opt', name: /^blender/, program: 'blender' },
        { folder: '/usr', name: /^bin$/, program: 'python3' },
        pyenv,
      ]
  }
}

/** The Pythons of this machine: what a shell would run, then what stands in the usual places. */
export async function findInterpreters(system: System): Promise<Interpreter[]> {
  const { platform, env } = system
  const extension = platform === 'win32' ? '.exe' : ''
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  const found = new Set<string>()
  for (const name of onPath) {
    for (const folder of folders) {
      const file = join(folder, `${name}${extension}`)
      if (!isStub(file, platform) && (await isProgram(file))) {
        found.add(file)
        break
      }
    }
  }
  for (const { folder, name, program } of usualPlaces(system)) {
    const versions = (await readdir(folder).catch(() => [])).filter((entry) => name.test(entry)).toSorted()
    for (const version of versions.slice(-mostOfOneKind)) {
      const file = join(folder, version, program)
      if (await isProgram(file)) found.add(file)
    }
  }
  return [...found].map((file) => ({ file, kind: /blender(\.exe)?$/i.test(file) ? 'blender' : 'python' }))
}

/** Programs that would only offer to install something, in a window. */
function isStub(file: string, platform: NodeJS.Platform): boolean {
  return (platform === 'darwin' && file.startsWith('/usr/bin/')) || /[\\/]WindowsApps[\\/]/i.test(file)
}

function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
