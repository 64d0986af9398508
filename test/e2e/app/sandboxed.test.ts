import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { otherUserMissing } from '../../integration/other-user.ts'
import type { Scene } from '../scene.ts'
import { demandElectron } from './app-stage.ts'
import { openEveryWindow, type WindowsStage } from './every-window.ts'

const run = promisify(execFile)
const nobody = '65534'
const isRoot = process.getuid?.() === 0
const closing: (() => unknown)[] = []
let opening: Promise<WindowsStage> | undefined
afterAll(async () => {
  await (await opening?.catch(() => undefined))?.close()
  for (const one of closing.reverse()) await one()
})

/** The app as a person starts it: as somebody who is not root, in the sandbox. */
function onStage(context: TestContext): Promise<WindowsStage> {
  if (process.platform !== 'linux') context.skip('only on Linux is the sandbox to be seen from outside')
  const electron = demandElectron(context)
  if (!isRoot) opening ??= openEveryWindow(electron)
  else if (otherUserMissing) context.skip(otherUserMissing)
  opening ??= startedAsNobody(electron).then((program) =>
    openEveryWindow(program, { sandbox: true, prepare: handOver }),
  )
  return opening
}

/** A program that starts Electron as nobody, who may not look into root's cache: there it is a second name of the same files. */
async function startedAsNobody(electron: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-nobody-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const readable = join(folder, 'electron')
  await run('cp', ['-al', dirname(electron), readable]).catch(async () => {
    await rm(readable, { recursive: true, force: true })
    await run('cp', ['-a', dirname(electron), readable])
  })
  const program = join(folder, 'start')
  const command = `setpriv --reuid ${nobody} --regid ${nobody} --clear-groups '${join(readable, basename(electron))}'`
  await writeFile(program, `#!/bin/sh\nexec ${command} "$@"\n`)
  await chmod(program, 0o755)
  return program
}

/** The artist's home becomes nobody's. */
async function handOver({ studio }: Scene): Promise<void> {
  for (const name of ['home', 'run', 'opened-addresses', 'bin']) {
    await run('chown', ['-R', `${nobody}:${nobody}`, join(studio.folder, name)])
  }
  await chmod(studio.folder, 0o777)
}

interface Seen {
  readonly pid: number
  readonly status: string
  readonly arguments: readonly string[]
}

async function look(pid: number): Promise<Seen> {
  const place = (name: string): string => join('/proc', String(pid), name)
  return {
    pid,
    status: await readFile(place('status'), 'utf8'),
    arguments: (await readFile(place('cmdline'), 'utf8')).split(/[\0 ]/),
  }
}

/** The main process, and that of each window. */
async function processes({ app }: WindowsStage): Promise<{ main: Seen; renderers: Seen[] }> {
  const pids = await app.evaluate(({ webContents }) => ({
    main: process.pid,
    renderers: webContents.getAllWebContents().map((one) => one.getOSProcessId()),
  }))
  const renderers = await Promise.all([...new Set(pids.renderers)].map(look))
  return { main: await look(pids.main), renderers }
}

test('an ordinary user starts the app with no switch against the sandbox, and every window comes up', async (context) => {
  const { main, renderers } = await processes(await onStage(context))
  expect(main.status).toMatch(isRoot ? /^Uid:\s+65534\s+65534\s/m : /^Uid:\s+[1-9]/m)
  expect(renderers.length).toBeGreaterThan(0)
  for (const one of [main, ...renderers]) {
    const against = one.arguments.filter((argument) => /^--(no-sandbox|disable-.*sandbox|no-zygote)/.test(argument))
    expect(against).toEqual([])
  }
})

test('the process of every window is under a system-call filter and can gain no privilege', async (context) => {
  const { renderers } = await processes(await onStage(context))
  for (const { status } of renderers) {
    if (!/^Seccomp:/m.test(status)) context.skip('this kernel does not tell of system-call filters')
    // SECCOMP_MODE_FILTER, see proc(5).
    expect(status).toMatch(/^Seccomp:\s+2$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(status).toMatch(/^CapEff:\s+0+$/m)
  }
})

test('and stands apart: of the other processes and the network it sees nothing', async (context) => {
  const { main, renderers } = await processes(await onStage(context))
  for (const renderer of renderers) {
    for (const name of ['pid', 'net']) {
      const [its, mains] = await Promise.all(
        [renderer, main].map(({ pid }) => readlink(`/proc/${pid}/ns/${name}`).catch(() => undefined)),
      )
      if (its === undefined || mains === undefined)
        context.skip('only root may look at the namespaces of a sandboxed process')
      expect(its).not.toBe(mains)
    }
  }
})
