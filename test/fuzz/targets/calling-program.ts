import assert from 'node:assert/strict'
import { judgeCommandLine, judgeStat } from '../../../src/socket/peers/procfs.ts'
import { isInterpreter, scriptOf } from '../../../src/socket/peers/script-of.ts'
import { textOf } from '../input.ts'

export const seeds = [
  '/usr/bin/python3.11\0-X\0dev\0-Wd\0/home/ada/tool.py\0--flag\0',
  '/usr/autodesk/maya2025/bin/mayapy.bin\0-m\0package.tool\0',
  '/usr/bin/bash\0+o\0posix\0--rcfile\0x\0run.sh\0',
  '/usr/bin/node\0--require=a\0-r\0b\0--\0-.js\0',
  '/opt/Nuke15.1v2/Nuke15.1\0-t\0script.py\0',
  '/usr/bin/blender\0-b\0scene.blend\0-P\0a.py\0--\0-P\0b.py\0',
  '/opt/hfs20/bin/houdini-bin\0scene.hip\0start.cmd\0',
  '7 (a) b (c) S 1 7 7 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1 0 12345 1 1',
]

/** What a program shows of itself: its file and arguments, each with a NUL behind it; and the whole as a line of the kernel’s. */
export function fuzz(data: Uint8Array): void {
  const args = judgeCommandLine(Buffer.from(data)) ?? []
  const [executable = ''] = args
  const script = scriptOf(executable, args)
  if (script) {
    assert.ok(isInterpreter(executable))
    // Never a word that is none of its own: an argument, or the end of one that names a module.
    const word = 'file' in script ? script.file : script.module
    assert.ok(word !== '' && word !== '-')
    assert.ok(
      'file' in script ? args.slice(1).includes(word) : args.slice(1).some((argument) => argument.endsWith(word)),
    )
  }
  const state = judgeStat(textOf(data))
  if (!state) return
  assert.ok(Number.isInteger(state.parent) && state.parent >= 0)
  assert.match(state.startTicks, /^\d+$/)
  assert.match(state.stackStart, /^\d+$/)
}
