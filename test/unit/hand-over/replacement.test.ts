import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FileLook } from '../../../src/hand-over/judge-program.ts'
import { lookAtProgram } from '../../../src/hand-over/look-at-program.ts'
import { Replacement, type ReplacementSettings } from '../../../src/hand-over/replacement.ts'
import { Turnstile } from '../../../src/socket/turnstile.ts'
import { silentLog } from '../../integration/world.ts'

let folder: string
let file: string
let replacement: Replacement | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-replaced-'))
  file = join(folder, 'program')
})
afterEach(async () => {
  await replacement?.close()
  await rm(folder, { recursive: true })
})

/** An agent that holds nothing. */
function anAgent(more: Partial<ReplacementSettings['agent']> = {}): ReplacementSettings['agent'] {
  return {
    turnstile: new Turnstile(),
    isBusy: false,
    handOverProblem: undefined,
    onAnyChange: () => () => undefined,
    whenIdle: async () => undefined,
    passOn: async () => ({}),
    stopServing: async () => undefined,
    letGo: async () => undefined,
    status: () => [],
    ...more,
  }
}

type Rest = Pick<ReplacementSettings, 'agent' | 'started'> & Partial<ReplacementSettings>

function watchFor(rest: Rest): Replacement {
  const program = { command: file, args: [], files: [file], isExecutable: true }
  return new Replacement({
    ...{ program, claimed: { announceAgain: async () => undefined }, log: silentLog, settleMs: 10 },
    ...rest,
  })
}

/** Puts a program on the disk, whole. */
async function put(code: string): Promise<void> {
  await writeFile(`${file}.new`, `#!/bin/sh\n${code}\n`, { mode: 0o755 })
  await rename(`${file}.new`, file)
}

test('what has become another program while somebody signed in is judged anew, and not started', async () => {
  const started = join(folder, 'started')
  await put(`touch ${started}`)
  const uid = process.getuid?.() ?? -1
  const rest = { uid, mode: 0o755, isFile: true, isRootOwned: false, openFolder: undefined }
  let lies: FileLook = { path: file, version: 'new', ...rest }
  let signedIn: () => void = () => undefined
  let waits = false
  const idle = new Promise<void>((resolve) => {
    signedIn = resolve
  })
  const agent = anAgent({
    isBusy: true,
    whenIdle() {
      waits = true
      return idle
    },
  })
  replacement = watchFor({ agent, started: [{ path: file, version: 'old', ...rest }], look: async () => [lies] })
  await expect.poll(() => waits, { timeout: 10_000 }).toBe(true)
  lies = { ...lies, version: 'theirs', uid: uid + 1 }
  Object.assign(agent, { isBusy: false })
  signedIn()
  await expect.poll(() => agent.handOverProblem?.because, { timeout: 10_000 }).toContain('belongs to another user')
  expect(existsSync(started)).toBe(false)
})

test('what is put there while another one is tried has its turn when that has failed', async () => {
  const [tried, fails] = [join(folder, 'tried'), join(folder, 'fails')]
  await put('exit 1')
  const started = await lookAtProgram([file])
  const agent = anAgent()
  replacement = watchFor({ agent, started })
  await put(`touch ${tried}\nuntil test -e ${fails}; do sleep 0.05; done\nexit 3`)
  await expect.poll(() => existsSync(tried), { timeout: 10_000 }).toBe(true)
  await put('exit 4')
  // Its news has come and gone.
  await sleep(300)
  await writeFile(fails, '')
  await expect.poll(() => agent.handOverProblem?.because, { timeout: 10_000 }).toBe('it ended with 4')
})
