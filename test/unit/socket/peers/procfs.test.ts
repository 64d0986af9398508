import { describe, expect, test } from 'vitest'
import { judgeCommandLine, judgeStat } from '../../../../src/socket/peers/procfs.ts'

const behind = (state: string, parent = '812') =>
  `${state} ${parent} 3171 3171 34816 3171 4194304 1024 0 0 0 12 4 0 0 20 0 1 0 8412345 8654848 1203 18446744073709551615 1 1 140730 0 0 0 0 0 65536 0 0 0 17 1 0 0 0 0 0`

describe('what /proc/<pid>/stat says', () => {
  test.each([
    ['(python3)', { parent: 812, startTicks: '8412345', stackStart: '140730' }],
    ['(Web Content)', { parent: 812, startTicks: '8412345', stackStart: '140730' }],
    // A program gives itself the name it likes.
    ['(x) S 1 1 1 1 1 1 1)', { parent: 812, startTicks: '8412345', stackStart: '140730' }],
    ['(line\nfeed)', { parent: 812, startTicks: '8412345', stackStart: '140730' }],
    ['()', { parent: 812, startTicks: '8412345', stackStart: '140730' }],
  ])('is read behind the name %j', (name, expected) => {
    expect(judgeStat(`3171 ${name} ${behind('S')}\n`)).toEqual(expected)
  })

  test.each(['Z', 'X', 'x'])('is nothing for a process in state %s, which is over', (state) => {
    expect(judgeStat(`3171 (python3) ${behind(state)}\n`)).toBeUndefined()
  })

  test.each([
    '',
    '3171',
    '3171 (python3)',
    '3171 (python3) S',
    `3171 (python3) ${behind('S', '-1')}`,
    'a) S 1 2 3',
    `3171 (python3) ${behind('S').replace('140730', '-')}`,
  ])('is nothing for %j', (text) => expect(judgeStat(text)).toBeUndefined())
})

describe('a command line', () => {
  test.each([
    ['python3\0tool.py\0', ['python3', 'tool.py']],
    ['python3\0\0tool.py\0', ['python3', '', 'tool.py']],
    ['a title of its own', ['a title of its own']],
    ['', []],
  ])('%j is %j', (text, expected) => expect(judgeCommandLine(Buffer.from(text))).toEqual(expected))

  test('that is longer than what is read loses the argument that was cut', () => {
    const long = Buffer.from(`python3\0tool.py\0${'x'.repeat(128 * 1024)}`).subarray(0, 128 * 1024)
    expect(judgeCommandLine(long)).toEqual(['python3', 'tool.py'])
  })

  test('that could not be read is none', () => expect(judgeCommandLine(undefined)).toBeUndefined())
})
