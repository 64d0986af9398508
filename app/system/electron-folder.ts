import { standardPaths } from '../../src/system/paths.ts'

/** Where Electron keeps its lock and its own files, none of which is worth keeping: apart from the settings. */
export function electronFolder(): string {
  return standardPaths().electronFolders[0]
}
