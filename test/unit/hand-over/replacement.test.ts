import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FileLook } from '../../../src/hand-over/judge-program.ts'
import { Replacement, type ReplacementSettings } from '../../../src/hand-over/replacement.ts'
import { Turnstile } from '../../../src/socket/turnstile.ts'
import { silentLog } from '../../integration/world.ts'

test('what has become another program while somebody signed in is judged anew, and not started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-replaced-'))
  const [file, started] = [join(folder, 'program'), join(folder, 'started')]
  await writeFile(file, `#!/bin/sh\ntouch ${started}\n`, { mode: 0o755 })
  const uid = process.getuid?.() ?? -1
  const rest = { uid, mode: 0o755, isFile: true, isRootOwned: false, openFolder: undefined }
  let lies: FileLook = { path: file, version: 'new', ...rest }
  let signedIn: () => void = () => undefined
  let waits = false
  const idle = new Promise<void>((resolve) => {
    signedIn = resolve
  })
  const agent: ReplacementSettings['agent'] = {
    turnstile: new Turnstile(),
    isBusy: true,
    handOverProblem: undefined,
    onAnyChange: () => () => undefined,
    whenIdle() {
      waits = true
      return idle
    },
    passOn: async () => ({}),
    stopServing: async () => undefined,
    letGo: async () => undefined,
    status: () => [],
  }
  const replacement = new Replacement({
    agent,
    program: { command: file, args: [], files: [file], isExecutable: true },
    claimed: { announceAgain: async () => undefined },
    log: silentLog,
    started: [{ path: file, version: 'old', ...rest }],
    look: async () => [lies],
    settleMs: 10,
  })
  try {
    await expect.poll(() => waits, { timeout: 10_000 }).toBe(true)
    lies = { ...lies, version: 'theirs', uid: uid + 1 }
    Object.assign(agent, { isBusy: false })
    signedIn()
    await expect.poll(() => agent.handOverProblem?.because, { timeout: 10_000 }).toContain('belongs to another user')
    expect(existsSync(started)).toBe(false)
  } finally {
    await replacement.close()
    await rm(folder, { recursive: true })
  }
})
