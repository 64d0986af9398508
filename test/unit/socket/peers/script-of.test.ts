import { describe, expect, test } from 'vitest'
import { isInterpreter, scriptOf } from '../../../../src/socket/peers/script-of.ts'

/** Executable, what stands behind its name, and the script: a file, `-m` and a module, or none. */
const table: readonly (readonly [executable: string, args: string, script: string | undefined])[] = [
  // Python and what is one
  ['/usr/bin/python3.11', 'tool.py', 'tool.py'],
  ['/usr/bin/python3.11', './tool.py --site x', './tool.py'],
  ['/usr/bin/python3.11-dbg', 'tool.py', 'tool.py'],
  ['C:\\Python311\\python_d.exe', 'tool.py', 'tool.py'],
  ['/usr/bin/perl5.36-x86_64-linux-gnu', 'tool.pl', 'tool.pl'],
  ['/usr/bin/python3', '/opt/tool.py -c x', '/opt/tool.py'],
  ['/usr/bin/python3', '-u -B tool.py', 'tool.py'],
  ['/usr/bin/python3', '-uB tool.py', 'tool.py'],
  ['/usr/bin/python3', '-W ignore -X dev tool.py', 'tool.py'],
  ['/usr/bin/python3', '-Wignore -Xdev tool.py', 'tool.py'],
  ['/usr/bin/python3', '-uW ignore tool.py', 'tool.py'],
  ['/usr/bin/python3', '--check-hash-based-pycs never tool.py', 'tool.py'],
  ['/usr/bin/python3', '-m studio.tool --site x', '-m studio.tool'],
  ['/usr/bin/python3', '-um studio.tool', '-m studio.tool'],
  ['/usr/bin/python3', '-mstudio.tool', '-m studio.tool'],
  ['/usr/bin/python3', '-c code tool.py', undefined],
  ['/usr/bin/python3', '-Ec code tool.py', undefined],
  ['/usr/bin/python3', '-ccode tool.py', undefined],
  ['/usr/bin/python3', '- tool.py', undefined],
  ['/usr/bin/python3', '-- tool.py', 'tool.py'],
  ['/usr/bin/python3', '-i tool.py', 'tool.py'],
  ['/usr/bin/python3', '', undefined],
  ['/usr/bin/python3', '-m', undefined],
  ['/usr/bin/python3', '-W', undefined],
  ['/usr/bin/python3', '--version', undefined],
  ['/usr/bin/python3', 'tool.pyz', 'tool.pyz'],
  ['/usr/bin/python3', 'package/', 'package/'],
  ['/usr/bin/python2.7', 'tool.py', 'tool.py'],
  ['/usr/bin/python3.13t', 'tool.py', 'tool.py'],
  ['/opt/pypy/bin/pypy3', 'tool.py', 'tool.py'],
  ['C:\\Python311\\python.exe', 'C:\\tools\\tool.py', 'C:\\tools\\tool.py'],
  ['C:\\Python311\\pythonw.exe', 'tool.py', 'tool.py'],
  ['/usr/autodesk/maya2025/bin/mayapy.bin', 'publish.py', 'publish.py'],
  ['/usr/autodesk/maya2025/bin/mayapy', '-m studio.publish', '-m studio.publish'],
  ['/opt/hfs20.5/bin/hython', 'cache.py', 'cache.py'],
  ['/opt/hfs20.5/bin/hython-bin', 'shot.hip cache.py', 'cache.py'],
  ['/opt/hfs20.5/bin/hython', '-c code', undefined],
  // Node
  ['/usr/bin/node', 'tool.mjs --eval x', 'tool.mjs'],
  ['/usr/bin/node', '--enable-source-maps tool.js', 'tool.js'],
  ['/usr/bin/node', '--require hook.js tool.js', 'tool.js'],
  ['/usr/bin/node', '--require=hook.js tool.js', 'tool.js'],
  ['/usr/bin/node', '-r hook.js -C production tool.js', 'tool.js'],
  ['/usr/bin/node', '--import tsx tool.ts', 'tool.ts'],
  ['/usr/bin/node', '--max-old-space-size=4096 -- tool.js', 'tool.js'],
  ['/usr/bin/node', '-e code tool.js', undefined],
  ['/usr/bin/node', '-pe code', undefined],
  ['/usr/bin/node', '--input-type=module -e code', undefined],
  ['/usr/bin/node', '--input-type module --eval code', undefined],
  ['/usr/bin/node', '--eval=code tool.js', undefined],
  ['/usr/bin/node', 'inspect tool.js', 'tool.js'],
  ['/usr/bin/nodejs', 'tool.js', 'tool.js'],
  // Shells
  ['/bin/bash', 'launch.sh maya', 'launch.sh'],
  ['/bin/bash', '-eu launch.sh', 'launch.sh'],
  ['/bin/bash', '-o pipefail launch.sh', 'launch.sh'],
  ['/bin/bash', '-euo pipefail launch.sh', 'launch.sh'],
  ['/bin/bash', '+o posix launch.sh', 'launch.sh'],
  ['/bin/bash', '--norc --rcfile rc launch.sh', 'launch.sh'],
  ['/bin/bash', '-c command launch.sh', undefined],
  ['/bin/bash', '-lc command', undefined],
  ['/bin/bash', '-s launch.sh', undefined],
  ['/bin/bash', '', undefined],
  ['/usr/bin/dash', 'launch.sh', 'launch.sh'],
  ['/bin/sh', '-- -launch.sh', '-launch.sh'],
  // Perl, Ruby
  ['/usr/bin/perl', '-w -I lib tool.pl', 'tool.pl'],
  ['/usr/bin/perl', '-Ilib -MFoo=bar tool.pl', 'tool.pl'],
  ['/usr/bin/perl5.36.0', 'tool.pl', 'tool.pl'],
  ['/usr/bin/perl', '-ne code tool.pl', undefined],
  ['/usr/bin/ruby', '-r json -w tool.rb', 'tool.rb'],
  ['/usr/bin/ruby3.1', '-W2 tool.rb', 'tool.rb'],
  ['/usr/bin/ruby', '-e code tool.rb', undefined],
  // DCCs
  ['/usr/local/Nuke15.1v2/Nuke15.1', '-t render.py 1,20', 'render.py'],
  ['/usr/local/Nuke15.1v2/Nuke15.1', '--nukex -t -i render.py', 'render.py'],
  ['/usr/local/Nuke15.1v2/Nuke15.1', '-t', undefined],
  ['/usr/local/Nuke15.1v2/Nuke15.1', '-x comp.nk', undefined],
  ['/usr/local/Nuke15.1v2/Nuke15.1', 'comp.nk', undefined],
  ['/opt/blender-4.2/blender', '-b shot.blend -P publish.py -- --quality high', 'publish.py'],
  ['/opt/blender-4.2/blender', '--background --python publish.py', 'publish.py'],
  ['/opt/blender-4.2/blender', '-P one.py -P two.py', 'one.py'],
  ['/opt/blender-4.2/blender', '-b shot.blend -- -P publish.py', undefined],
  ['/opt/blender-4.2/blender', '-b --python-expr code', undefined],
  ['/opt/blender-4.2/blender', '-P', undefined],
  ['/opt/hfs20.5/bin/houdini-bin', 'shot.hip start.py', 'start.py'],
  ['/opt/hfs20.5/bin/houdinifx', '-foreground start.cmd', 'start.cmd'],
  ['/opt/hfs20.5/bin/houdini', 'shot.hip', undefined],
  // No interpreters
  ['/usr/autodesk/maya2025/bin/maya.bin', 'tool.py', undefined],
  ['/usr/bin/python3-config', 'tool.py', undefined],
  ['/home/artist/bin/mypython', 'tool.py', undefined],
  ['/opt/studio/launcher', '-m tool', undefined],
  ['/usr/bin/ssh', 'host tool.py', undefined],
  ['', 'tool.py', undefined],
]

describe('the script of', () => {
  test.each(table)('%s %s is %s', (executable, args, script) => {
    const found = scriptOf(executable, [executable, ...args.split(' ').filter((part) => part !== '')])
    expect(found && ('file' in found ? found.file : `-m ${found.module}`)).toBe(script)
    if (script !== undefined) expect(isInterpreter(executable)).toBe(true)
  })

  test('an interpreter without any arguments, not even its name, is none', () => {
    expect(scriptOf('/usr/bin/python3', [])).toBeUndefined()
    expect(scriptOf('/usr/bin/python3', ['python3', ''])).toBeUndefined()
  })

  test.each(['/usr/autodesk/maya2025/bin/maya.bin', '/usr/bin/python3-config', '/usr/bin/mypython', '/usr/bin/push'])(
    '%s is asked for no script',
    (executable) => expect(isInterpreter(executable)).toBe(false),
  )
})
