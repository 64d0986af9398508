import { join, sep } from 'node:path'
import { app } from 'electron'
import originalFs from 'original-fs'
import type { ProgramLook } from '../../src/hand-over/judge-program.ts'
import { lookAtProgram } from '../../src/hand-over/look-at-program.ts'
import { type Program, takeOverSwitch } from '../../src/hand-over/program.ts'
import { thisAppImage, withoutMount } from './app-image.ts'

/**
 * This app as it was started: Electron's program and what it runs, or the AppImage. Undefined where nobody replaces it under a running
 * app: from sources, and on Windows, where a program that runs cannot be.
 */
export function thisAppProgram(bundle: string): Program | undefined {
  const args = process.argv.slice(1).filter((argument) => argument !== takeOverSwitch)
  if (process.platform === 'win32') return undefined
  const image = thisAppImage()
  if (image) return { command: image, args, env: withoutMount(process.env), files: [image], isExecutable: true }
  const content = app.getAppPath()
  if (!content.startsWith(`${process.resourcesPath}${sep}`)) return undefined
  const files = [process.execPath, content.endsWith('.asar') ? content : join(bundle, 'main.js')]
  return { command: process.execPath, args, files, isExecutable: true }
}

/** Electron's own file system shows an archive as a folder. */
export function lookAtApp(files: readonly string[]): Promise<ProgramLook> {
  return lookAtProgram(files, originalFs.promises)
}
