import { describe, expect, test } from 'vitest'
import { type FileLook, judgeProgram } from '../../../src/hand-over/judge-program.ts'

const uid = 1000
const rules = { uid, isExecutable: true }
const path = '/opt/sg-session/bin/sg-session'

const roots = (change: Partial<FileLook> = {}): FileLook => ({
  ...{ path, version: '1', uid: 0, mode: 0o755, isFile: true, isRootOwned: true, openFolder: undefined },
  ...change,
})
const own = (change: Partial<FileLook> = {}): FileLook => roots({ uid, isRootOwned: false, ...change })

describe('what lies on the disk', () => {
  test('is the same program as long as every file is the one that was there', () => {
    expect(judgeProgram([roots(), roots()], [roots(), roots()], rules)).toEqual({ is: 'same' })
  })

  test('is another one as soon as one of its files is', () => {
    expect(judgeProgram([roots(), roots()], [roots(), roots({ version: '2' })], rules)).toEqual({ is: 'replaced' })
    expect(judgeProgram([own()], [own({ version: '2' })], rules)).toEqual({ is: 'replaced' })
    // The user's own file gives way to the system's.
    expect(judgeProgram([own()], [roots({ version: '2' })], rules)).toEqual({ is: 'replaced' })
  })

  test('a script needs no right to be executed', () => {
    const script = roots({ version: '2', mode: 0o644 })
    expect(judgeProgram([roots()], [script], { uid, isExecutable: false })).toEqual({ is: 'replaced' })
  })

  test.each([
    ['is not there', undefined],
    ['cannot be executed', roots({ version: '2', mode: 0o644 })],
  ])('is waited for where it %s', (said, now) => {
    expect(judgeProgram([roots()], [now], rules)).toEqual({ is: 'unfinished', because: `"${path}" ${said}` })
  })

  test.each([
    ['is no file', roots(), roots({ version: '2', isFile: false })],
    ['belongs to another user', own(), own({ version: '2', uid: 1001 })],
    ['others can write to', own(), own({ version: '2', mode: 0o775 })],
    ['others can write to', own(), own({ version: '2', mode: 0o757 })],
    ['was root’s alone', roots(), own({ version: '2' })],
    ['was root’s alone', roots(), roots({ version: '2', isRootOwned: false })],
    ['others can put files into "/srv/shared"', own(), own({ version: '2', openFolder: '/srv/shared' })],
  ])('is never started where it or its folder %s', (said, started, now) => {
    expect(judgeProgram([started], [now], rules)).toEqual({ is: 'refused', because: expect.stringContaining(said) })
  })
})
