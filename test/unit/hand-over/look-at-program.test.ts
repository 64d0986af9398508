import { chmod, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { judgeProgram, type ProgramVerdict } from '../../../src/hand-over/judge-program.ts'
import { lookAtProgram } from '../../../src/hand-over/look-at-program.ts'

let folder: string
let program: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-look-'))
  program = join(folder, 'real', 'program')
  await mkdir(join(folder, 'real'), { mode: 0o755 })
  await mkdir(join(folder, 'links'))
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
})
afterEach(() => rm(folder, { recursive: true }))

async function verdictOn(path: string): Promise<ProgramVerdict> {
  const now = await lookAtProgram([path])
  const started = now.map((file) => file && { ...file, version: 'before', isRootOwned: false })
  return judgeProgram(started, now, { uid: process.getuid?.() ?? -1, isExecutable: true })
}

describe('a program that is reached through a link', () => {
  test('is one to start where nobody else can turn the link', async () => {
    const link = join(folder, 'links', 'program')
    await symlink(program, link)
    for (const mode of [0o755, 0o1777]) {
      await chmod(join(folder, 'links'), mode)
      expect(await verdictOn(link)).toEqual({ is: 'replaced' })
    }
  })

  test('is none in a folder where others can put another link', async () => {
    const link = join(folder, 'links', 'program')
    await symlink(program, link)
    await chmod(join(folder, 'links'), 0o777)
    expect(await verdictOn(link)).toMatchObject({ is: 'refused', because: expect.stringContaining('/links"') })
  })

  test('is none where others can turn a link half way', async () => {
    const [bin, shared] = [join(folder, 'bin'), join(folder, 'shared')]
    await mkdir(shared)
    await symlink('../real', join(shared, 'current'))
    await symlink(join(shared, 'current'), bin)
    expect(await verdictOn(join(bin, 'program'))).toEqual({ is: 'replaced' })
    await chmod(shared, 0o777)
    const because = expect.stringContaining(`others can put files into "${shared}"`)
    expect(await verdictOn(join(bin, 'program'))).toEqual({ is: 'refused', because })
  })

  test('is none where a link half way is another user’s', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give a link away')
    const current = join(folder, 'links', 'current')
    await symlink(join(folder, 'real'), current)
    await lchown(current, 65_534, 65_534)
    await chmod(join(folder, 'links'), 0o1777)
    await symlink(current, join(folder, 'bin'))
    expect(await verdictOn(join(folder, 'bin', 'program'))).toMatchObject({ is: 'refused' })
  })

  test('is not there where the links lead round in a circle', async () => {
    const circle = join(folder, 'links', 'circle')
    await symlink(circle, circle)
    expect(await lookAtProgram([circle])).toEqual([undefined])
  })

  test('is none where the link is another user’s', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give a link away')
    const link = join(folder, 'links', 'program')
    await symlink(program, link)
    await lchown(link, 65_534, 65_534)
    await chmod(join(folder, 'links'), 0o1777)
    expect(await verdictOn(link)).toMatchObject({ is: 'refused', because: `"${link}" belongs to another user` })
  })
})
