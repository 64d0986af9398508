import { describe, expect, test } from 'vitest'
import { isAnyHeld } from '../../../src/hand-over/look-at-program.ts'
import { isSameProgram } from '../../../src/hand-over/parent-program.ts'

const node = '/usr/bin/node'
const script = { files: ['/opt/tool/sg-session.js'], isExecutable: false }
const parent = { executable: node, commandLine: ['node', '/opt/tool/sg-session.js', 'agent'], folder: '/' }

describe('whether a parent is our own program', () => {
  test('the same file is, also where another one lies in its place by now', () => {
    const single = { files: ['/opt/sg-session/bin/sg-session'], isExecutable: true }
    const own = single.files[0] ?? ''
    expect(isSameProgram({ ...parent, executable: own }, single, own)).toBe(true)
    expect(isSameProgram({ ...parent, executable: `${own} (deleted)` }, single, own)).toBe(true)
    for (const other of ['/bin/bash', `${own}2`, '/home/artist/sg-session', '/tmp/.mount_x/sg-session'])
      expect(isSameProgram({ ...parent, executable: other }, single, own)).toBe(false)
  })

  test('an AppImage is the same in another mount', () => {
    const image = { files: ['/home/artist/sg-session.AppImage'], isExecutable: true }
    const own = '/tmp/.mount_new/sg-session-app'
    expect(isSameProgram({ ...parent, executable: '/tmp/.mount_old/sg-session-app' }, image, own)).toBe(true)
    for (const other of ['/tmp/.mount_old/other', '/home/artist/.mount_old/sg-session-app', '/tmp/sg-session-app'])
      expect(isSameProgram({ ...parent, executable: other }, image, own)).toBe(false)
    const elsewhere = '/scratch/tmp/.mount_new/sg-session-app'
    expect(isSameProgram({ ...parent, executable: '/scratch/tmp/.mount_a/sg-session-app' }, image, elsewhere)).toBe(
      true,
    )
  })

  test('a script’s is the same interpreter with the same script', () => {
    expect(isSameProgram(parent, script, node)).toBe(true)
    expect(
      isSameProgram({ ...parent, commandLine: ['node', 'sg-session.js'], folder: '/opt/tool' }, script, node),
    ).toBe(true)
    expect(isSameProgram({ ...parent, commandLine: ['node', '/tmp/evil.js'] }, script, node)).toBe(false)
    expect(isSameProgram({ ...parent, commandLine: ['/opt/tool/sg-session.js'] }, script, node)).toBe(false)
    expect(isSameProgram({ ...parent, executable: '/usr/bin/python3' }, script, node)).toBe(false)
  })
})

test('a package manager is at work while it holds its lock, and not while it waits for one', () => {
  const table = [
    '1: POSIX  ADVISORY  WRITE 4711 08:01:1234 0 EOF',
    '2: FLOCK  ADVISORY  WRITE 900 fe:00:77 0 EOF',
    '2: -> FLOCK  ADVISORY  WRITE 901 fe:00:88 0 EOF',
    '3: OFDLCK ADVISORY  READ  -1 00:06:2062 0 EOF',
  ].join('\n')
  expect([1234, 77, 2062, 88, 12, 0].map((inode) => isAnyHeld(table, [inode]))).toEqual([
    ...[true, true, true],
    ...[false, false, false],
  ])
  expect(isAnyHeld('', [1])).toBe(false)
})
